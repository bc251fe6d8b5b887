package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/keiro-net/keiro/controller/api/resource"
)

type confirmInput struct {
	IfMatch string `header:"If-Match" doc:"Generation that the change made, in quotes"`
}

func (s *Server) registerConfirm() {
	op := func(id, method, path, summary string) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: "/api/v1" + path, Summary: summary, Tags: []string{"declare"},
			MaxBodyBytes: maxBodyBytes, BodyReadTimeout: bodyTimeout}
	}
	huma.Register(s.api, op("get-pending", http.MethodGet, "/pending", "The change that is taken back unless it is confirmed"),
		func(ctx context.Context, _ *struct{}) (*body[*resource.Pending], error) {
			if p := s.Backend.Pending(); p != nil {
				return &body[*resource.Pending]{p}, nil
			}
			return nil, s.problem(ctx, resource.Errorf(resource.NotFound, "no change awaits a confirmation"))
		})
	word := func(o huma.Operation, say func(context.Context, uint64) (*resource.Applied, error)) {
		huma.Register(s.api, o, func(ctx context.Context, in *confirmInput) (*body[*resource.Applied], error) {
			change, err := parseETag(in.IfMatch)
			if err != nil {
				return nil, err
			}
			ctx, cancel := context.WithTimeout(ctx, answerWithin)
			defer cancel()
			applied, err := say(ctx, change)
			return &body[*resource.Applied]{applied}, s.problem(ctx, err)
		})
	}
	word(op("confirm", http.MethodPost, "/confirm", "Keep the change that awaits its confirmation"), s.Backend.Confirm)
	word(op("rollback", http.MethodPost, "/rollback", "Take back the change that awaits its confirmation"), s.Backend.Rollback)
}

// duration reads a Go duration; "" is none.
func duration(field, text, example string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, huma.Error422UnprocessableEntity(fmt.Sprintf("bad %s %q: want a time such as %s", field, text, example))
	}
	return d, nil
}
