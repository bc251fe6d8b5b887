package kme

import (
	"crypto/subtle"
	"math/rand/v2"
	"slices"
	"time"
)

// link is a QKD link: two stores, one at each end, that hold the same bits.
// What is in store is only counted; a bit is drawn when it is used.
type link struct {
	a, b           int // nodes
	rate, capacity int64
	stored         int64 // bits
	last           time.Time
	rest           int64 // of a bit, in bits a second times nanoseconds
	pad            [2]*rand.ChaCha8
}

// advance makes the keys that the link makes until now.
func (l *link) advance(now time.Time) {
	passed := now.Sub(l.last)
	if passed <= 0 {
		return
	}
	l.last = now
	room := l.capacity - l.stored
	if l.rate == 0 || int64(passed/time.Second) > room/l.rate {
		l.rest = 0
		if l.rate > 0 {
			l.stored = l.capacity
		}
		return
	}
	made := l.rate*int64(passed/time.Second) + (l.rate*int64(passed%time.Second)+l.rest)/int64(time.Second)
	l.rest = (l.rate*int64(passed%time.Second) + l.rest) % int64(time.Second)
	l.stored += min(made, room)
}

// other is the node at the far end.
func (l *link) other(from int) int { return l.a + l.b - from }

// carry sends a key over the link as a one-time pad does: the near end
// encrypts with its store, the far end decrypts with its own. Each bit in
// store is used once, whichever end sends.
func (l *link) carry(key []byte) []byte {
	near, far := l.pad[0], l.pad[1]
	l.stored -= int64(8 * len(key))
	sent, received := make([]byte, len(key)), make([]byte, len(key))
	_, _ = near.Read(sent) // never fails
	_, _ = far.Read(received)
	subtle.XORBytes(sent, sent, key)
	subtle.XORBytes(received, received, sent)
	return received
}

// inStore is what each link has, and ifFull what it would have, in bits.
func (n *Network) inStore() map[*link]int64 {
	left := map[*link]int64{}
	for _, l := range n.links {
		left[l] = l.stored
	}
	return left
}

func (n *Network) ifFull() map[*link]int64 {
	left := map[*link]int64{}
	for _, l := range n.links {
		left[l] = l.capacity
	}
	return left
}

// route finds the fewest links from one node to another on which need bits are
// left; of several routes the one whose links come first. A route within one
// node has no link.
func (n *Network) route(from, to int, need int64, left map[*link]int64) (links []*link, ok bool) {
	if n.noDetour {
		for _, l := range n.links {
			if l.a == from && l.b == to || l.a == to && l.b == from {
				return []*link{l}, left[l] >= need
			}
		}
	}
	came := make([]*link, len(n.nodes))
	seen := make([]bool, len(n.nodes))
	seen[from] = true
	for queue := []int{from}; len(queue) > 0 && !seen[to]; queue = queue[1:] {
		for _, l := range n.links {
			if l.a != queue[0] && l.b != queue[0] || left[l] < need {
				continue
			}
			if far := l.other(queue[0]); !seen[far] {
				seen[far], came[far] = true, l
				queue = append(queue, far)
			}
		}
	}
	if !seen[to] {
		return nil, false
	}
	for at := to; at != from; {
		links = append(links, came[at])
		at = came[at].other(at)
	}
	slices.Reverse(links)
	return links, true
}

// count is how many keys of so many bits enc_keys would serve from what is
// left between two nodes, asked for one by one. Within one node no link is
// used, and it is maxWaiting.
func (n *Network) count(from, to int, bits int64, left map[*link]int64) (keys int64) {
	if from == to {
		return maxWaiting
	}
	for {
		links, ok := n.route(from, to, bits, left)
		if !ok {
			return keys
		}
		more := left[links[0]]
		for _, l := range links {
			more = min(more, left[l])
		}
		more /= bits
		keys += more
		for _, l := range links {
			left[l] -= more * bits
		}
	}
}
