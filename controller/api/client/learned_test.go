package client

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/bgp"
	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/lsdb"
	"github.com/keiro-net/keiro/controller/api/apitest"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/core"
)

func TestLearnedCalls(t *testing.T) {
	c, backend, _ := dial(t)
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var refusal *resource.Error
	if _, err := c.Learned(ctx); !errors.As(err, &refusal) || refusal.Kind != resource.NotFound {
		t.Errorf("nobody is listened to: %v", err)
	}
	db := lsdb.New()
	id, _ := ls.NewIGPRouterID([]byte{192, 0, 2, 1})
	must(db.Reach("r/1", ls.Node{Origin: ls.Origin{Protocol: ls.OSPFv2}, Local: ls.NodeDescriptor{IGPRouterID: id}}, &ls.NodeAttribute{Name: "tyo1"}, apitest.Now))
	backend.Listen([]bgp.State{{Peer: "r/1", Remote: netip.MustParseAddrPort("192.0.2.1:179"), AS: 65001}}, core.View{Learned: db.View()})
	backend.Update(func(s *resource.State) {
		s.Nodes, s.Links = []*resource.Node{{Name: "tyo1"}}, []*resource.Link{{Name: "tyo1--osa1#2", A: "tyo1", B: "osa1"}}
	})
	peers, err := c.Peers(ctx)
	must(err)
	peer, err := c.Peer(ctx, "r/1")
	must(err)
	if !peers.Configured || len(peers.Items) != 1 || peers.Items[0].Address != peer.Address || peer.State != "Idle" {
		t.Errorf("%+v, %+v", peers, peer)
	}
	learned, err := c.Learned(ctx)
	must(err)
	if len(learned.Routers) != 1 || learned.Routers[0].Name != "tyo1" {
		t.Errorf("%+v", learned)
	}
	for asYAML, want := range map[bool]string{true: "metadata: {name: my.net}\n", false: `"metadata":{"name":"my.net"}`} {
		text, err := c.LearnedTopology(ctx, "my.net", asYAML)
		must(err)
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	link, err := c.Link(ctx, "tyo1--osa1#2")
	must(err)
	node, err := c.Node(ctx, "tyo1")
	must(err)
	if link.B != "osa1" || node.Name != "tyo1" {
		t.Errorf("%+v, %+v", link, node)
	}
}
