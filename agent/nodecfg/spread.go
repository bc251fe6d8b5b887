package nodecfg

import (
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"
)

// MaxWeight bounds the weight of a path: Linux has 8 bits for it.
const MaxWeight = 256

// hashSysctls make Linux choose the next hop of a packet by its 5-tuple: by
// the addresses alone all flows between two hosts would take one path.
var hashSysctls = []Object{
	Sysctl{"net/ipv4/fib_multipath_hash_policy", "1"},
	Sysctl{"net/ipv6/fib_multipath_hash_policy", "1"},
}

// Hops are the next hops of a route as comparable value: the first Hop, which
// has the others, or nil.
type Hops interface{ hops() }

// Hop is one next hop of several.
type Hop struct {
	Via    netip.Addr
	Dev    string
	Encap  Encap // nil: none
	Weight int   // share of the flows, 1 to MaxWeight
	Next   Hops  // nil: this is the last one
}

func (Hop) hops() {}

// HopsOf makes Hops of next hops, whose Next it sets.
func HopsOf(list ...Hop) Hops {
	var all Hops
	for i := len(list) - 1; i >= 0; i-- {
		list[i].Next = all
		all = list[i]
	}
	return all
}

// AllHops goes through the next hops in their order.
func AllHops(all Hops) iter.Seq[Hop] {
	return func(yield func(Hop) bool) {
		for h, ok := all.(Hop); ok && yield(h); h, ok = h.Next.(Hop) {
		}
	}
}

// Withdrawal is what to do when op fails, if anything: a route that spreads
// flows and cannot be replaced goes, as it may lead into a lane that is closed.
// The routes to the single paths stand behind it, and then the fence.
func (op Op) Withdrawal() (Op, bool) {
	r, ok := op.Object.(Route)
	return Op{Delete, r}, ok && op.Verb == Replace && r.Table != MainTable && r.Metric == spreadMetric
}

// String is the next hop in iproute2's words.
func (h Hop) String() string {
	var b strings.Builder
	if h.Encap != nil {
		fmt.Fprintf(&b, "encap %s ", h.Encap)
	}
	if h.Via.IsValid() {
		fmt.Fprintf(&b, "via %s ", h.Via)
	}
	fmt.Fprintf(&b, "dev %s weight %d", h.Dev, h.Weight)
	return b.String()
}

// ways returns the routes of the paths that are not left out; device tells
// the interface of a link.
func (p *Policy) ways(leftOut map[string]bool, device func(link string) string) []Route {
	routes := p.spread(leftOut, device)
	for i, path := range p.Paths {
		if !leftOut[path.Name] {
			routes = append(routes, p.routes(i, device(path.Link))...)
		}
	}
	return routes
}

// neighbor is the next hop of IPv6 on interfaces that need none: Linux takes
// no other ones into a route to several, and never asks for this one, since it
// encapsulates before, or has no neighbours there at all.
var neighbor = netip.MustParseAddr("fe80::1")

// spread returns the routes to all paths that are not left out, one a
// destination, where flows are spread. They stand before those of the single
// paths, which are for what only the kernel can do at once: of IPv4 it drops
// the whole route when one of its interfaces vanishes. The last path left is a
// route of the same key, so that there is always one to replace, and no moment
// in which packets take a path that is about to be left out.
func (p *Policy) spread(leftOut map[string]bool, device func(link string) string) []Route {
	if p.Mode != Spread {
		return nil
	}
	var (
		routes []Route
		hops   [][]Hop // of each route
	)
	for i, path := range p.Paths {
		if leftOut[path.Name] {
			continue
		}
		for _, r := range p.routes(i, device(path.Link)) {
			h := Hop{Dev: r.Dev, Encap: r.Encap, Weight: path.Weight}
			if r.To.Addr().Is6() {
				h.Via = neighbor
			}
			at := slices.IndexFunc(routes, func(all Route) bool { return all.To == r.To })
			if at < 0 {
				r.Metric, r.Via = spreadMetric, h.Via
				routes, hops = append(routes, r), append(hops, []Hop{h})
				continue
			}
			all := &routes[at]
			hops[at] = append(hops[at], h)
			// The route has one MTU: what fits on every path.
			if all.MTU == 0 || r.MTU != 0 && r.MTU < all.MTU {
				all.MTU = r.MTU
			}
			all.Via, all.Dev, all.Encap, all.Hops = netip.Addr{}, "", nil, HopsOf(hops[at]...)
		}
	}
	return routes
}
