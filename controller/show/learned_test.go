package show

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/bgp"
	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/lsdb"
	"github.com/keiro-net/keiro/bgp/lsdb/lsdbtest"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/core"
	"github.com/keiro-net/keiro/controller/declare"
	"github.com/keiro-net/keiro/controller/live"
	"github.com/keiro-net/keiro/topology"
)

const file = `apiVersion: keiro/v1
kind: Topology
metadata: {name: t}
spec:
  nodes:
    - {name: a, agent: false}
    - {name: b, agent: false}
    - {name: c}
  links:
    - {name: ab, a: b, b: a, capacity: 10Gbps, delay: 2ms, srlgs: [duct]}
    - {name: bc, a: b, b: c}
  srlgs: [{name: duct, number: 1}]
`

const feed = `p up
p node l2 1 name=a
p node l2 2 name=b
p link l2 1 2 if=10.0.0.1 nb=10.0.0.2 metric=10 bw=4G srlg=1,2 endx=5f00:0:1:1::
wait 5s
p link l2 2 1 if=10.0.0.2 nb=10.0.0.1 metric=20 bw=10G delay=1-1500 srlg=1 endx=5f00:0:2:1::/52/b
p link l2 1 9 if=10.0.9.1
p sid l2 1 5f00:0:1:: behavior=1
p sid l2 1 5f00:0:1:46:: behavior=20`

// core.View of a controller that has declared the file, with an agent at c, and
// hears what the lines say.
func viewed(t *testing.T, lines string) (core.View, declare.State) {
	t.Helper()
	declared, err := topology.Parse("t.yaml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	s := &lsdbtest.Stage{DB: lsdb.New(), Now: start}
	for line := range strings.Lines(lines) {
		if printed, known := s.Do(strings.Fields(line)); !known || printed != "" {
			t.Fatalf("%s%s", line, printed)
		}
	}
	c := core.New(core.Params{})
	d := declare.State{Spec: core.Spec{Generation: 1, Topology: declared}}
	c.Step(start, core.Started{Spec: d.Spec})
	c.Step(start, core.AgentConnected{Node: "c"})
	c.Step(start, core.Reported{Report: nodecfg.Report{Node: "c", Links: []nodecfg.LinkState{{Name: "bc", Up: true, MTU: 9000, Changed: start}}}})
	if lines != "" {
		c.Step(start, core.Learned{View: s.DB.View()})
	}
	return c.View(start), d
}

func TestDetail(t *testing.T) {
	v, d := viewed(t, feed)
	s := State(nil, d, v, nil)
	l := Link(s, v, "ab")
	var got []string
	for _, a := range l.Attributes {
		got = append(got, fmt.Sprintf("%s=%s %s file=%s peers=%s by %v", a.Name, a.Value, a.Source, a.ByFile, a.ByPeers, a.Peers))
	}
	for _, x := range l.SIDs {
		got = append(got, fmt.Sprintf("%s %s from %s protected=%v", x.SID, x.Behavior, x.From, x.Protected))
	}
	for _, c := range l.Conditions {
		got = append(got, c.Type+": "+c.Message)
	}
	// The entry goes from b to a, the router with the lesser key is a.
	a := l.Adjacencies[0]
	got = append(got, a.Origin, a.AB[0].Value, a.BA[0].Value)
	want := `metric=20 bgp-ls file=1 peers=20 by [p]
capacity=10Gbps file file=10Gbps peers=10Gbps by [p]
delay=2ms file file=2ms peers=1500us by [p]
ba.metric=10 bgp-ls file=1 peers=10 by [p]
ba.capacity=4Gbps bgp-ls file=10Gbps peers=4Gbps by [p]
ba.delay=2ms file file=2ms peers= by []
srlgs=[duct, srlg-2] bgp-ls file=[duct] peers=[duct, srlg-2] by [p]
5f00:0:2:1:: End.X with NEXT-CSID from b protected=true
5f00:0:1:1:: End.X from a protected=false
CapacityBelowDeclared: ba.capacity: 10Gbps is declared, 4Gbps learned
SRLGNotDeclared: in srlg-2 as well, says the IGP: [duct] declared
isis-l2/0
link isis-l2/0 0000.0000.0002 to 0000.0000.0001 10.0.0.2-10.0.0.1
link isis-l2/0 0000.0000.0001 to 0000.0000.0002 10.0.0.1-10.0.0.2`
	if text := strings.Join(got, "\n"); text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
	if !slices.Equal(l.Conditions, s.Link("ab").Conditions) {
		t.Errorf("the list has %v", s.Link("ab").Conditions)
	}

	n := Node(s, v, "a")
	got = nil
	for _, x := range n.SIDs {
		got = append(got, x.SID+" "+x.Behavior)
	}
	if text := strings.Join(got, "; "); text != "5f00:0:1:: End; 5f00:0:1:46:: End.DT46" || !n.NoAgent || n.Steering != "bgp" || n.Router == nil || n.Router.Node != "a" ||
		len(n.Said) != 1 || n.Said[0].Name != "name" || n.Said[0].Origin != "isis-l2/0" {
		t.Errorf("%s, %+v", text, n)
	}
	if Link(s, v, "none") != nil || Node(s, v, "none") != nil {
		t.Error("all about nothing")
	}
}

// What is the same from one state to the next stays where it is, conditions and
// all: watches compare pointers.
func TestConditionsStay(t *testing.T) {
	v, d := viewed(t, feed)
	before := State(nil, d, v, nil)
	after := State(before, d, v, nil)
	if before.Links[0] != after.Links[0] || before.Nodes[0] != after.Nodes[0] || len(after.Links[0].Conditions) == 0 {
		t.Errorf("%+v", after.Links[0])
	}
}

// Without BGP there is what the file and the agents say.
func TestDetailWithoutBGP(t *testing.T) {
	v, d := viewed(t, "")
	s := State(nil, d, v, nil)
	if s.Learned != nil || v.Live != nil {
		t.Fatal("somebody is listened to")
	}
	l := Link(s, v, "bc")
	if len(l.Attributes) != 2 || l.Attributes[0].Source != resource.ByFile || l.Attributes[0].Value != "1" || len(l.Conditions) != 0 {
		t.Errorf("%+v", l)
	}
	if len(l.Observations) != 1 || l.Observations[0] != (resource.Observation{By: "c", Up: true, MTU: 9000, Since: start}) {
		t.Errorf("%+v", l.Observations)
	}
	for i := range v.Nodes {
		v.Nodes[i].Connected = false
	}
	if l = Link(s, v, "bc"); !l.Observations[0].Stale {
		t.Errorf("its agent is away: %+v", l.Observations)
	}
	if n := Node(s, v, "c"); n.Router != nil || len(n.SIDs) != 0 || n.NoAgent || n.Steering != "agent" {
		t.Errorf("%+v", n)
	}
}

func TestLearned(t *testing.T) {
	v, d := viewed(t, feed+"\np lost")
	l, err := Learned(v)
	if err != nil {
		t.Fatal(err)
	}
	if got := State(nil, d, v, nil).Learned; got.Routers != len(l.Routers) || got.Links != 1 || got.Half != 1 {
		t.Errorf("%+v of %d", got, len(l.Routers))
	}
	x := l.Links[0]
	if x.Link != "ab" || x.A != "a" || x.B != "b" || x.AB.Metric != 10 || x.BA.Metric != 20 || *x.AB.CapacityBPS != 4e9 || x.AB.DelayUS != nil || *x.BA.DelayUS != 1500 ||
		!slices.Equal(x.SRLGs, []string{"duct", "srlg-2"}) || !x.Stale || x.Unusable != "" || !x.Since.Equal(start.Add(5*time.Second)) {
		t.Errorf("%+v", x)
	}
	r := l.Routers[0]
	if r.Name != "a" || r.Node != "a" || !r.Stale || !slices.Equal(r.RouterIDs, []string{"0000.0000.0001"}) {
		t.Errorf("%+v", r)
	}
	if h := l.Half[0]; h.From != "a" || h.Why == "" || !slices.Equal(h.Peers, []string{"p"}) {
		t.Errorf("%+v", h)
	}
	document, err := LearnedTopology(v, "net")
	if err != nil || document.Name != "net" || len(document.Entries) != 1 {
		t.Errorf("%v %v", document, err)
	}
}

// Where nothing can be told, it is said why.
func TestNothingLearned(t *testing.T) {
	v, _ := viewed(t, "")
	refused := func(err error, kind resource.ErrorKind, what string) {
		t.Helper()
		var e *resource.Error
		if !errors.As(err, &e) || e.Kind != kind || !strings.Contains(e.Message, what) {
			t.Errorf("%v, want %s: %s", err, kind, what)
		}
	}
	_, err := Learned(v)
	refused(err, resource.NotFound, "--bgp FILE")
	_, err = LearnedTopology(v, "x")
	refused(err, resource.NotFound, "--bgp FILE")
	v.Learned = &lsdb.View{}
	_, err = LearnedTopology(v, "x")
	refused(err, resource.NotFound, "keiro get peers")
	v, _ = viewed(t, feed)
	_, err = LearnedTopology(v, "no/name")
	refused(err, resource.Invalid, "no/name")
}

func TestPeerComplete(t *testing.T) {
	v := &lsdb.View{Peers: []lsdb.PeerState{{Name: "p", Complete: true}, {Name: "q"}}}
	got := Peers([]bgp.State{{Peer: "p"}, {Peer: "q"}, {Peer: "r"}}, v)
	if !got[0].Complete || got[1].Complete || got[2].Complete || got[0].LocalAddress != "" || got[0].RouterID != "" {
		t.Errorf("%+v", got[0])
	}
}

// Every behaviour of a SID that paths use has a name.
func TestBehavior(t *testing.T) {
	for code, want := range map[uint16]string{
		1: "End", 29: "End", ls.BehaviorUN: "End with NEXT-CSID", 6: "End.X", ls.BehaviorUA: "End.X with NEXT-CSID", ls.BehaviorEndDT4: "End.DT4", 99: "behavior 99",
	} {
		if got := behavior(code); got != want {
			t.Errorf("%d: %s, want %s", code, got, want)
		}
	}
	if len(conditionTypes) != len(live.ConditionTypes) || conditionTypes[0] != string(live.NodeAmbiguous) {
		t.Error(conditionTypes)
	}
}
