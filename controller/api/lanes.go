package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/keiro-net/keiro/controller/api/resource"
)

// maxWithin bounds over how long new keys may be spread.
const maxWithin = time.Hour

type lanesInput struct {
	Intent string `query:"intent" maxLength:"253" doc:"Only the lanes of this intent"`
	Node   string `query:"node" maxLength:"253" doc:"Only the lanes that end at this node"`
}

type nodeInput struct {
	Name string `path:"name" maxLength:"253" doc:"Name of the node"`
}

type rekeyRequest struct {
	Within string   `json:"within,omitempty" default:"30s" doc:"A Go duration, at most 1h, over which the pairs are spread" example:"30s"`
	_      struct{} `additionalProperties:"false"`
}

type rekeyInput struct {
	Name string `path:"name" maxLength:"253" doc:"Name of the node"`
	Body rekeyRequest
}

func (s *Server) registerLanes() {
	op := func(id, method, path, summary string) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: "/api/v1" + path, Summary: summary, Tags: []string{"lanes"},
			MaxBodyBytes: maxBodyBytes, BodyReadTimeout: bodyTimeout}
	}
	huma.Register(s.api, op("list-lanes", http.MethodGet, "/lanes", "The encrypted lanes, as both their ends tell of them"),
		func(_ context.Context, in *lanesInput) (*body[resource.List[*resource.Lane]], error) {
			state, err := s.state()
			if err != nil {
				return nil, err
			}
			items := []*resource.Lane{}
			for _, l := range state.Lanes {
				if (in.Intent == "" || l.Intent == in.Intent) && (in.Node == "" || endsAt(l, in.Node)) {
					items = append(items, l)
				}
			}
			return &body[resource.List[*resource.Lane]]{resource.List[*resource.Lane]{Generation: state.Generation, Items: items}}, nil
		})
	huma.Register(s.api, op("list-keying", http.MethodGet, "/keying", "What the nodes say of their keys: alarms, stores of QKD keys, floors, counts"),
		list(s, func(st *resource.State) []*resource.Keying { return st.Keying }))
	huma.Register(s.api, op("rotate-intent", http.MethodPost, "/intents/{name}/rotate", "Have the agents agree on new keys for the lanes of an intent"),
		func(ctx context.Context, in *intentInput) (*body[*resource.Rotation], error) {
			ctx, cancel := context.WithTimeout(ctx, answerWithin)
			defer cancel()
			rotation, err := s.Backend.Rotate(ctx, in.Name)
			return &body[*resource.Rotation]{rotation}, s.problem(ctx, err)
		})
	rekey := op("rekey-node", http.MethodPost, "/nodes/{name}/rekey", "After a compromise: new keys for all lanes of a node, and distrust of those it has")
	rekey.Description = "Both ends of every lane of the node are told that all keys so far are known to others. Each pair agrees on new " +
		"ones, and closes the sessions of the old ones when that is not done in time."
	huma.Register(s.api, rekey,
		func(ctx context.Context, in *rekeyInput) (*body[*resource.Rotation], error) {
			within, err := time.ParseDuration(in.Body.Within)
			if err != nil || within < 0 || within > maxWithin {
				return nil, huma.Error422UnprocessableEntity(fmt.Sprintf("bad within %q: want up to %s, such as 30s", in.Body.Within, maxWithin))
			}
			ctx, cancel := context.WithTimeout(ctx, answerWithin)
			defer cancel()
			rotation, err := s.Backend.Rekey(ctx, in.Name, within)
			return &body[*resource.Rotation]{rotation}, s.problem(ctx, err)
		})
	revoke := op("revoke-node", http.MethodPost, "/nodes/{name}/revoke", "Believe the agent of a node no more")
	revoke.Description = "Its certificates and its unused tokens are worthless from now on, its session ends, and its peers close their " +
		"lanes to it. It comes back with a new token only."
	huma.Register(s.api, revoke,
		func(ctx context.Context, in *nodeInput) (*body[*resource.Revocation], error) {
			ctx, cancel := context.WithTimeout(ctx, answerWithin)
			defer cancel()
			revocation, err := s.Backend.Revoke(ctx, in.Name)
			return &body[*resource.Revocation]{revocation}, s.problem(ctx, err)
		})
}

func endsAt(l *resource.Lane, node string) bool {
	return slices.ContainsFunc(l.Ends, func(e resource.LaneEnd) bool { return e.Node == node })
}
