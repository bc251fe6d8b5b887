package apitest

import (
	"context"

	"github.com/keiro-net/keiro/bgp"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/compile"
	"github.com/keiro-net/keiro/controller/core"
	"github.com/keiro-net/keiro/controller/declare"
	"github.com/keiro-net/keiro/controller/show"
	"github.com/keiro-net/keiro/topology"
)

// Listen has the controller speak BGP: these are its peers, and this is what it
// knows with what they say. Nodes and links are those of the view from now on.
func (b *Backend) Listen(peers []bgp.State, v core.View) {
	b.mu.Lock()
	b.peers, b.view = peers, v
	b.mu.Unlock()
	if v.Spec.Topology != nil {
		v.Spec.IDs, _ = compile.Allocate(v.Spec.IDs, v.Spec.Topology, nil) // there are enough for a test
	}
	shown := show.State(nil, declare.State{Spec: v.Spec}, v, nil)
	b.Update(func(s *resource.State) { s.Nodes, s.Links, s.Learned = shown.Nodes, shown.Links, shown.Learned })
}

func (b *Backend) listened() ([]bgp.State, core.View) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.peers, b.view
}

// Peers are those that it listens to.
func (b *Backend) Peers() *resource.Peers {
	peers, v := b.listened()
	out := &resource.Peers{Configured: v.Learned != nil, Items: show.Peers(peers, v.Learned)}
	if out.Configured {
		out.Refused = 2
	}
	return out
}

// Learned is what they say.
func (b *Backend) Learned(context.Context) (*resource.Learned, error) {
	_, v := b.listened()
	b.asked()
	return show.Learned(v)
}

// LearnedTopology is the same as a document.
func (b *Backend) LearnedTopology(_ context.Context, name string) (*topology.Topology, error) {
	_, v := b.listened()
	b.asked()
	return show.LearnedTopology(v, name)
}

func (b *Backend) asked() {
	if b.Asked != nil {
		b.Asked()
	}
}

// Link has attributes where there is a view.
func (b *Backend) Link(_ context.Context, name string) (*resource.LinkDetail, error) {
	_, v := b.listened()
	if d := show.Link(b.State(), v, name); d != nil {
		return d, nil
	}
	l := b.State().Link(name)
	if l == nil {
		return nil, resource.Errorf(resource.NotFound, "there is no link %s", name)
	}
	return &resource.LinkDetail{Link: *l, Observations: []resource.Observation{}, Attributes: []resource.Attribute{},
		SIDs: []resource.SID{}, Adjacencies: []resource.Adjacency{}}, nil
}

// Node likewise.
func (b *Backend) Node(_ context.Context, name string) (*resource.NodeDetail, error) {
	_, v := b.listened()
	if d := show.Node(b.State(), v, name); d != nil {
		return d, nil
	}
	n := b.State().Node(name)
	if n == nil {
		return nil, resource.Errorf(resource.NotFound, "there is no node %s", name)
	}
	return &resource.NodeDetail{Node: *n, Attributes: []resource.Attribute{}, SIDs: []resource.SID{}, Said: []resource.Saying{}}, nil
}
