package controller

import (
	"context"

	"github.com/keiro-net/keiro/bgp"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/core"
	"github.com/keiro-net/keiro/controller/show"
	"github.com/keiro-net/keiro/topology"
)

// speaker is what operators want to know of BGP.
type speaker struct {
	states  func() []bgp.State
	refused func() uint64 // connections of strangers
}

// Peers implements api.Backend.
func (b *backend) Peers() *resource.Peers {
	if b.speaker == nil {
		return &resource.Peers{Items: []*resource.Peer{}}
	}
	return &resource.Peers{Configured: true, Refused: b.speaker.refused(), Items: show.Peers(b.speaker.states(), b.view().Learned)}
}

// view is what the Core knew when it was last published. What is large is made
// of it when somebody asks.
func (b *backend) view() core.View {
	if v := b.seen.Load(); v != nil {
		return *v
	}
	return core.View{}
}

// Learned implements api.Backend.
func (b *backend) Learned(context.Context) (*resource.Learned, error) { return show.Learned(b.view()) }

// LearnedTopology implements api.Backend.
func (b *backend) LearnedTopology(_ context.Context, name string) (*topology.Topology, error) {
	return show.LearnedTopology(b.view(), name)
}

// Link implements api.Backend.
func (b *backend) Link(_ context.Context, name string) (*resource.LinkDetail, error) {
	if l := show.Link(b.State(), b.view(), name); l != nil {
		return l, nil
	}
	return nil, resource.Errorf(resource.NotFound, "there is no link %s", name)
}

// Node implements api.Backend.
func (b *backend) Node(_ context.Context, name string) (*resource.NodeDetail, error) {
	if n := show.Node(b.State(), b.view(), name); n != nil {
		return n, nil
	}
	return nil, resource.Errorf(resource.NotFound, "there is no node %s", name)
}
