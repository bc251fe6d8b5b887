package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/keiro-net/keiro/controller/api/resource"
)

type changesInput struct {
	ContentType string   `header:"Content-Type" hidden:"true"`
	RawBody     []byte   `contentType:"application/yaml"`
	Remove      []string `query:"remove,explode" doc:"Intents to be taken back"`
	Drain       []string `query:"drain,explode" doc:"What is taken out of use" example:"[\"link:tyo1--nag1\"]"`
	Undrain     []string `query:"undrain,explode" doc:"What is put back into use"`
	Failures    string   `query:"failures" enum:"none,link,node,srlg" default:"none" doc:"Single failures to try"`
	Reserve     bool     `query:"reserve" doc:"Compare reserves as well, which takes much longer"`
}

type planOutput struct {
	ContentType string `header:"Content-Type" hidden:"true"`
	Body        []byte
}

func (s *Server) registerChanges() {
	huma.Register(s.api, huma.Operation{
		OperationID: "evaluate-changes", Method: http.MethodPost, Path: "/api/v1/changes", Tags: []string{"declare"},
		Summary:     "Say what a change would do to each intent, in the network as it is",
		Description: "Changes nothing. The answer is the report of `keiro plan -o json`: verdict, changes, intents before and after, findings with what they come of. A body without documents, such as a comment, declares nothing.",
		RequestBody: documentsBody(), MaxBodyBytes: maxApplyBytes, BodyReadTimeout: bodyTimeout, SkipValidateBody: true,
		Middlewares: s.slot(s.applies, "applies"),
		Responses: map[string]*huma.Response{
			"200": {Description: "OK", Content: map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{Type: "object"}}}},
		},
		Errors: []int{http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
	}, func(ctx context.Context, in *changesInput) (*planOutput, error) {
		c := resource.Changes{Remove: in.Remove, Drain: in.Drain, Undrain: in.Undrain, Failures: in.Failures, Reserve: in.Reserve}
		var err error
		if c.Documents, err = documents(in.ContentType, in.RawBody); err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeout(ctx, answerWithin)
		defer cancel()
		plan, err := s.Backend.Changes(ctx, c)
		if err != nil {
			return nil, s.problem(ctx, err)
		}
		text, err := json.Marshal(plan)
		return &planOutput{ContentType: "application/json", Body: text}, s.problem(ctx, err)
	})
}
