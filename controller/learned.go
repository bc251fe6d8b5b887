package controller

import (
	"context"
	"net/netip"

	"github.com/keiro-net/keiro/bgp/lsdb"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/core"
	"github.com/keiro-net/keiro/controller/live"
	"github.com/keiro-net/keiro/controller/show"
	"github.com/keiro-net/keiro/topology"
)

// Peers implements api.Backend.
func (b *backend) Peers() *resource.Peers {
	if !b.listens() {
		return &resource.Peers{Items: []*resource.Peer{}}
	}
	out := &resource.Peers{Configured: true, Refused: b.routers.Refused(), Items: show.Peers(b.routers.States(), b.routers.View())}
	nodes := b.routers.Nodes()
	for _, p := range out.Items {
		p.Node = nodes[p.Name]
	}
	return out
}

// listens reports whether the controller speaks BGP.
func (b *backend) listens() bool { return b.routers != nil && b.routers.Routers != nil }

// view is what the Core knew when it was last published. What is large is made
// of it when somebody asks.
func (b *backend) view() core.View {
	var v core.View
	if seen := b.seen.Load(); seen != nil {
		v = *seen
	}
	if v.Learned == nil && b.listens() {
		v.Learned = &lsdb.View{} // nothing is said yet
	}
	return v
}

// locators are those that routers say are theirs.
func (b *backend) locators() (out []netip.Prefix) {
	v := b.view()
	if v.Learned == nil {
		return nil
	}
	for _, r := range v.Learned.Routers {
		out = append(out, live.Locators(r)...)
	}
	return out
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
