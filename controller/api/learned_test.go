package api_test

import (
	"encoding/json"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/keiro-net/keiro/bgp"
	"github.com/keiro-net/keiro/bgp/fsm"
	"github.com/keiro-net/keiro/bgp/lsdb"
	"github.com/keiro-net/keiro/bgp/lsdb/lsdbtest"
	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/controller/api/apitest"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/core"
	"github.com/keiro-net/keiro/topology"
)

// listen has the controller hear of two routers and the link between them, which
// is declared with more than it has.
func listen(t testing.TB, backend *apitest.Backend) {
	t.Helper()
	declared, err := topology.Parse("t.yaml", []byte(`apiVersion: keiro/v1
kind: Topology
metadata: {name: t}
spec:
  nodes: [{name: a, agent: false}, {name: b, agent: false}, {name: c, agent: false, routerID: 192.0.2.3}]
  links: [{name: "a--b#2", a: a, b: b, capacity: 10Gbps}, {name: b--c, a: b, b: c}]
`))
	if err != nil {
		t.Fatal(err)
	}
	s := &lsdbtest.Stage{DB: lsdb.New(), Now: apitest.Now}
	for _, line := range []string{
		"rr1 up", "rr1 node l2 1 name=a", "rr1 node l2 2 name=b", "rr1 link l2 1 2 bw=4G endx=5f00:0:1:1::", "rr1 link l2 2 1 bw=4G endx=5f00:0:2:1::", "rr1 link l2 2 9", "rr1 end",
	} {
		if printed, known := s.Do(strings.Fields(line)); !known || printed != "" {
			t.Fatalf("%s: %s", line, printed)
		}
	}
	c := core.New(core.Params{})
	c.Step(apitest.Now, core.Started{Spec: core.Spec{Topology: declared}})
	c.Step(apitest.Now, core.Learned{View: s.DB.View()})
	backend.Listen([]bgp.State{{
		Peer: "rr1", Remote: netip.MustParseAddrPort("192.0.2.253:179"), AS: 65001, State: fsm.Established, Since: apitest.Now, HoldTime: 90 * time.Second,
		Families: []message.Family{message.LinkState}, Objects: 5, Stale: 2, Routes: 7, Pending: 1, Updates: 11, Faults: 3, Flaps: 4,
	}, {Peer: "rr2", Remote: netip.MustParseAddrPort("192.0.2.254:179"), AS: 65001, State: fsm.Idle}}, c.View(apitest.Now))
}

func TestPeersAndLearned(t *testing.T) {
	server, backend := newServer(t)
	get := func(path string, status int, has string, headers ...string) string {
		t.Helper()
		w := call(t, server, "GET", "/api/v1/"+path, "", headers...)
		wantStatus(t, w, status)
		if !strings.Contains(w.Body.String(), has) {
			t.Errorf("%s: no %s in %s", path, has, w.Body)
		}
		return w.Body.String()
	}
	get("peers", 200, `{"configured":false,"refusedConnections":0,"items":[]}`)
	get("peers/rr1", 404, "--bgp FILE")
	get("topology/learned", 404, "--bgp FILE")
	get("topology/learned/objects", 404, "--bgp FILE")

	listen(t, backend)
	get("peers", 200, `"name":"rr1","address":"192.0.2.253:179","as":65001,"state":"Established"`)
	get("peers/rr1", 200, `"families":["link-state"],"holdTime_s":90`)
	get("peers/rr2", 200, `"state":"Idle"`)
	get("peers/rr3", 404, "there is no peer rr3")
	get("links", 200, `"conditions":[{"type":"CapacityBelowDeclared"`)
	get("nodes", 200, `"conditions":[{"type":"NodeMissing"`)
	get("links/a--b%232", 200, `{"name":"capacity","value":"4Gbps","source":"bgp-ls","byFile":"10Gbps","byPeers":"4Gbps","peers":["rr1"],"since":"2026-11-23T09:00:00Z"}`)
	get("links/none", 404, "there is no link none")
	get("nodes/a", 200, `"router":{"name":"0000.0000.0001","node":"a"`)
	get("nodes/none", 404, "there is no node none")
	get("topology/learned/objects", 200, `"halfKnown":[{"from":"b"`)
	get("topology/learned?name=no/name", 422, "no/name")
	get("topology/learned?name="+strings.Repeat("x", 300), 422, "")
	asYAML := get("topology/learned?name=net", 200, "metadata: {name: net}", "Accept", "application/yaml")
	if parsed, err := topology.Parse("net.yaml", []byte(asYAML)); err != nil || len(parsed.Entries) != 1 {
		t.Errorf("%v\n%s", err, asYAML)
	}
	var document struct{ Metadata resource.Metadata }
	if asJSON := get("topology/learned", 200, `"kind":"Topology"`); json.Unmarshal([]byte(asJSON), &document) != nil || document.Metadata.Name != "learned" {
		t.Error(asJSON)
	}

	backend.Feed = emptyFeed() // nothing was published yet
	get("links/a", 503, "")
	get("nodes/a", 503, "")
}

// A peer that is not well, and a condition that appears, are seen by a rule.
func TestBGPMetrics(t *testing.T) {
	server, backend := newServer(t)
	if text := call(t, server, "GET", "/metrics", "").Body.String(); strings.Contains(text, "keiro_bgp_") || strings.Contains(text, "keiro_topology_") {
		t.Error("metrics of BGP, and there is none")
	}
	listen(t, backend)
	text := call(t, server, "GET", "/metrics", "").Body.String()
	for _, line := range []string{
		`keiro_bgp_peer_up{peer="rr1"} 1`, `keiro_bgp_peer_up{peer="rr2"} 0`, `keiro_bgp_peer_objects{peer="rr1"} 5`, `keiro_bgp_peer_stale_objects{peer="rr1"} 2`,
		`keiro_bgp_peer_routes{peer="rr1"} 7`, `keiro_bgp_peer_routes_pending{peer="rr1"} 1`, `keiro_bgp_peer_updates_total{peer="rr1"} 11`,
		`keiro_bgp_peer_faults_total{peer="rr1"} 3`, `keiro_bgp_peer_flaps_total{peer="rr1"} 4`, `keiro_bgp_refused_connections_total 2`,
		`keiro_topology_learned_routers 3`, `keiro_topology_learned_links 1`, `keiro_topology_learned_half_links 1`,
		`keiro_topology_conditions{type="CapacityBelowDeclared"} 1`, `keiro_topology_conditions{type="NodeMissing"} 2`, `keiro_topology_conditions{type="LinkElsewhere"} 0`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
	if strings.Contains(text, `keiro_node_connected{node="a"}`) {
		t.Error("a node without an agent is said to be without a connection")
	}
	if problems, err := promlint.New(strings.NewReader(text)).Lint(); err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v %v", problems, err)
	}
}

// No more answers as large as the network are made at a time than there is room
// for.
func TestLearnedIsBounded(t *testing.T) {
	server, backend := newServer(t)
	listen(t, backend)
	inside, leave := make(chan struct{}, 8), make(chan struct{})
	var asked atomic.Int32
	backend.Asked = func() {
		if asked.Add(1) <= 2 {
			inside <- struct{}{}
			<-leave
		}
	}
	done := make(chan int, 8)
	ask := func(path string) { done <- call(t, server, "GET", path, "").Code }
	go ask("/api/v1/topology/learned/objects")
	go ask("/api/v1/topology/learned")
	<-inside
	<-inside
	for _, path := range []string{"/api/v1/topology/learned/objects", "/api/v1/topology/learned"} {
		w := call(t, server, "GET", path, "")
		wantStatus(t, w, 503)
		if w.Header().Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
	close(leave)
	for range 2 {
		if code := <-done; code != 200 {
			t.Error(code)
		}
	}
}
