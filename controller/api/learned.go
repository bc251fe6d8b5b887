package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/topology"
)

type peerInput struct {
	Name string `path:"name" maxLength:"253" doc:"Name of the peer"`
}

type linkInput struct {
	Name string `path:"name" maxLength:"253" doc:"Name of the link"`
}

type learnedInput struct {
	Name   string `query:"name" default:"learned" maxLength:"253" doc:"What the document is to be called"`
	Accept string `header:"Accept" hidden:"true"`
}

type learnedOutput struct {
	Vary        string `header:"Vary" hidden:"true"`
	ContentType string `header:"Content-Type" hidden:"true"`
	Body        []byte
}

// registerLearned serves what BGP brings: the peers, what they say, and where the
// values of nodes and links come from. All of it is made when it is asked for.
func (s *Server) registerLearned() {
	op := func(id, path, summary string) huma.Operation {
		return huma.Operation{OperationID: id, Method: http.MethodGet, Path: "/api/v1" + path, Summary: summary, Tags: []string{"network"}}
	}
	huma.Register(s.api, op("list-peers", "/peers", "The routers that BGP sessions are held with"),
		func(context.Context, *struct{}) (*body[*resource.Peers], error) {
			return &body[*resource.Peers]{s.Backend.Peers()}, nil
		})
	huma.Register(s.api, op("get-peer", "/peers/{name}", "One BGP peer"),
		func(_ context.Context, in *peerInput) (*body[*resource.Peer], error) {
			peers := s.Backend.Peers()
			for _, p := range peers.Items {
				if p.Name == in.Name {
					return &body[*resource.Peer]{p}, nil
				}
			}
			if !peers.Configured {
				return nil, huma.Error404NotFound("there is no peer " + in.Name + ": the controller speaks no BGP; keiro-controller --bgp FILE names its peers")
			}
			return nil, huma.Error404NotFound("there is no peer " + in.Name)
		})
	huma.Register(s.api, op("get-link", "/links/{name}", "One link, and where each of its values comes from"),
		func(ctx context.Context, in *linkInput) (*body[*resource.LinkDetail], error) {
			if _, err := s.state(); err != nil {
				return nil, err
			}
			link, err := s.Backend.Link(ctx, in.Name)
			return &body[*resource.LinkDetail]{link}, s.problem(ctx, err)
		})
	huma.Register(s.api, op("get-node", "/nodes/{name}", "One node, and where each of its values comes from"),
		func(ctx context.Context, in *nodeInput) (*body[*resource.NodeDetail], error) {
			if _, err := s.state(); err != nil {
				return nil, err
			}
			node, err := s.Backend.Node(ctx, in.Name)
			return &body[*resource.NodeDetail]{node}, s.problem(ctx, err)
		})
	objects := op("list-learned", "/topology/learned/objects", "What routers say of the topology by BGP-LS, and what of it is declared")
	objects.Middlewares = s.slot(s.learned, "answers of that size")
	huma.Register(s.api, objects, func(ctx context.Context, _ *struct{}) (*body[*resource.Learned], error) {
		learned, err := s.Backend.Learned(ctx)
		return &body[*resource.Learned]{learned}, s.problem(ctx, err)
	})
	document := op("get-learned-topology", "/topology/learned", "What routers say of the topology as a document to start a file from, as JSON or YAML")
	document.Middlewares = objects.Middlewares
	document.Responses = map[string]*huma.Response{
		"200": {Description: "OK", Content: map[string]*huma.MediaType{"application/json": {}, "application/yaml": {}}},
	}
	document.Errors = []int{http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusServiceUnavailable}
	huma.Register(s.api, document, s.learnedTopology)
}

func (s *Server) learnedTopology(ctx context.Context, in *learnedInput) (*learnedOutput, error) {
	t, err := s.Backend.LearnedTopology(ctx, in.Name)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	out := &learnedOutput{Vary: "Accept", ContentType: "application/json"}
	if asYAML(in.Accept) {
		out.ContentType, out.Body = "application/yaml", topology.Format(t)
		return out, nil
	}
	out.Body, err = json.Marshal(t)
	return out, s.problem(ctx, err)
}
