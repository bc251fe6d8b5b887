package agent

import (
	"context"
	"errors"
	"fmt"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// trace answers a question of the controller beside the loop.
func (l *loop) trace(ctx context.Context, req nodecfg.TraceRequest) {
	var err error
	switch {
	case l.cfg == nil:
		err = errors.New("this node has no config yet")
	case l.tracing >= maxTraces:
		err = fmt.Errorf("%d traces are under way: try again in some seconds", l.tracing)
	}
	if err != nil {
		l.answers = append(l.answers, nodecfg.FromAgent{Trace: &nodecfg.TraceResult{ID: req.ID, Error: err.Error()}})
		return
	}
	l.tracing++
	go func(cfg *nodecfg.Config) {
		r := l.Prober.Trace(ctx, cfg, req)
		select {
		case l.traces <- r:
		case <-ctx.Done():
		}
	}(l.cfg)
}
