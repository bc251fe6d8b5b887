package store

import (
	"context"
	"log/slog"
	"maps"
	"slices"

	"go.uber.org/zap/zapcore"
)

// harmless is what a member without listeners, elected within a tick of its
// first start, warns about and then mends or does not need.
var harmless = map[string]bool{
	"Running http and grpc server on single port. This is not recommended for production.": true,
	"Failed to detect schema version":  true,
	"failed to update storage version": true,
	"failed to update cluster version": true, // stopped while it starts; the next start does it
}

// slogCore hands what etcd logs at warning or above to slog.
type slogCore struct {
	log    *slog.Logger
	fields []zapcore.Field
}

func (c slogCore) Enabled(l zapcore.Level) bool { return l >= zapcore.WarnLevel }

func (c slogCore) With(fields []zapcore.Field) zapcore.Core {
	return slogCore{log: c.log, fields: append(slices.Clip(c.fields), fields...)}
}

func (c slogCore) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) && !harmless[e.Message] {
		return ce.AddCore(e, c)
	}
	return ce
}

func (c slogCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	values := zapcore.NewMapObjectEncoder()
	for _, f := range append(slices.Clip(c.fields), fields...) {
		f.AddTo(values)
	}
	args := []any{"message", e.Message}
	for _, k := range slices.Sorted(maps.Keys(values.Fields)) {
		args = append(args, k, values.Fields[k])
	}
	level := slog.LevelWarn
	if e.Level > zapcore.WarnLevel {
		level = slog.LevelError
	}
	c.log.Log(context.Background(), level, "etcd", args...)
	return nil
}

func (c slogCore) Sync() error { return nil }
