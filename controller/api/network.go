package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/keiro-net/keiro/controller/api/resource"
)

type drainRequest struct {
	Kind   string   `json:"kind" enum:"node,link,srlg"`
	Name   string   `json:"name" minLength:"1" maxLength:"253"`
	Reason string   `json:"reason,omitempty" maxLength:"1024"`
	_      struct{} `additionalProperties:"false"`
}

type drainInput struct {
	Body drainRequest
}

type undrainInput struct {
	Kind string `path:"kind" enum:"node,link,srlg"`
	Name string `path:"name" maxLength:"253"`
}

func (s *Server) registerNetwork() {
	op := func(id, method, path, summary string) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: "/api/v1" + path, Summary: summary, Tags: []string{"network"},
			MaxBodyBytes: maxBodyBytes, BodyReadTimeout: bodyTimeout}
	}
	huma.Register(s.api, op("list-nodes", http.MethodGet, "/nodes", "All nodes and their agents"),
		list(s, func(st *resource.State) []*resource.Node { return st.Nodes }))
	huma.Register(s.api, op("list-links", http.MethodGet, "/links", "All links and their states"),
		list(s, func(st *resource.State) []*resource.Link { return st.Links }))
	huma.Register(s.api, op("list-drains", http.MethodGet, "/drains", "What is taken out of use on purpose"),
		list(s, func(st *resource.State) []*resource.Drain { return st.Drains }))
	huma.Register(s.api, op("drain", http.MethodPost, "/drains", "Take a node, a link or an SRLG out of use"),
		func(ctx context.Context, in *drainInput) (*body[*resource.Drain], error) {
			ctx, cancel := context.WithTimeout(ctx, answerWithin)
			defer cancel()
			drain, err := s.Backend.Drain(ctx, resource.Drain{
				Kind: in.Body.Kind, Name: in.Body.Name, Reason: in.Body.Reason, By: Principal(ctx),
			})
			return &body[*resource.Drain]{drain}, s.problem(ctx, err)
		})
	huma.Register(s.api, op("undrain", http.MethodDelete, "/drains/{kind}/{name}", "Put it back into use"),
		func(ctx context.Context, in *undrainInput) (*struct{}, error) {
			ctx, cancel := context.WithTimeout(ctx, answerWithin)
			defer cancel()
			return nil, s.problem(ctx, s.Backend.Undrain(ctx, in.Kind, in.Name))
		})
}
