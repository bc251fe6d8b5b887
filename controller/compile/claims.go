package compile

import (
	"fmt"
	"net/netip"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// Claims are the SIDs that heads lead over one of their links by a route of their
// own (nodecfg.Path.FirstSIDs), which they can over one link only. It is the agent
// that makes the route, whether the path is told to it or comes by BGP.
type Claims map[claim]string

type claim struct {
	head string
	sid  netip.Addr
}

// Add claims the SIDs that the paths of a policy begin with, whether they serve
// or not: they may tomorrow.
func (cl Claims) Add(in *Input, p *Policy) {
	in.heads(p, func(head, link string, sids []netip.Addr) bool {
		cl.add(head, link, sids)
		return true
	})
}

// Obstacle says why the paths of a policy cannot be installed beside what is
// claimed, or beside each other; "" nothing.
func (cl Claims) Obstacle(in *Input, p *Policy) (why string) {
	own := Claims{}
	in.heads(p, func(head, link string, sids []netip.Addr) bool {
		for _, claims := range []Claims{cl, own} {
			if sid, other := claims.taken(head, link, sids); other != "" {
				why = fmt.Sprintf("node %s would have to begin paths over its links %s and %s with one SID, %v, as the router behind both has no other: no more than one of the links can be used at a time", head, other, link, sid)
				return false
			}
		}
		own.add(head, link, sids)
		return true
	})
	return why
}

// heads goes through the beginnings of the paths of a policy at the ends that have
// an agent, beside a router without one.
func (in *Input) heads(p *Policy, each func(head, link string, sids []netip.Addr) bool) {
	for _, path := range p.Paths {
		for _, path := range []pathspec.Path{path, Reversed(path)} {
			if in.named(path.Nodes[0]).NoAgent || !in.named(path.Nodes[1]).NoAgent {
				continue
			}
			if !each(path.Nodes[0], path.Links[0], in.begins(path)) {
				return
			}
		}
	}
}

// begins are the SIDs that the head of a path, with an agent, begins it with; by
// BGP none if it cannot be said.
func (in *Input) begins(path pathspec.Path) []netip.Addr {
	if in.named(path.Nodes[0]).Steering == topology.ByBGP {
		list, _ := in.steer(path)
		return addresses(list[:min(1, len(list))])
	}
	told := in.path(path)
	return in.firstSIDs(path, &told)
}

func (cl Claims) add(head, link string, sids []netip.Addr) {
	for _, sid := range sids {
		if _, taken := cl[claim{head, sid}]; !taken {
			cl[claim{head, sid}] = link
		}
	}
}

// taken finds a SID that is led over another link.
func (cl Claims) taken(head, link string, sids []netip.Addr) (sid netip.Addr, other string) {
	for _, sid := range sids {
		if other := cl[claim{head, sid}]; other != "" && other != link {
			return sid, other
		}
	}
	return sid, ""
}
