// Package leak judges packets that were seen on the links of a node: whether
// they are of an intent that they should not be seen of, or not there. It is
// pure: time comes in as argument. Package sample takes the samples and asks
// it.
package leak

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/sample/headers"
)

// portBGP is that of routing between neighbours, which are no intent's hosts.
const portBGP = 179

// guarded is one intent.
type guarded struct {
	name      string
	encrypted bool
	links     map[string]bool // that its packets may take
	near      map[string]bool // where they may be as they are
}

// selector is traffic of an intent.
type selector struct {
	nodecfg.Selector
	of *guarded
}

// watch is what is looked for: of a packet that several selectors take the
// narrowest is its, as in steering.
type watch struct {
	selectors []selector // the narrowest first
	lanes     map[uint16]*guarded
}

func newWatch(all []nodecfg.Protected) *watch {
	w := &watch{lanes: map[uint16]*guarded{}}
	set := func(names []string) map[string]bool {
		s := make(map[string]bool, len(names))
		for _, n := range names {
			s[n] = true
		}
		return s
	}
	for _, p := range all {
		g := &guarded{name: p.Intent, encrypted: p.Encryption != "", links: set(p.Links), near: set(p.Near)}
		for _, t := range p.Traffic {
			w.selectors = append(w.selectors, selector{t, g})
		}
		for _, id := range p.Lanes {
			w.lanes[id] = g
		}
	}
	slices.SortStableFunc(w.selectors, func(a, b selector) int {
		return cmp.Compare(b.From.Bits()+b.To.Bits(), a.From.Bits()+a.To.Bits())
	})
	return w
}

// sight is what a packet gives away.
type sight struct {
	intent, kind string // "": nothing
	packet       string
}

// judge says what is wrong with a packet seen on a link: IPv4 or IPv6, by its
// protocol number.
func (w *watch) judge(link string, proto uint8, packet []byte) sight {
	open, _ := headers.Packet(proto, packet)
	for i, h := range open {
		if h.Quoted || own(h) {
			continue
		}
		if g := w.lane(h); g != nil {
			switch {
			case i == 0:
				return g.seen(nodecfg.LeakOutside, open)
			case !g.links[link]:
				return g.seen(nodecfg.LeakElsewhere, open)
			}
			return sight{} // what is inside nobody can read
		}
		g := w.of(h)
		switch {
		case g == nil:
			continue
		case g.near[link]:
			return sight{}
		case g.encrypted:
			return g.seen(nodecfg.LeakClear, open)
		case i == 0:
			return g.seen(nodecfg.LeakOutside, open)
		case !g.links[link]:
			return g.seen(nodecfg.LeakElsewhere, open)
		}
		return sight{}
	}
	return sight{}
}

// own: the packet is of the machines beside a link themselves.
func own(h headers.Header) bool {
	for _, a := range []netip.Addr{h.From, h.To} {
		if a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() || a.IsLoopback() {
			return true
		}
	}
	return h.Proto == headers.TCP && (h.FromPort == portBGP || h.Port == portBGP)
}

// lane is the intent whose lane a packet is of; nil: of none. Errors of routers
// about it are not its.
func (w *watch) lane(h headers.Header) *guarded {
	from, ok := nodecfg.LaneOf(h.From)
	to, also := nodecfg.LaneOf(h.To)
	if !ok || !also || from != to || h.Proto == headers.ICMP6 {
		return nil
	}
	return w.lanes[from]
}

func (w *watch) of(h headers.Header) *guarded {
	for _, s := range w.selectors {
		if s.From.Contains(h.From) && s.To.Contains(h.To) {
			return s.of
		}
	}
	return nil
}

func (g *guarded) seen(kind string, open []headers.Header) sight {
	text := ""
	for _, h := range slices.Backward(open) {
		if text != "" {
			text += " in "
		}
		text += fmt.Sprintf("%v > %v protocol %d", h.From, h.To, h.Proto)
		if h.Port != 0 {
			text += fmt.Sprintf(" port %d", h.Port)
		}
	}
	return sight{g.name, kind, text}
}
