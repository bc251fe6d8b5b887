package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/keiro-net/keiro/controller/api/resource"
)

type eventsInput struct {
	After  uint64    `query:"after" doc:"Events with an id above this, the oldest first; 0: the newest ones"`
	Since  time.Time `query:"since" doc:"Only what happened then or later"`
	Until  time.Time `query:"until" doc:"Only what happened before"`
	Intent string    `query:"intent" maxLength:"253" doc:"Only what concerns this intent"`
	Object string    `query:"object" maxLength:"512" doc:"Only what happened to this" example:"link:tyo1--osa1"`
	Limit  int       `query:"limit" default:"100" minimum:"1" maximum:"1000"`
}

type tokenRequest struct {
	Node string   `json:"node" minLength:"1" maxLength:"253"`
	TTL  string   `json:"ttl,omitempty" default:"1h" doc:"A Go duration, at most 168h" example:"1h"`
	_    struct{} `additionalProperties:"false"`
}

type tokenInput struct {
	Body tokenRequest
}

func (s *Server) registerLog() {
	op := func(id, method, path, summary string) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: "/api/v1" + path, Summary: summary, Tags: []string{"controller"},
			MaxBodyBytes: maxBodyBytes, BodyReadTimeout: bodyTimeout}
	}
	huma.Register(s.api, op("list-events", http.MethodGet, "/events", "What happened, as far as it is kept"),
		func(ctx context.Context, in *eventsInput) (*body[resource.List[resource.Event]], error) {
			state, err := s.state()
			if err != nil {
				return nil, err
			}
			ctx, cancel := context.WithTimeout(ctx, answerWithin)
			defer cancel()
			events, err := s.Backend.Events(ctx, resource.EventQuery{
				After: in.After, Since: in.Since, Until: in.Until, Intent: in.Intent, Object: in.Object, Limit: in.Limit,
			})
			if events == nil {
				events = []resource.Event{}
			}
			return &body[resource.List[resource.Event]]{resource.List[resource.Event]{Generation: state.Generation, Items: events}},
				s.problem(ctx, err)
		})
	huma.Register(s.api, op("create-token", http.MethodPost, "/tokens", "Make a token with which the agent of a node enrols"),
		func(ctx context.Context, in *tokenInput) (*body[*resource.Token], error) {
			ttl, err := time.ParseDuration(in.Body.TTL)
			if err != nil || ttl <= 0 || ttl > maxTokenTTL {
				return nil, huma.Error422UnprocessableEntity(fmt.Sprintf("bad ttl %q: want up to %s, such as 1h", in.Body.TTL, maxTokenTTL))
			}
			ctx, cancel := context.WithTimeout(ctx, answerWithin)
			defer cancel()
			token, err := s.Backend.CreateToken(ctx, in.Body.Node, ttl)
			return &body[*resource.Token]{token}, s.problem(ctx, err)
		})
	huma.Register(s.api, op("get-version", http.MethodGet, "/version", "What is running"),
		func(context.Context, *struct{}) (*body[resource.Version], error) {
			return &body[resource.Version]{s.Version}, nil
		})
}
