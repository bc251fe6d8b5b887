package solve

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// grid is mesh with a capacity on every link.
func grid(width, height int, capacity topology.Bandwidth) *topology.Topology {
	t := mesh(width, height)
	for l := range t.Links {
		t.Links[l].Capacity = topology.Declare(capacity)
	}
	return t
}

// crowd draws intents of one or two disjoint paths between near nodes.
func crowd(t *topology.Topology, n int, kinds []pathspec.Kind, bandwidth topology.Bandwidth) (intents []pathspec.Intent) {
	r := rand.New(rand.NewPCG(7, 8))
	for len(intents) < n {
		from, to := r.IntN(len(t.Nodes)), r.IntN(len(t.Nodes))
		if from == to {
			continue
		}
		in := pathspec.Intent{Name: fmt.Sprint("i", len(intents)), From: t.Nodes[from].Name, To: t.Nodes[to].Name, Priority: r.IntN(3)}
		in.Require = pathspec.Require{Multiplicity: 2, Disjoint: kinds, Bandwidth: bandwidth}
		if Solve(Input{Topology: t, Intents: []pathspec.Intent{in}, PathsOnly: true}).Intents[0].Status == pathspec.Satisfied {
			intents = append(intents, in)
		}
	}
	return intents
}

// BenchmarkReplan cuts a shared risk, then mends it, on 1,700 nodes with 1,000
// intents, and compares with a cold run. With 1 Gbps each, one link in twenty
// is full. In mixed, one intent in ten is of SRLG-disjoint paths.
func BenchmarkReplan(b *testing.B) {
	whole := grid(50, 34, 100e9)
	cut := whole.Without(topology.Outage{SRLGs: map[string]bool{"duct400": true}})
	for _, w := range []struct {
		name      string
		bandwidth topology.Bandwidth
		joint     bool
		mixed     bool
	}{
		{"bandwidth=0/joint=false", 0, false, false},
		{"bandwidth=1Gbps/joint=false", 1e9, false, false},
		{"bandwidth=1Gbps/joint=true", 1e9, true, false},
		{"bandwidth=1Gbps/joint=true/mixed", 1e9, true, true},
	} {
		intents := crowd(whole, 1000, []pathspec.Kind{pathspec.Link}, w.bandwidth)
		for i := range intents {
			if w.mixed && i%10 == 0 {
				intents[i].Require.Disjoint = []pathspec.Kind{pathspec.Link, pathspec.SRLG}
			}
		}
		policy := Policy{Joint: w.joint, MaxMoves: DefaultMaxMoves}
		b.Run(w.name+"/cold", func(b *testing.B) {
			for b.Loop() {
				Solve(Input{Topology: cut, Intents: intents, PathsOnly: true, Policy: policy})
			}
		})
		e := NewEngine(whole, intents)
		e.Share(policy)
		e.Fail(topology.Outage{}, nil)
		// Every turn cuts another duct: what is remembered of the same cut is no help.
		n := 400
		next := func() *topology.Topology {
			n++
			return whole.Without(topology.Outage{SRLGs: map[string]bool{fmt.Sprint("duct", n%500): true}})
		}
		b.Run(w.name+"/cut", func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				cut := next()
				b.StartTimer()
				e.Change(cut, nil)
				b.StopTimer()
				e.Change(whole, nil)
				b.StartTimer()
			}
		})
		b.Run(w.name+"/mend", func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				e.Change(next(), nil)
				b.StartTimer()
				e.Change(whole, nil)
			}
		})
	}
}

// BenchmarkGate fails every shared risk in turn, on 200 nodes with 200 intents.
func BenchmarkGate(b *testing.B) {
	t := grid(20, 10, 10e9)
	groups := map[string]bool{}
	var names []string
	for e := range t.Entries {
		list, _ := t.Entries[e].SRLGs.Get()
		for _, g := range list {
			if !groups[g] {
				groups[g] = true
				names = append(names, g)
			}
		}
	}
	for _, bandwidth := range []topology.Bandwidth{0, 1e9} {
		intents := crowd(t, 200, []pathspec.Kind{pathspec.Link, pathspec.Node}, bandwidth)
		for _, joint := range []bool{false, true} {
			b.Run(fmt.Sprintf("bandwidth=%v/joint=%v", bandwidth, joint), func(b *testing.B) {
				for b.Loop() {
					e := NewEngine(t, intents)
					e.Share(Policy{Joint: joint, MaxMoves: DefaultMaxMoves})
					for _, g := range names {
						e.Fail(topology.Outage{SRLGs: map[string]bool{g: true}}, nil)
					}
				}
				b.ReportMetric(float64(len(names)), "failures")
			})
		}
	}
}
