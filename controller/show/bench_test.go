package show

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/lsdb"
	"github.com/keiro-net/keiro/bgp/lsdb/lsdbtest"
	"github.com/keiro-net/keiro/controller/core"
	"github.com/keiro-net/keiro/controller/declare"
	"github.com/keiro-net/keiro/controller/live"
	"github.com/keiro-net/keiro/topology"
)

// BenchmarkLearned is what an answer with all that was learned costs, and what
// each step of the Core costs with that much declared.
func BenchmarkLearned(b *testing.B) {
	for _, s := range []struct{ nodes, links int }{{1000, 7000}, {10000, 70000}} {
		db := lsdb.New()
		for _, o := range lsdbtest.Feed(s.nodes, s.links) {
			if err := db.Reach("peer", o.NLRI, o.Attribute, lsdbtest.Start); err != nil {
				b.Fatal(err)
			}
		}
		db.EndOfRIB("peer", ls.Family{}, lsdbtest.Start)
		learned := db.View()
		c := core.New(core.Params{})
		d := declare.State{Spec: core.Spec{Generation: 1, Topology: live.Learned("t", learned)}}
		c.Step(start, core.Started{Spec: d.Spec})
		c.Step(start, core.Learned{View: learned})
		v := c.View(start)
		name := fmt.Sprintf("nodes=%d/links=%d", s.nodes, s.links)
		b.Run(name+"/objects", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				l, err := Learned(v)
				if err != nil {
					b.Fatal(err)
				}
				text, err := json.Marshal(l)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(len(text)), "B/answer")
			}
		})
		b.Run(name+"/document", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				t, err := LearnedTopology(v, "net")
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(len(topology.Format(t))), "B/answer")
			}
		})
		b.Run(name+"/link", func(b *testing.B) {
			state := State(nil, d, v, nil)
			for b.Loop() {
				if Link(state, v, state.Links[0].Name) == nil {
					b.Fatal("no link")
				}
			}
		})
		b.Run(name+"/view", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				v = c.View(start)
			}
		})
		b.Run(name+"/state", func(b *testing.B) {
			b.ReportAllocs()
			state := State(nil, d, v, nil)
			for b.Loop() {
				state = State(state, d, v, nil)
			}
		})
	}
}
