package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/keiro-net/keiro/controller/api/feed"
	"github.com/keiro-net/keiro/controller/api/resource"
)

const (
	heartbeat  = 15 * time.Second // a comment at least so often, so that both ends see a dead connection
	writeStall = 10 * time.Second // a client that takes nothing for so long is dropped
)

type watchInput struct {
	LastEventID string `header:"Last-Event-ID" maxLength:"64" doc:"Resume after this id"`
}

func (s *Server) registerWatch() {
	change := s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[resource.Change](), true, "Change")
	huma.Register(s.api, huma.Operation{
		OperationID: "watch", Method: http.MethodGet, Path: "/api/v1/watch", Tags: []string{"controller"},
		Summary: "All that changes, as server-sent events",
		Description: "Begins with a snapshot (op `added`), which ends with `synced`; then changes follow. With Last-Event-ID it " +
			"resumes after that event instead. `resync` means: something was missed, forget all, a snapshot follows.",
		Middlewares: s.slot(s.watches, "watches"),
		Responses: map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{
			"text/event-stream": {Schema: change},
		}}},
	}, func(_ context.Context, in *watchInput) (*huma.StreamResponse, error) {
		watcher := s.Backend.Watch(in.LastEventID)
		return &huma.StreamResponse{Body: func(ctx huma.Context) {
			r, w := humago.Unwrap(ctx)
			s.stream(r.Context(), w, watcher)
		}}, nil
	})
}

// stream writes changes until the client goes, stalls, or the server stops.
func (s *Server) stream(ctx context.Context, w http.ResponseWriter, watcher *feed.Watcher) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.stopping, cancel)()
	conn := http.NewResponseController(w)
	// A stream outlives every deadline of the server; each write has its own.
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		s.Log.ErrorContext(ctx, "watch", "error", fmt.Errorf("lift the read deadline: %w", err))
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	for {
		message, err := next(ctx, watcher)
		if err != nil {
			return
		}
		if err := conn.SetWriteDeadline(time.Now().Add(writeStall)); err != nil {
			return
		}
		if _, err := w.Write(message); err != nil {
			return
		}
		if err := conn.Flush(); err != nil {
			return
		}
	}
}

// next returns the next event of the stream, or a comment if there is none for
// a while. The format is that of the HTML standard, section 9.2.6.
func next(ctx context.Context, watcher *feed.Watcher) ([]byte, error) {
	wait, cancel := context.WithTimeout(ctx, heartbeat)
	defer cancel()
	change, err := watcher.Next(wait)
	if err != nil {
		if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
			return []byte(":\n\n"), nil
		}
		return nil, err
	}
	data, err := json.Marshal(change)
	if err != nil {
		return nil, fmt.Errorf("watch: %w", err)
	}
	var id string
	if change.ID != "" {
		id = "id: " + change.ID + "\n"
	}
	return fmt.Appendf(nil, "%sevent: %s\ndata: %s\n\n", id, change.Kind, data), nil
}
