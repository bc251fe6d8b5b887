package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/topology/strictyaml"
)

type intentInput struct {
	Name string `path:"name" maxLength:"253" doc:"Name of the intent"`
}

type intentOutput struct {
	ETag string `header:"ETag" doc:"Generation of the spec; the status may change under the same one"`
	Body *resource.Intent
}

type deleteIntentInput struct {
	Name    string `path:"name" maxLength:"253" doc:"Name of the intent"`
	IfMatch string `header:"If-Match" doc:"ETag of the intent"`
}

type topologyInput struct {
	Accept      string `header:"Accept" hidden:"true"`
	IfNoneMatch string `header:"If-None-Match"`
}

type topologyOutput struct {
	Status      int
	ETag        string `header:"ETag"`
	Vary        string `header:"Vary" hidden:"true"`
	ContentType string `header:"Content-Type" hidden:"true"`
	Body        []byte
}

func (s *Server) registerIntents() {
	op := func(id, method, path, summary string) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: "/api/v1" + path, Summary: summary, Tags: []string{"intents"}}
	}
	topology := op("get-topology", http.MethodGet, "/topology", "The topology in force, as JSON or YAML")
	topology.Tags = []string{"declare"}
	topology.Responses = map[string]*huma.Response{
		"200": {Description: "OK", Content: map[string]*huma.MediaType{"application/json": {}, "application/yaml": {}}},
		"304": {Description: "Not Modified"},
	}
	topology.Errors = []int{http.StatusNotFound, http.StatusServiceUnavailable}
	huma.Register(s.api, topology, s.topology)

	huma.Register(s.api, op("list-intents", http.MethodGet, "/intents", "All intents and what became of them"),
		list(s, func(st *resource.State) []*resource.Intent { return st.Intents }))
	huma.Register(s.api, op("get-intent", http.MethodGet, "/intents/{name}", "One intent and what became of it"),
		func(_ context.Context, in *intentInput) (*intentOutput, error) {
			state, err := s.state()
			if err != nil {
				return nil, err
			}
			intent := state.Intent(in.Name)
			if intent == nil {
				return nil, huma.Error404NotFound("there is no intent " + in.Name)
			}
			return &intentOutput{etag(intent.Metadata.Generation), intent}, nil
		})
	huma.Register(s.api, op("delete-intent", http.MethodDelete, "/intents/{name}", "Take an intent back"),
		func(ctx context.Context, in *deleteIntentInput) (*body[*resource.Applied], error) {
			generation, err := parseETag(in.IfMatch)
			if err != nil {
				return nil, err
			}
			ctx, cancel := context.WithTimeout(ctx, answerWithin)
			defer cancel()
			applied, err := s.Backend.DeleteIntent(ctx, in.Name, generation)
			return &body[*resource.Applied]{applied}, s.problem(ctx, err)
		})
	huma.Register(s.api, op("explain-intent", http.MethodGet, "/intents/{name}/explain", "Why an intent has its answer"),
		func(ctx context.Context, in *intentInput) (*body[*resource.Explanation], error) {
			ctx, cancel := context.WithTimeout(ctx, answerWithin)
			defer cancel()
			explanation, err := s.Backend.Explain(ctx, in.Name)
			return &body[*resource.Explanation]{explanation}, s.problem(ctx, err)
		})
	huma.Register(s.api, op("trace-intent", http.MethodPost, "/intents/{name}/trace", "Send packets down every path and say what they saw"),
		func(ctx context.Context, in *intentInput) (*body[*resource.Trace], error) {
			ctx, cancel := context.WithTimeout(ctx, answerWithin)
			defer cancel()
			trace, err := s.Backend.Trace(ctx, in.Name)
			return &body[*resource.Trace]{trace}, s.problem(ctx, err)
		})
	huma.Register(s.api, op("get-solution", http.MethodGet, "/solution", "The answers to all intents in one document"),
		func(context.Context, *struct{}) (*body[*resource.Solution], error) {
			state, err := s.state()
			if err != nil {
				return nil, err
			}
			if state.Solution == nil {
				return nil, huma.Error404NotFound("nothing is solved yet: apply a topology")
			}
			return &body[*resource.Solution]{state.Solution}, nil
		})
}

func (s *Server) topology(ctx context.Context, in *topologyInput) (*topologyOutput, error) {
	state, err := s.state()
	if err != nil {
		return nil, err
	}
	if state.Topology == nil {
		return nil, huma.Error404NotFound("there is no topology yet: apply one")
	}
	out := &topologyOutput{
		Status: http.StatusOK, Vary: "Accept", ETag: etag(state.TopologyGeneration),
		ContentType: "application/json", Body: state.Topology,
	}
	if asYAML(in.Accept) {
		out.ETag = strings.TrimSuffix(out.ETag, `"`) + yamlTag + `"`
		out.ContentType = "application/yaml"
		if out.Body, err = strictyaml.FromJSON(state.Topology); err != nil {
			return nil, s.problem(ctx, err)
		}
	}
	if in.IfNoneMatch == out.ETag {
		out.Status, out.Body = http.StatusNotModified, nil
	}
	return out, nil
}

// asYAML reports whether YAML is asked for, and JSON not.
func asYAML(accept string) bool {
	return strings.Contains(accept, "yaml") && !strings.Contains(accept, "json")
}

// state returns the state to read from, or that there is none yet.
func (s *Server) state() (*resource.State, error) {
	if state := s.Backend.State(); state != nil {
		return state, nil
	}
	return nil, s.problem(context.Background(), resource.Errorf(resource.Unavailable, "the store was not read yet: try again"))
}

// list returns the handler of a list of the state.
func list[T any](s *Server, pick func(*resource.State) []*T) func(context.Context, *struct{}) (*body[resource.List[*T]], error) {
	return func(context.Context, *struct{}) (*body[resource.List[*T]], error) {
		state, err := s.state()
		if err != nil {
			return nil, err
		}
		items := pick(state)
		if items == nil {
			items = []*T{}
		}
		return &body[resource.List[*T]]{resource.List[*T]{Generation: state.Generation, Items: items}}, nil
	}
}
