package api

import (
	"bytes"
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/keiro-net/keiro/controller/api/resource"
)

type waiveInput struct {
	RawBody []byte `contentType:"application/yaml"`
}

type unwaiveInput struct {
	Intent         string `path:"intent" maxLength:"253"`
	Characteristic string `path:"characteristic" maxLength:"64"`
}

func (s *Server) registerWaivers() {
	op := func(id, method, path, summary string) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: "/api/v1" + path, Summary: summary, Tags: []string{"declare"},
			MaxBodyBytes: maxBodyBytes, BodyReadTimeout: bodyTimeout}
	}
	type waivers = body[*resource.List[resource.Waiver]]
	waive := op("waive", http.MethodPost, "/waivers", "Hand in waivers that an operator signed")
	waive.SkipValidateBody = true
	huma.Register(s.api, waive, func(ctx context.Context, in *waiveInput) (*waivers, error) {
		ctx, cancel := context.WithTimeout(ctx, answerWithin)
		defer cancel()
		all, err := s.Backend.Waive(ctx, bytes.Clone(in.RawBody))
		return &waivers{&resource.List[resource.Waiver]{Items: all}}, s.problem(ctx, err)
	})
	huma.Register(s.api, op("list-waivers", http.MethodGet, "/waivers", "What operators allowed to be lost, for a time"),
		func(context.Context, *struct{}) (*waivers, error) {
			return &waivers{&resource.List[resource.Waiver]{Items: s.Backend.Waivers()}}, nil
		})
	huma.Register(s.api, op("unwaive", http.MethodDelete, "/waivers/{intent}/{characteristic}", "End a waiver early"),
		func(ctx context.Context, in *unwaiveInput) (*struct{}, error) {
			ctx, cancel := context.WithTimeout(ctx, answerWithin)
			defer cancel()
			return nil, s.problem(ctx, s.Backend.Unwaive(ctx, in.Intent, in.Characteristic))
		})
}
