package core

import (
	"fmt"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/controller/compile"
	"github.com/keiro-net/keiro/controller/comply"
	"github.com/keiro-net/keiro/pathspec"
)

// complies: after every Step of every play and walk, what is called Satisfied is
// so by pathspec.Check against the live topology and by the present word of all
// who can tell; what depends on anybody who is away is not.
func (s *stage) complies() {
	c := s.core
	if c.spec.Topology == nil {
		return
	}
	if _, holding := c.holding(s.now); holding {
		return
	}
	for _, i := range c.intents {
		status := map[string]comply.Condition{}
		for _, cond := range i.ledger.Conditions {
			status[cond.Characteristic] = cond
			if cond.Since.After(s.now) || cond.Status == "" || cond.Measured == "" {
				s.fail("%s: %+v", i.spec.Name, cond)
			}
		}
		broken := pathspec.CheckSet(c.spec.Topology, &i.spec, i.standing.Paths)
		total := comply.Overall(i.ledger.Conditions).Status
		if len(broken) > 0 && total == comply.Satisfied {
			s.fail("%s is Satisfied, and Check says %v", i.spec.Name, broken[0])
		}
		for _, v := range broken {
			for _, name := range []string{string(v.Rule), map[pathspec.Rule]string{pathspec.RuleDelay: comply.MaxDelay, pathspec.RuleHops: comply.MaxHops}[v.Rule]} {
				if status[name].Status == comply.Satisfied {
					s.fail("%s: %s is Satisfied, and Check says %v", i.spec.Name, name, v)
				}
			}
		}
		for n, p := range i.standing.Paths {
			for _, head := range c.probers(p) {
				node := c.nodes[head]
				var seen *nodecfg.PathState
				if node != nil && node.connected && node.report != nil {
					seen = node.paths[compile.PathName(i.spec.Name, n)]
				}
				up := seen != nil && seen.State == nodecfg.Up
				if !up && (status[comply.Multiplicity].Status == comply.Satisfied || total == comply.Satisfied) {
					s.fail("%s has all its paths, and %s does not say so of path %d", i.spec.Name, head, n)
				}
				if up && seen.Way != nodecfg.Proven && status[comply.Way].Status == comply.Satisfied && !c.failed(p) {
					s.fail("%s: the way of path %d is proven, and %s says %q", i.spec.Name, n, head, seen.Way)
				}
			}
		}
	}
}

// BenchmarkComply is what a report of one node costs where there are many intents,
// of which nothing has changed, or all have.
func BenchmarkComply(b *testing.B) {
	for _, n := range []int{200, 1000} {
		for _, all := range []bool{false, true} {
			b.Run(fmt.Sprintf("intents=%d,all=%v", n, all), func(b *testing.B) {
				c := crowd(n)
				now := time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)
				c.comply(now)
				for b.Loop() {
					if now = now.Add(time.Second); all {
						c.sight++
					}
					c.effects = nil
					c.comply(now)
				}
			})
		}
	}
}

// crowd is a Core with n intents over the square, each with the two paths that
// there are, and of which both ends say that all is well.
func crowd(n int) *Core {
	s := newStage(&testing.T{})
	s.load("apart.yaml", "strict.yaml")
	gold := s.spec.Intents[0]
	paths := []pathspec.Path{
		{Nodes: []string{"a", "b", "d"}, Links: []string{"a--b", "b--d"}}, {Nodes: []string{"a", "c", "d"}, Links: []string{"a--c", "c--d"}},
	}
	c := s.core
	c.spec = s.spec
	cfg := &nodecfg.Config{}
	r := &nodecfg.Report{}
	seen := map[string]*nodecfg.PathState{}
	for k := range n {
		in := gold
		in.Name = fmt.Sprintf("gold-%d", k)
		i := &intent{spec: in, standing: Standing{Paths: paths}, serving: []bool{true, true}}
		i.set(time.Time{}, Installed, yes, "Confirmed", "the headends are as they were told")
		c.intents = append(c.intents, i)
		p := nodecfg.Policy{Intent: in.Name}
		for m := range paths {
			p.Paths = append(p.Paths, nodecfg.Path{Name: compile.PathName(in.Name, m)})
			r.Paths = append(r.Paths, nodecfg.PathState{Name: compile.PathName(in.Name, m), State: nodecfg.Up, Delay: nodecfg.Within, Way: nodecfg.Proven})
		}
		cfg.Policies = append(cfg.Policies, p)
	}
	for _, name := range []string{"a", "b", "c", "d"} {
		for p := range r.Paths {
			seen[r.Paths[p].Name] = &r.Paths[p]
		}
		c.nodes[name] = &node{connected: true, want: cfg, acked: cfg, report: r, paths: seen}
	}
	return c
}
