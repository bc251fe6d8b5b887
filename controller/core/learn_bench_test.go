package core

import (
	"testing"
	"time"

	"github.com/keiro-net/keiro/bgp/lsdb"
	"github.com/keiro-net/keiro/bgp/lsdb/lsdbtest"
	"github.com/keiro-net/keiro/controller/live"
)

// BenchmarkLearn is what the Core does with a View of 10,000 routers and 70,000
// links in which nothing has changed that paths depend on, beside the join.
func BenchmarkLearn(b *testing.B) {
	db := lsdb.New()
	feed := lsdbtest.Feed(10_000, 140_000)
	for _, o := range feed {
		if err := db.Reach("rr", o.NLRI, o.Attribute, lsdbtest.Start); err != nil {
			b.Fatal(err)
		}
	}
	v := db.View()
	declared := live.Learned("declared", v)
	for n := range declared.Nodes {
		declared.Nodes[n].NoAgent = true
	}
	c := New(testParams)
	c.Step(lsdbtest.Start, Started{Spec: Spec{Generation: 1, Topology: declared}})
	c.Step(lsdbtest.Start, Learned{View: v})
	now := lsdbtest.Start.Add(time.Minute)
	joined := live.Join(declared, v)
	b.Run("join", func(b *testing.B) {
		for b.Loop() {
			live.Join(declared, v)
		}
	})
	b.Run("step", func(b *testing.B) {
		for b.Loop() {
			if effects := c.Step(now, Learned{View: v, Joined: joined}); len(effects) > 0 {
				b.Fatalf("%T", effects[0])
			}
		}
	})
}
