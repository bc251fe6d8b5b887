package lsdb

import (
	"fmt"

	"github.com/keiro-net/keiro/bgp/ls"
)

// MaxLANMembers is how many routers a LAN may have that becomes links: n of them
// become n(n-1)/2. The halves of a greater one are shown, not used.
const MaxLANMembers = 32

// lan is a pseudonode, and the halves to it and from it.
type lan struct {
	node *instance
	all  map[*object]bool
	// members are what becomes adjacencies: from the first and from the second
	// router to the pseudonode.
	members map[ends][][2]*object
	half    []*HalfKnown
	shown   []*HalfKnown // in the last View
}

func (n *lan) halves() map[*object]bool { return n.all }

// remake finds the members of a LAN. One that the pseudonode does not know, or
// that does not know it, is none. A pseudonode has no topologies (RFC 5120
// section 3), its members have.
func (n *lan) remake() {
	n.members, n.half = map[ends][][2]*object{}, nil
	known := map[*router]bool{}  // by the pseudonode
	to := map[uint16][]*object{} // by topology
	count := map[uint16]map[*router]int{}
	list := ascending(n.all)
	for _, o := range list {
		l := o.nlri.(ls.Link)
		switch {
		case o.local.router == nil && o.remote.router == nil:
		case o.local.router == nil:
			known[o.remote.router] = true
		default:
			t := l.MultiTopology.Value.ID()
			if count[t] == nil {
				count[t] = map[*router]int{}
			}
			to[t] = append(to[t], o)
			count[t][o.local.router]++
		}
	}
	knows := map[*router]bool{}
	large := ""
	for t := range to {
		if len(count[t]) > MaxLANMembers {
			large = fmt.Sprintf("the LAN has %d members: one of more than %d is not used", len(count[t]), MaxLANMembers)
		}
	}
	for _, o := range list {
		l := o.nlri.(ls.Link)
		var why string
		switch r := o.local.router; {
		case r == nil && o.remote.router == nil:
			why = "it leads from one LAN to another"
		case large != "":
			why = large
		case r == nil:
			continue
		case !known[r]:
			why = "the LAN does not know the router"
		case count[l.MultiTopology.Value.ID()][r] > 1:
			why = fmt.Sprintf("the router has %d interfaces on the LAN, and the LAN does not tell them apart", count[l.MultiTopology.Value.ID()][r])
		default:
			knows[r] = true
			continue
		}
		n.half = append(n.half, o.halfKnown(why))
	}
	if large != "" {
		return
	}
	for _, o := range list {
		if o.local.router == nil && o.remote.router != nil && !knows[o.remote.router] {
			n.half = append(n.half, o.halfKnown("the router does not know the LAN"))
		}
	}
	for t, list := range to {
		for i, a := range list {
			for _, b := range list[i+1:] {
				ra, rb := a.local.router, b.local.router
				if ra == rb || !known[ra] || !known[rb] || count[t][ra] > 1 || count[t][rb] > 1 {
					continue
				}
				e := endsOf(ra, rb)
				if ra.key() == e.a {
					n.members[e] = append(n.members[e], [2]*object{a, b})
				} else {
					n.members[e] = append(n.members[e], [2]*object{b, a})
				}
			}
		}
	}
}
