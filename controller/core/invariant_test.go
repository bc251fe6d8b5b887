package core

import (
	"slices"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/pathspec"
)

// invariants hold after every step of every play and of the random walk.
func (s *stage) invariants() {
	s.sidsThere()
	for _, i := range s.core.View(s.now).Intents { // shown after every Step; it must not panic
		a := i.Answer
		switch {
		case a == nil:
		case a.Pending && (a.Reserve != nil || a.Why != nil && a.Why.Code != pathspec.WhyPending):
			s.fail("%s: a reason or a reserve before it is computed: %+v", i.Spec.Name, a)
		case !a.Pending && (a.Status == pathspec.Satisfied && a.Reserve == nil || a.Status != pathspec.Satisfied && a.Why == nil),
			!a.Pending && a.Why != nil && slices.Contains([]string{pathspec.WhyPending, pathspec.WhyNotSought}, a.Why.Code):
			s.fail("%s: no reason or no reserve where none is to come: %+v", i.Spec.Name, a)
		}
	}
	s.heard()
	s.complies()
	for _, n := range s.core.nodes {
		if n.sent != nil {
			if err := n.sent.Validate(); err != nil {
				s.fail("a Config that its agent must refuse: %v", err)
			}
		}
	}
	for name, n := range s.core.nodes {
		if n.want != nil && s.agents[name] != nil {
			s.introduced(n.want)
		}
	}
	for _, a := range s.agents {
		for _, cfg := range []*nodecfg.Config{a.cfg, a.did} {
			if cfg == nil || s.rough {
				continue
			}
			for _, p := range cfg.Policies {
				for _, path := range p.Paths {
					s.carried(cfg.Node, path)
				}
			}
		}
	}
}

// heard: what BGP-LS says does not carry traffic is down, and questions are asked
// about the topology that is learned.
func (s *stage) heard() {
	c := s.core
	if c.live == nil {
		return
	}
	for e := range c.live.Links {
		if up, said := Heard(c.live, e); said && !up && !c.linkDown(c.live.Links[e].Name) {
			s.fail("link %s: %s, and it is not down", c.live.Links[e].Name, c.live.Out[c.live.Links[e].Name])
		}
	}
	if !samePaths(c.spec.Topology, c.live.Topology, c.live.Out) {
		s.fail("paths are asked for on another topology than the one that is learned")
	}
}

// introduced: what a node is told of its peers is what the Core knows of them last.
func (s *stage) introduced(cfg *nodecfg.Config) {
	for _, p := range cfg.Peers {
		if known, ok := s.core.peers[p.Node]; !ok || string(known.Identity) != string(p.Identity) {
			if !s.core.dirty {
				s.fail("%s is told that %s is %s, which is not known any more", cfg.Node, p.Node, p.Identity)
			}
		}
	}
}

// carried: make before break. Whatever a headend sends by, or was told to send
// by, all other nodes on the path forward.
func (s *stage) carried(head string, path nodecfg.Path) {
	for _, sid := range append(append(path.Segments[:0:0], path.Segments...), path.Return...) {
		owner := ""
		for n, locator := range path.Locators {
			if locator.Contains(sid) {
				owner = path.Hops[n]
			}
		}
		if owner == head || owner == "" {
			continue // its own, or that of a router without an agent
		}
		cfg := s.agents[owner].did
		found := false
		if cfg != nil {
			for _, l := range cfg.Links {
				found = found || sid == nodecfg.IngressEnd(cfg.Locator, l.ID) || sid == nodecfg.EndX(cfg.Locator, l.ID)
			}
		}
		if !found {
			s.fail("%s sends by path %s %v, but node %s does not have %s", head, path.Name, path.Hops, owner, sid)
		}
	}
}
