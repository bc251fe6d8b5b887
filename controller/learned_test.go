package controller

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/bgp"
	"github.com/keiro-net/keiro/bgp/file"
	"github.com/keiro-net/keiro/bgp/lsdb"
	"github.com/keiro-net/keiro/bgp/lsdb/lsdbtest"
	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/controller/api/feed"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/core"
	"github.com/keiro-net/keiro/controller/declare"
	"github.com/keiro-net/keiro/controller/routers"
	"github.com/keiro-net/keiro/topology"
)

// What operators ask of BGP is there whether it is spoken or not, and before
// anybody has said anything.
func TestPeersOfTheOperator(t *testing.T) {
	b := &backend{Feed: feed.New(), events: noEvents(t)}
	notFound := func(err error, what string) {
		t.Helper()
		var refusal *resource.Error
		if !errors.As(err, &refusal) || refusal.Kind != resource.NotFound || !strings.Contains(refusal.Message, what) {
			t.Errorf("%v, want %s", err, what)
		}
	}
	if p := b.Peers(); p.Configured || p.Items == nil {
		t.Errorf("%+v", p)
	}
	_, err := b.LearnedTopology(t.Context(), "net")
	notFound(err, "--bgp FILE")

	l, err := net.Listen("tcp", "127.0.0.1:0") // a port where nobody will listen
	if err != nil {
		t.Fatal(err)
	}
	nobody := netip.MustParseAddrPort(l.Addr().String())
	l.Close()
	r, err := routers.New(t.Context(), routers.Config{
		File: &file.File{Speaker: bgp.Config{AS: 65000, ID: netip.MustParseAddr("192.0.2.1")}, Peers: []file.Peer{{Node: "a", Peer: bgp.Peer{
			Name: "r1", Address: nobody.Addr(), Port: nobody.Port(), AS: 65001, Families: []message.Family{message.LinkState},
		}}}},
		Log: slog.New(slog.DiscardHandler), Topology: func() *topology.Topology { return nil }, Feed: func([]core.Event) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	b.routers = &speakers{r}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		p := b.Peers()
		if p.Configured && len(p.Items) == 1 && strings.Contains(p.Items[0].LastError, "refused") {
			if x := p.Items[0]; x.Name != "r1" || x.Node != "a" || x.Established() || !strings.Contains(strings.Join(x.Advice, " "), "nothing listens") {
				t.Errorf("%+v", x)
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%+v", p)
		}
	}
	_, err = b.LearnedTopology(t.Context(), "net")
	notFound(err, "keiro get peers")
	if learned, err := b.Learned(t.Context()); err != nil || len(learned.Routers) != 0 {
		t.Errorf("%+v, %v", learned, err)
	}
}

// All about a link and a node comes from what was published last.
func TestDetailsFollowThePublished(t *testing.T) {
	topo, err := topology.Parse("t.yaml", []byte("apiVersion: keiro/v1\nkind: Topology\nmetadata: {name: t}\nspec: {nodes: [{name: a}, {name: b}], links: [{a: a, b: b, delay: 2ms}]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	d := declare.State{Spec: core.Spec{Generation: 1, Topology: topo}}
	b := &backend{Feed: feed.New(), events: noEvents(t), declared: d}
	c := core.New(core.Params{})
	c.Step(time.Now(), core.Started{Spec: d.Spec})
	b.publish(c.View(time.Now()))
	link, err := b.Link(t.Context(), "a--b")
	if err != nil || len(link.Attributes) != 4 || link.Attributes[1].ByFile != "2ms" {
		t.Errorf("%+v, %v", link, err)
	}
	node, err := b.Node(t.Context(), "a")
	if err != nil || node.Name != "a" {
		t.Errorf("%+v, %v", node, err)
	}
	var refusal *resource.Error
	if _, err := b.Link(t.Context(), "x"); !errors.As(err, &refusal) || refusal.Kind != resource.NotFound {
		t.Error(err)
	}
	if _, err := b.Node(t.Context(), "x"); !errors.As(err, &refusal) || refusal.Kind != resource.NotFound {
		t.Error(err)
	}
}

// What routers say is their locator is given to no node.
func TestLearnedLocatorsAreTaken(t *testing.T) {
	stage := &lsdbtest.Stage{DB: lsdb.New(), Now: lsdbtest.Start}
	for _, line := range []string{"p up", "p node l2 1 name=r", "p prefix l2 1 5f00:0:1::/48 locator=0"} {
		if printed, known := stage.Do(strings.Fields(line)); !known || printed != "" {
			t.Fatal(line, printed)
		}
	}
	b := &backend{Feed: feed.New(), events: noEvents(t)}
	c := core.New(core.Params{})
	c.Step(time.Now(), core.Started{})
	c.Step(time.Now(), core.Learned{View: stage.DB.View()})
	b.publish(c.View(time.Now()))
	text := "apiVersion: keiro/v1\nkind: Topology\nmetadata: {name: t}\nspec: {nodes: [{name: a}, {name: r, agent: false}]}\n"
	next, _, err := declare.State{Generations: map[string]uint64{}}.Declare([]resource.Document{{Name: "t.yaml", Data: []byte(text)}}, b.locators()...)
	if given := next.IDs.Locator("a"); err != nil || given != netip.MustParsePrefix("5f00:0:2::/48") {
		t.Errorf("a has %v, %v", given, err)
	}
}
