package topology

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestKeyRelays: against the naive way, which follows every path.
func TestKeyRelays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 7).Draw(t, "nodes")
		nodes := make([]Node, n)
		for i := range nodes {
			nodes[i].Name = fmt.Sprint("n", i)
		}
		var entries []Entry
		var links []Link
		qkd := make(map[[2]int]bool)
		for e := range rapid.IntRange(0, 10).Draw(t, "links") {
			a := rapid.IntRange(0, n-1).Draw(t, "a")
			b := (a + rapid.IntRange(1, n-1).Draw(t, "b")) % n
			entry := Entry{Name: fmt.Sprint("l", e), A: a, B: b, QKD: rapid.IntRange(0, 4).Draw(t, "qkd") > 0}
			entries = append(entries, entry)
			links = append(links, Link{Entry: e, From: a, To: b}, Link{Entry: e, From: b, To: a})
			if entry.QKD {
				qkd[[2]int{a, b}], qkd[[2]int{b, a}] = true, true
			}
		}
		got := New("", nil, nodes, entries, links).KeyRelays(0, 1)
		ways, on := 0, make([]int, n)
		var walk func(at int, way []int)
		walk = func(at int, way []int) {
			if at == 1 {
				ways++
				for _, v := range way[1:] {
					on[v]++
				}
				return
			}
			for w := range n {
				if qkd[[2]int{at, w}] && !slices.Contains(way, w) {
					walk(w, append(slices.Clone(way), at))
				}
			}
		}
		walk(0, nil)
		want := Relays{Joined: ways > 0}
		for v, times := range on {
			switch {
			case v <= 1 || times == 0:
			case times == ways:
				want.Every = append(want.Every, nodes[v].Name)
			default:
				want.Some = append(want.Some, nodes[v].Name)
			}
		}
		if got.Joined != want.Joined || !slices.Equal(got.Every, want.Every) || !slices.Equal(got.Some, want.Some) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	})
}
