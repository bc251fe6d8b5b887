package agent

import (
	"testing"

	"github.com/keiro-net/keiro/agent/internal/testnet"
	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/bgp/route"
	"github.com/keiro-net/keiro/controller/compile"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// A headend that has its paths by BGP is beside a router without an agent: what the
// controller says begins with a SID of the router, and the agent finds the link by the
// router's locator, across the router and to it.
func TestBesideRouterByBGP(t *testing.T) {
	for _, c := range []struct {
		name string
		path pathspec.Path
		sids []string // of b
	}{
		{"across", pathspec.Path{Nodes: []string{"a", "b", "c"}, Links: []string{"a--b", "b--c"}}, []string{"5f00:9:b:e3::"}},
		{"to", pathspec.Path{Nodes: []string{"a", "b"}, Links: []string{"a--b"}}, []string{"5f00:9:b::"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := layForeign(t, func(topo *topology.Topology) {
				n, _ := topo.Node("a")
				topo.Nodes[n].Steering = topology.ByBGP
			})
			tail := map[string]*node{"b": w.b, "c": w.c}[c.path.Nodes[len(c.path.Nodes)-1]]
			tail.Addr(hostB4)
			tail.Addr(hostB6)
			p := policy("gold", hostB4, hostB6, c.path)
			if why := w.in.Obstacle(&p, c.path) + w.in.Unsayable(c.path); why != "" {
				t.Fatal(why)
			}
			w.in.Policies = []compile.Policy{p}
			core := testnet.New(t)
			testnet.Cable(core, "a", w.a.Namespace, "core")
			address(t, core, "a", "fd00::1/64")
			address(t, w.a.Namespace, "core", "fd00::2/64")
			for _, cfg := range compile.Configs(w.in) {
				cfg.Revision = 1
				n := map[string]*node{"a": w.a, "c": w.c}[cfg.Node]
				if n.cfg = cfg; n == w.c {
					agent := startProbing(t, n)
					agent.in <- nodecfg.ToAgent{Config: cfg}
					agent.report("c is as told", reached)
				}
			}
			controller := newCore(t, core)
			a := startHeaded(t, w.a, t.TempDir())
			a.in <- nodecfg.ToAgent{Config: w.a.cfg}
			a.report("reached", reached)
			for _, h := range compile.Headends(w.in) {
				if h.Node != "a" {
					continue
				}
				for _, candidate := range h.Candidates {
					if candidate.Unknown != "" {
						t.Fatal(candidate.Unknown)
					}
					controller.path(candidate.CandidatePath)
				}
				for _, s := range h.Services {
					controller.say(s.Announce(route.Session{LocalAS: 65000, ExtendedNextHop: true}))
				}
			}
			controller.complete()
			a.report("the path over b", active("gold/0"))
			for _, f := range families {
				before := map[string]uint64{}
				for _, sid := range c.sids {
					before[sid] = w.b.passed(t, sid)
				}
				newFlow(w.a, f.from, tail, f.to).arrives(t, f.name)
				for _, sid := range c.sids {
					if w.b.passed(t, sid) == before[sid] {
						t.Errorf("%s: packets arrived, but not by SID %s of b", f.name, sid)
					}
				}
			}
		})
	}
}
