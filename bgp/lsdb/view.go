package lsdb

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/said"
)

// View is what all peers together say. It and all in it is never changed, and
// parts that did not change are the same in the next View.
type View struct {
	Peers   []PeerState // by name
	Routers []*Router   // by key
	Links   []*Link     // by the keys of their routers
	// Half are halves that make no link, in the order of their NLRIs.
	Half []*HalfKnown
}

// PeerState is a speaker and how much of it there is.
type PeerState struct {
	Name  string
	Up    bool
	Since time.Time // of the session, or of its loss; zero: there never was one
	// Complete: it has once said all, for every family of its session.
	Complete       bool
	Objects, Stale int
}

// Router is a router, under all the names that it has in IGPs.
type Router struct {
	// Key is for comparison only. It stays as long as the least of the origins.
	Key     string
	Origins []*Node // ascending, at least one
	// Conflicts say why it was not united with another of the same address.
	Conflicts []string
}

// Node is a router or a pseudonode as one IGP has it.
type Node struct {
	Origin     ls.Origin
	Descriptor ls.NodeDescriptor
	// Known: there is a Node NLRI of it. Else links, prefixes or SIDs name it.
	Known bool
	// Words are those of the Node NLRI, the least if there are several.
	said.Words
	Prefixes []*Prefix
	SIDs     []*SID
}

// Half is one direction of a link, as its local node tells it.
type Half struct {
	NLRI ls.Link
	said.Words
}

// Prefix is a prefix, or a locator.
type Prefix struct {
	NLRI ls.Prefix
	said.Words
}

// SID is an SRv6 SID that is no adjacency's.
type SID struct {
	NLRI ls.SRv6SID
	said.Words
}

// Link is a link between two routers, A before B by their keys.
type Link struct {
	A, B string
	// Adjacencies are what IGPs have of it, at least one, ascending.
	Adjacencies []*Adjacency
}

// Adjacency is a link as one IGP has it, in one level, area and topology.
type Adjacency struct {
	Origin   ls.Origin
	Topology uint16
	// AB and BA are its halves. On a LAN they lead to the pseudonode.
	AB, BA *Half
	// LAN is the pseudonode, nil if there is none.
	LAN *ls.NodeDescriptor
	// Unusable says why no path may cross it; "" is that it may.
	Unusable string

	key string
}

// Unusable says why no path may cross the link: no IGP lets it. "" is that one
// does.
func (l *Link) Unusable() string {
	for _, a := range l.Adjacencies {
		if a.Unusable == "" {
			return ""
		}
	}
	return l.Adjacencies[0].Unusable
}

// HalfKnown is one direction that makes no link.
type HalfKnown struct {
	*Half
	// From and To are the keys of its routers; "" is a pseudonode.
	From, To string
	Why      string
	// Unusable says why no path may cross it, were it a link; "" is nothing.
	Unusable string

	key string
}

// Router returns the router of a key, nil if there is none.
func (v *View) Router(key string) *Router {
	i, found := slices.BinarySearchFunc(v.Routers, key, func(r *Router, key string) int { return strings.Compare(r.Key, key) })
	if !found {
		return nil
	}
	return v.Routers[i]
}

// String names the router as its IGPs do.
func (r *Router) String() string {
	s := ""
	for i, n := range r.Origins {
		if name := n.Descriptor.String(); i == 0 {
			s = name
		} else if !slices.Contains(strings.Split(s, ", "), name) {
			s += ", " + name
		}
	}
	return s
}

func compareRouters(a, b *Router) int { return strings.Compare(a.Key, b.Key) }

func compareLinks(a, b *Link) int {
	return cmp.Or(strings.Compare(a.A, b.A), strings.Compare(a.B, b.B), strings.Compare(a.Adjacencies[0].key, b.Adjacencies[0].key))
}

func compareHalf(a, b *HalfKnown) int { return strings.Compare(a.key, b.key) }

// replaced is an ascending list without those that are gone and with those that
// came. It looks at few others, but copies them all.
func replaced[T comparable](list, gone, come []T, order func(a, b T) int) []T {
	if len(gone) == 0 && len(come) == 0 {
		return list
	}
	slices.SortFunc(gone, order)
	slices.SortFunc(come, order)
	out := make([]T, 0, len(list)-len(gone)+len(come))
	for len(gone) > 0 || len(come) > 0 {
		removes := len(come) == 0 || len(gone) > 0 && order(gone[0], come[0]) <= 0
		next := come
		if removes {
			next = gone
		}
		at, _ := slices.BinarySearchFunc(list, next[0], order)
		out, list = append(out, list[:at]...), list[at:]
		if removes {
			gone, list = gone[1:], list[1:]
		} else {
			out, come = append(out, come[0]), come[1:]
		}
	}
	return append(out, list...)
}
