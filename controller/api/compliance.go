package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/keiro-net/keiro/controller/api/resource"
)

func (s *Server) registerCompliance() {
	op := func(id, path, summary string) huma.Operation {
		return huma.Operation{OperationID: id, Method: http.MethodGet, Path: "/api/v1" + path, Summary: summary, Tags: []string{"intents"}}
	}
	huma.Register(s.api, op("list-compliance", "/compliance", "How all intents have kept what they declare"),
		func(ctx context.Context, _ *struct{}) (*body[resource.List[*resource.Compliance]], error) {
			state, err := s.state()
			if err != nil {
				return nil, err
			}
			ctx, cancel := context.WithTimeout(ctx, answerWithin)
			defer cancel()
			all, err := s.Backend.Compliance(ctx, "")
			if all == nil {
				all = []*resource.Compliance{}
			}
			return &body[resource.List[*resource.Compliance]]{resource.List[*resource.Compliance]{Generation: state.Generation, Items: all}}, s.problem(ctx, err)
		})
	huma.Register(s.api, op("get-compliance", "/intents/{name}/compliance", "How an intent has kept what it declares"),
		func(ctx context.Context, in *intentInput) (*body[*resource.Compliance], error) {
			ctx, cancel := context.WithTimeout(ctx, answerWithin)
			defer cancel()
			all, err := s.Backend.Compliance(ctx, in.Name)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			return &body[*resource.Compliance]{all[0]}, nil
		})
}
