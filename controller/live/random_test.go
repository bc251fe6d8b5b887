package live

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/lsdb"
	"github.com/keiro-net/keiro/bgp/lsdb/lsdbtest"
	"github.com/keiro-net/keiro/topology"
)

// drawView draws what some peers say of a few routers.
func drawView(t *rapid.T) *lsdb.View {
	db := lsdb.New()
	pick := func(options ...string) string { return rapid.SampledFrom(options).Draw(t, "pick") }
	line := func(parts ...string) []string {
		return slices.DeleteFunc(parts, func(s string) bool { return s == "" })
	}
	for n := range rapid.IntRange(0, 40).Draw(t, "lines") {
		node := func() string { return pick("1", "2", "3", "4", "5", "3.01") }
		l := line("link", pick("l2", "l2", "l2", "l1"), node(), node(),
			pick("", "if=10.0.1.1", "if=10.0.1.2", "if=10.0.3.1", "if=2001:db8::1"), pick("", "", "nb=10.0.1.2"), pick("", "", "id=1-2", "id=2-1"),
			pick("", "metric=0", "metric=10", "metric=16777215"), pick("", "te=7"), pick("", "bw=1", "bw=9999999999", "bw=90G"), pick("", "", "residual=2G"),
			pick("", "delay=1-2", "delay=5000-6000", "delay=1-16777215"), pick("", "", "avg=3000"), pick("", "srlg=1", "srlg=1,2,99"), pick("", "", "name=ab"),
			pick("", "endx=5f00::1", "endx=5f00::2/5/b"), pick("", "", "lanendx=2/5f00::3"))
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			l = line("node", pick("l2", "l2", "l1"), pick("1", "2", "3", "4"), pick("", "name=a", "name=b.example", "name=C", "name=4"), pick("", "te=192.0.2.3", "te=192.0.2.4"), pick("", "", "flags=overload"))
		case 1:
			l = line("prefix", "l2", pick("1", "2"), pick("5f00:0:1::/48", "5f00:0:9::/48", "2001:db8::/48"), "locator=0")
		}
		n0, a, err := lsdbtest.Parse(l)
		peer := pick("p", "q")
		now := lsdbtest.Start.Add(time.Duration(n) * time.Second)
		if err == nil {
			err = db.Reach(peer, n0, a, now)
		}
		if back, ok := n0.(ls.Link); ok && err == nil && rapid.IntRange(0, 3).Draw(t, "back") > 0 {
			back.Local, back.Remote = back.Remote, back.Local
			back.IPv4Interface, back.IPv4Neighbor = back.IPv4Neighbor, back.IPv4Interface
			back.Identifiers.Value = ls.LinkIdentifiers{Local: back.Identifiers.Value.Remote, Remote: back.Identifiers.Value.Local}
			err = db.Reach(peer, back, a, now)
		}
		if err != nil {
			t.Fatal(err)
		}
		switch pick("", "", "", "", "", "", "end", "lost") {
		case "end":
			db.EndOfRIB(peer, ls.Family{}, now)
		case "lost":
			db.Lost(peer, now)
		}
	}
	return db.View()
}

// TestNeverBetter: whatever is learned, the picture is never better than what was
// declared, and is a topology that could have been declared.
func TestNeverBetter(t *testing.T) {
	data, err := os.ReadFile("testdata/four.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, routers := range map[string][]int{"agents": nil, "half of them routers": {0, 2}, "routers": {0, 1, 2, 3, 4}} {
		declared, err := topology.Parse("four.yaml", data)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range routers {
			declared.Nodes[n].NoAgent, declared.Nodes[n].Steering = true, topology.ByBGP
		}
		t.Run(name, func(t *testing.T) { neverBetter(t, declared) })
	}
}

func neverBetter(t *testing.T, declared *topology.Topology) {
	before := topology.Format(declared)
	rapid.Check(t, func(t *rapid.T) {
		v := drawView(t)
		r := Join(declared, v)
		if again := Join(declared, v); !reflect.DeepEqual(r, again) {
			t.Fatalf("not the same again:\n%s\n%s", dump(r), dump(again))
		}
		for _, n := range r.Nodes {
			listed(t, n.Conditions)
		}
		for _, l := range r.Links {
			listed(t, l.Conditions)
		}
		for i, was := range declared.Links {
			is, name := r.Topology.Links[i], declared.Entries[was.Entry].Name
			c0, stated := was.Capacity.Get()
			if c, known := is.Capacity.Get(); stated && (!known || c > c0) {
				t.Fatalf("%s: capacity %v of declared %v", name, c, c0)
			}
			d0, stated := was.Delay.Get()
			if d, known := is.Delay.Get(); stated && known && d < d0 {
				t.Fatalf("%s: delay %v of declared %v", name, d, d0)
			}
			if is.Metric < was.Metric || is.From != was.From || is.To != was.To {
				t.Fatalf("%s: %+v of %+v", name, is, was)
			}
		}
		for i, was := range declared.Entries {
			is := r.Topology.Entries[i]
			g0, stated := was.SRLGs.Get()
			groups, known := is.SRLGs.Get()
			if stated && (!known || slices.ContainsFunc(g0, func(g string) bool { return !slices.Contains(groups, g) })) {
				t.Fatalf("%s: SRLGs %v of declared %v", was.Name, groups, g0)
			}
			is.SRLGs = was.SRLGs
			if !reflect.DeepEqual(is, was) {
				t.Fatalf("%s: what no router knows has changed: %+v", was.Name, is)
			}
			l := r.Links[i].Learned
			if l != nil && l.Unusable() != "" && r.Out[was.Name] == "" {
				t.Fatalf("%s: no IGP lets paths use it, and it is there", was.Name)
			}
			for j := range i {
				if l != nil && r.Links[j].Learned == l {
					t.Fatalf("%s and %s are one learned link", was.Name, r.Links[j].Name)
				}
			}
			for _, n := range []string{declared.Nodes[was.A].Name, declared.Nodes[was.B].Name} {
				if sid, ok := r.SIDs.Over(was.Name, n); ok && (l == nil && len(r.Links[i].Halves) == 0 || r.Out[was.Name] != "" || !sid.Addr.IsValid()) {
					t.Fatalf("%s: SID %v of a link that is not there", was.Name, sid.Addr)
				}
			}
			checkHalves(t, declared, r, i)
		}
		for _, file := range []*topology.Topology{r.Topology, Learned("learned", v)} {
			if _, err := topology.Parse("joined.yaml", topology.Format(file)); err != nil {
				t.Fatalf("%v\n%s", err, topology.Format(file))
			}
		}
		// A file made of what was learned is matched with all of it.
		learned := Learned("learned", v)
		again := Join(learned, v)
		for i, l := range again.Links {
			if l.Learned != nil && l.Learned != v.Links[i] {
				t.Fatalf("%s is matched with another link", l.Name)
			}
		}
	})
	if got := topology.Format(declared); string(got) != string(before) {
		t.Errorf("the declared topology has changed:\n%s", got)
	}
}

// listed: a type of condition that is not listed would have no metric.
func listed(t *rapid.T, conditions []Condition) {
	for _, c := range conditions {
		if !slices.Contains(ConditionTypes, c.Type) {
			t.Fatalf("%s is not one of ConditionTypes", c.Type)
		}
	}
}

// checkHalves checks the halves of entry e: they are of no other one, and of the
// one end that has no agent.
func checkHalves(t *rapid.T, declared *topology.Topology, r *Result, e int) {
	router, agent := declared.Entries[e].A, declared.Entries[e].B
	if r.Links[e].Reversed {
		router, agent = agent, router
	}
	for _, h := range r.Links[e].Halves {
		if r.Links[e].Learned != nil || !declared.Nodes[router].NoAgent || declared.Nodes[agent].NoAgent {
			t.Fatalf("%s: halves of a link without a router, or without an agent", r.Links[e].Name)
		}
		if !slices.ContainsFunc(r.Nodes[router].routers(), func(x *lsdb.Router) bool { return x.Key == h.From }) {
			t.Fatalf("%s: a half of another router", r.Links[e].Name)
		}
		for other := range e {
			if slices.Contains(r.Links[other].Halves, h) {
				t.Fatalf("%s and %s share a half", r.Links[e].Name, r.Links[other].Name)
			}
		}
		if _, ok := r.SIDs.Over(r.Links[e].Name, declared.Nodes[agent].Name); ok {
			t.Fatalf("%s: a router tells of a SID of an agent", r.Links[e].Name)
		}
	}
}

func BenchmarkJoin(b *testing.B) {
	for _, s := range []struct{ nodes, links int }{{1000, 7000}, {10000, 70000}} {
		db := lsdb.New()
		for _, o := range lsdbtest.Feed(s.nodes, s.links) {
			if err := db.Reach("peer", o.NLRI, o.Attribute, lsdbtest.Start); err != nil {
				b.Fatal(err)
			}
		}
		db.EndOfRIB("peer", ls.Family{}, lsdbtest.Start)
		v := db.View()
		declared := Learned("learned", v)
		b.Run(fmt.Sprintf("nodes=%d/links=%d", s.nodes, s.links), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := Join(declared, v)
				if len(r.Out) > 0 || len(r.Others) > 0 {
					b.Fatalf("%d out, %d undeclared: %s", len(r.Out), len(r.Others), strings.Join(slices.Collect(func(yield func(string) bool) {
						for _, why := range r.Out {
							yield(why)
							return
						}
					}), ""))
				}
			}
		})
	}
}
