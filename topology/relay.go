package topology

import "slices"

// Relays are the nodes between two others that QKD keys of theirs can come by.
// QKD reaches as far as one link; further, each node on the way decrypts the
// key and encrypts it for the next, and so sees it.
type Relays struct {
	Joined bool     // some way of links with a QKD system leads from one to the other
	Every  []string // nodes on every such way, sorted: each key comes by them
	Some   []string // nodes on some ways without a loop, but not on all, sorted
}

// KeyRelays finds them, by what is declared: which way a key takes is the QKD
// network's choice.
func (t *Topology) KeyRelays(a, b int) Relays {
	next := make([][]int, len(t.Nodes))
	for e := range t.Entries {
		if entry := &t.Entries[e]; entry.QKD {
			next[entry.A] = append(next[entry.A], entry.B)
			next[entry.B] = append(next[entry.B], entry.A)
		}
	}
	var r Relays
	if r.Joined = joined(next, a, b, -1); !r.Joined {
		return r
	}
	for _, v := range between(next, a, b) {
		if name := t.Nodes[v].Name; joined(next, a, b, v) {
			r.Some = append(r.Some, name)
		} else {
			r.Every = append(r.Every, name)
		}
	}
	slices.Sort(r.Every)
	slices.Sort(r.Some)
	return r
}

// joined reports whether a way leads from a to b that does not go by a node.
func joined(next [][]int, a, b, by int) bool {
	seen := make([]bool, len(next))
	seen[a] = true
	if by >= 0 {
		seen[by] = true
	}
	for queue := []int{a}; len(queue) > 0; queue = queue[1:] {
		for _, w := range next[queue[0]] {
			if !seen[w] {
				seen[w] = true
				queue = append(queue, w)
			}
		}
	}
	return seen[b]
}

// between are the nodes on ways without a loop from a to b. With one more edge
// from a to b they are the nodes of its biconnected component, which a search
// from a over that edge leaves on the stack (Hopcroft and Tarjan 1973).
func between(next [][]int, a, b int) []int {
	found := make([]int, len(next)) // when the search came to a node; 0: not yet
	found[a] = 1
	clock := 1
	var stack []int
	var search func(v int) int // returns how far back a way around v leads
	search = func(v int) int {
		clock++
		found[v] = clock
		low := clock
		stack = append(stack, v)
		for _, w := range next[v] {
			if found[w] > 0 {
				low = min(low, found[w])
				continue
			}
			depth := len(stack)
			if back := search(w); back < found[v] {
				low = min(low, back)
			} else {
				stack = stack[:depth] // only v leads to these, and back
			}
		}
		return low
	}
	search(b)
	return slices.DeleteFunc(stack, func(v int) bool { return v == b })
}
