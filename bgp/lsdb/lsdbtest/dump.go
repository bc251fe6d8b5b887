package lsdbtest

import (
	"fmt"
	"strings"
	"time"

	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/lsdb"
	"github.com/keiro-net/keiro/bgp/said"
)

// Dump is a view as text: who says what, and what it makes.
func Dump(v *lsdb.View) string {
	var b strings.Builder
	for _, p := range v.Peers {
		state := map[bool]string{true: "up", false: "down"}[p.Up]
		if p.Complete {
			state += " complete"
		}
		fmt.Fprintf(&b, "peer %s %s: %d objects, %d stale\n", p.Name, state, p.Objects, p.Stale)
	}
	for _, r := range v.Routers {
		fmt.Fprintf(&b, "router %v\n", r)
		for _, n := range r.Origins {
			fmt.Fprintf(&b, "  %v %v%s\n", n.Origin, n.Descriptor, by(n.Words))
			for _, p := range n.Prefixes {
				fmt.Fprintf(&b, "    prefix %v%s\n", p.NLRI.Prefix, by(p.Words))
			}
			for _, s := range n.SIDs {
				fmt.Fprintf(&b, "    sid %v%s\n", s.NLRI.SID, by(s.Words))
			}
		}
		for _, c := range r.Conflicts {
			fmt.Fprintf(&b, "  conflict: %s\n", c)
		}
	}
	for _, l := range v.Links {
		fmt.Fprintf(&b, "link %v -- %v%s\n", v.Router(l.A), v.Router(l.B), unusable(l.Unusable()))
		for _, a := range l.Adjacencies {
			fmt.Fprintf(&b, "  %v mt %d%s\n", a.Origin, a.Topology, unusable(a.Unusable))
			if a.LAN != nil {
				fmt.Fprintf(&b, "    over LAN %v\n", a.LAN)
			}
			for _, h := range []*lsdb.Half{a.AB, a.BA} {
				fmt.Fprintf(&b, "    %v to %v%v%s\n", h.NLRI.Local, h.NLRI.Remote, h.NLRI.LinkDescriptor, by(h.Words))
			}
		}
	}
	for _, h := range v.Half {
		fmt.Fprintf(&b, "half %v%s: %s\n", h.NLRI, by(h.Words), h.Why)
	}
	return b.String()
}

func unusable(why string) string {
	if why != "" {
		return " unusable: " + why
	}
	return ""
}

// by says who says so, and who does not any more.
func by(ws said.Words) string {
	out := " by"
	for i := range ws {
		w := &ws[i]
		switch out += " " + w.Peer; {
		case w.Withdrawn && w.IsStale():
			out += "(withdrawn, stale)"
		case w.Withdrawn:
			out += "(withdrawn)"
		case w.IsStale():
			out += "(stale)"
		}
	}
	if len(ws) == 0 {
		return " by its links only"
	}
	return out
}

// show prints the attributes of a node, or of all halves from one to another.
func (s *Stage) show(args []string) string {
	p := &parser{}
	origin := p.origin(args[0])
	local := p.node(origin.Protocol, args[1])
	v := s.DB.View()
	var b strings.Builder
	if len(args) == 2 {
		for _, r := range v.Routers {
			for _, n := range r.Origins {
				if n.Origin == origin && n.Descriptor == local {
					b.WriteString(Attributes(n.Words))
				}
			}
		}
		return b.String()
	}
	remote := p.node(origin.Protocol, args[2])
	half := func(n ls.Link, ws said.Words) {
		if n.Origin == origin && n.Local == local && n.Remote == remote {
			fmt.Fprintf(&b, "%v\n%s", n, Attributes(ws))
		}
	}
	for _, l := range v.Links {
		for _, a := range l.Adjacencies {
			half(a.AB.NLRI, a.AB.Words)
			half(a.BA.NLRI, a.BA.Words)
		}
	}
	for _, h := range v.Half {
		half(h.NLRI, h.Words)
	}
	return b.String()
}

// Attributes is what is known of an object, line by line, with the time since
// Start.
func Attributes(ws said.Words) string {
	var b strings.Builder
	for _, a := range said.Show(ws) {
		fmt.Fprintf(&b, "  %s %s by %s since %s", a.Name, a.Value.Value, strings.Join(a.By, ","), since(a.Since))
		if a.Stale {
			b.WriteString(" stale")
		}
		for _, o := range a.Others {
			fmt.Fprintf(&b, "; %s says %s since %s", o.Peer, o.Value, since(o.Since))
		}
		b.WriteString("\n")
	}
	return b.String()
}

func since(t time.Time) string { return t.Sub(Start).String() }
