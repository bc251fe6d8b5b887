package compile

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// Claims are the SIDs that heads lead over one of their links by a route of
// their own (nodecfg.Path.FirstSIDs), which they can over one link only.
type Claims map[claim][]claimed

type claim struct {
	head string
	sid  netip.Addr
}

// claimed is a link that packets with the SID are led over, and for whom.
type claimed struct {
	link    string
	intents map[string]bool
}

// Add claims the SIDs that the paths of a policy begin with which serve.
func (cl Claims) Add(in *Input, p *Policy) {
	in.heads(p, func(head, link string, sids []netip.Addr) bool {
		cl.add(head, link, sids, p.Intent)
		return true
	})
}

// Obstacle says why the paths of a policy cannot be installed beside those of
// others, or beside each other; "" nothing.
func (cl Claims) Obstacle(in *Input, p *Policy) (why string) {
	own := Claims{}
	in.heads(p, func(head, link string, sids []netip.Addr) bool {
		taken := cl.taken(head, link, sids, p.Intent)
		if taken == nil {
			taken = own.taken(head, link, sids, "")
		}
		own.add(head, link, sids, p.Intent)
		if taken != nil {
			why = fmt.Sprintf("node %s would have to begin paths over its links %s and %s with one SID, %v, as the router behind both has no other: no more than one of the links can be used at a time", head, taken.link, link, taken.sid)
		}
		return taken == nil
	})
	return why
}

// heads goes through the beginnings of the paths of a policy that serve, at the
// ends that an agent steers.
func (in *Input) heads(p *Policy, each func(head, link string, sids []netip.Addr) bool) {
	for i, path := range p.Paths {
		for _, path := range []pathspec.Path{path, Reversed(path)} {
			if !p.Serving[i] || !in.named(path.Nodes[1]).NoAgent || in.named(path.Nodes[0]).Steering == topology.ByBGP {
				continue
			}
			sids := in.path(path)
			if !each(path.Nodes[0], path.Links[0], in.firstSIDs(path, &sids)) {
				return
			}
		}
	}
}

func (cl Claims) add(head, link string, sids []netip.Addr, intent string) {
	for _, sid := range sids {
		key := claim{head, sid}
		i := slices.IndexFunc(cl[key], func(c claimed) bool { return c.link == link })
		if i < 0 {
			i = len(cl[key])
			cl[key] = append(cl[key], claimed{link, map[string]bool{}})
		}
		cl[key][i].intents[intent] = true
	}
}

// overlap is a SID that is led over another link already.
type overlap struct {
	sid  netip.Addr
	link string
}

// taken finds a SID that others than the intent lead over another link.
func (cl Claims) taken(head, link string, sids []netip.Addr, intent string) *overlap {
	for _, sid := range sids {
		for _, c := range cl[claim{head, sid}] {
			if c.link != link && (len(c.intents) > 1 || !c.intents[intent]) {
				return &overlap{sid, c.link}
			}
		}
	}
	return nil
}
