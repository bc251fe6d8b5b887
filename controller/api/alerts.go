package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/keiro-net/keiro/controller/api/resource"
)

type replayRequest struct {
	IDs []string `json:"ids,omitempty" maxItems:"1000" doc:"Dead letters to send again"`
	All bool     `json:"all,omitempty" doc:"All of them; then no ids"`
	_   struct{} `additionalProperties:"false"`
}

type replayInput struct {
	Body replayRequest
}

func (s *Server) registerAlerts() {
	op := func(id, method, path, summary string) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: "/api/v1" + path, Summary: summary, Tags: []string{"controller"},
			MaxBodyBytes: maxBodyBytes, BodyReadTimeout: bodyTimeout}
	}
	huma.Register(s.api, op("list-alerts", http.MethodGet, "/alerts", "What an operator must know"),
		list(s, func(st *resource.State) []*resource.Alert { return st.Alerts }))
	huma.Register(s.api, op("list-dead-alerts", http.MethodGet, "/alerts/dead", "Alerts that were given up for an endpoint"),
		func(context.Context, *struct{}) (*body[resource.List[resource.DeadLetter]], error) {
			if s.Alerts == nil {
				return s.letters(nil)
			}
			return s.letters(s.Alerts.DeadLetters())
		})
	huma.Register(s.api, op("replay-dead-alerts", http.MethodPost, "/alerts/replay", "Send alerts again that were given up"),
		func(ctx context.Context, in *replayInput) (*body[resource.List[resource.DeadLetter]], error) {
			if in.Body.All == (len(in.Body.IDs) > 0) {
				return nil, huma.Error422UnprocessableEntity("want either ids or all: true")
			}
			if s.Alerts == nil {
				return nil, s.problem(ctx, resource.Errorf(resource.NotFound, "no endpoint for alerts is configured, so none was given up"))
			}
			ctx, cancel := context.WithTimeout(ctx, answerWithin)
			defer cancel()
			replayed, err := s.Alerts.Replay(ctx, in.Body.IDs)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			return s.letters(replayed)
		})
}

func (s *Server) letters(items []resource.DeadLetter) (*body[resource.List[resource.DeadLetter]], error) {
	state, err := s.state()
	if err != nil {
		return nil, err
	}
	if items == nil {
		items = []resource.DeadLetter{}
	}
	return &body[resource.List[resource.DeadLetter]]{resource.List[resource.DeadLetter]{Generation: state.Generation, Items: items}}, nil
}
