package live

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/lsdb"
	"github.com/keiro-net/keiro/bgp/said"
	"github.com/keiro-net/keiro/topology"
)

// matchNodes finds the routers of nodes.
func (j *joiner) matchNodes() {
	byID, byName := map[string][]*lsdb.Router{}, map[string][]*lsdb.Router{}
	for _, r := range j.v.Routers {
		for _, id := range routerIDs(r) {
			byID[id] = append(byID[id], r)
		}
		for _, name := range names(r) {
			byName[name] = append(byName[name], r)
		}
	}
	j.r.Nodes = make([]Node, len(j.t.Nodes))
	claims := map[*lsdb.Router][]int{}
	for n := range j.t.Nodes {
		node, out := &j.t.Nodes[n], &j.r.Nodes[n]
		out.Name = node.Name
		found, by := byName[strings.ToLower(node.Name)], "name"
		if node.RouterID != "" {
			found, by = byID[node.RouterID], "routerID "+node.RouterID
		}
		if igp := slices.DeleteFunc(slices.Clone(found), bgpOnly); len(igp) > 0 {
			found = igp // and what only BGP knows is joined to it below
		}
		if len(found) == 1 {
			claims[found[0]] = append(claims[found[0]], n)
		}
		if len(found) > 1 {
			var list []string
			for _, r := range found {
				list = append(list, r.String())
			}
			out.tell(NodeAmbiguous, "%d routers have its %s: %s; none of them is taken to be it", len(found), by, join(list))
		}
		if len(found) == 0 && node.RouterID != "" && node.NoAgent && Settled(j.v) { // an agent may be in no IGP
			out.tell(NodeMissing, "no peer knows a router with routerID %s", node.RouterID)
		}
	}
	j.node = make(map[string]int, len(claims))
	for r, list := range claims {
		if len(list) > 1 {
			var nodes []string
			for _, n := range list {
				nodes = append(nodes, j.t.Nodes[n].Name)
			}
			for _, n := range list {
				j.r.Nodes[n].tell(NodeAmbiguous, "router %s is matched by %s; it is taken to be none of them", r, join(nodes))
			}
			continue
		}
		n := list[0]
		j.r.Nodes[n].Router, j.node[r.Key] = r, n
		j.joinBGP(n, byID)
		for _, name := range names(r) {
			for _, other := range j.named(name) {
				if other != n {
					j.r.Nodes[n].tell(NameElsewhere, "router %s calls itself %s, which is declared as another node", r, j.t.Nodes[other].Name)
				}
			}
		}
		for _, c := range r.Conflicts {
			j.r.Nodes[n].tell(RouterConflict, "%s", c)
		}
		if stale(r) {
			j.r.Nodes[n].tell(Stale, "no live peer says anything of it")
		}
	}
}

// joinBGP finds the router of node n as BGP has it, for links to its BGP peers (RFC
// 9086): its BGP Identifier is a router ID of the node, and of no other one.
func (j *joiner) joinBGP(n int, byID map[string][]*lsdb.Router) {
	out := &j.r.Nodes[n]
	if bgpOnly(out.Router) {
		return
	}
	var found []*lsdb.Router
	for _, id := range routerIDs(out.Router) {
		var of []*lsdb.Router // have the ID
		for _, r := range byID[id] {
			switch {
			case !bgpOnly(r):
				if r != out.Router {
					return
				}
			case !slices.Contains(found, r):
				of = append(of, r)
			}
		}
		found = append(found, of...)
	}
	if len(found) == 1 {
		if _, taken := j.node[found[0].Key]; !taken {
			out.BGP, j.node[found[0].Key] = found[0], n
		}
	}
}

// bgpOnly reports whether only BGP itself knows a router, as one of its speakers.
func bgpOnly(r *lsdb.Router) bool {
	return !slices.ContainsFunc(r.Origins, func(n *lsdb.Node) bool { return n.Origin.Protocol != ls.BGP })
}

// routers are all that is known to be the node.
func (n *Node) routers() (out []*lsdb.Router) {
	for _, r := range []*lsdb.Router{n.Router, n.BGP} {
		if r != nil {
			out = append(out, r)
		}
	}
	return out
}

// named are the nodes of a name, irrespective of case.
func (j *joiner) named(lower string) (out []int) {
	if n, ok := j.t.Node(lower); ok {
		return []int{n}
	}
	if j.lower == nil {
		j.lower = make(map[string][]int, len(j.t.Nodes))
		for n := range j.t.Nodes {
			l := strings.ToLower(j.t.Nodes[n].Name)
			j.lower[l] = append(j.lower[l], n)
		}
	}
	return j.lower[lower]
}

// Settled reports whether nothing that is missing may come yet: some peer has
// said all, and none is still expected to.
func Settled(v *lsdb.View) bool {
	return len(v.Peers) > 0 && !slices.ContainsFunc(v.Peers, func(p lsdb.PeerState) bool { return !p.Complete })
}

// routerIDs are all that a routerID of a file may say of a router.
func routerIDs(r *lsdb.Router) (out []string) {
	add := func(s string) {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	for _, n := range r.Origins {
		if id := n.Descriptor.IGPRouterID.Router(); id != (ls.IGPRouterID{}) {
			add(id.String())
		} else if id, known := n.Descriptor.BGPRouterID.Get(); known {
			add(netip.AddrFrom4([4]byte{byte(id >> 24), byte(id >> 16), byte(id >> 8), byte(id)}).String())
		}
		v4, _ := said.Get(n.Words, said.IPv4RouterIDs)
		v6, _ := said.Get(n.Words, said.IPv6RouterIDs)
		for _, a := range slices.Concat(v4, v6) {
			add(a.String())
		}
	}
	return out
}

// names are all that a node's name may be matched with, in lower case.
func names(r *lsdb.Router) (out []string) {
	for _, n := range r.Origins {
		name, known := said.Get(n.Words, said.NodeName)
		if !known {
			continue
		}
		name = strings.ToLower(name)
		first, _, _ := strings.Cut(name, ".")
		for _, s := range []string{name, first} {
			if s != "" && !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	return out
}

// stale reports whether all that is said of a router was said by peers whose
// session is lost.
func stale(r *lsdb.Router) bool {
	known := false
	for _, n := range r.Origins {
		for i := range n.Words {
			if known = true; !n.Words[i].IsStale() {
				return false
			}
		}
	}
	return known
}

// locator is a locator of algorithm 0, as a router says.
type locator struct {
	prefix netip.Prefix
	said.Value[ls.SRv6Locator]
}

func locators(r *lsdb.Router) (out []locator) {
	for _, n := range r.Origins {
		for _, p := range n.Prefixes {
			v := said.Read(p.Words, said.Locator)
			if v.Known && v.Value.Algorithm == 0 && !slices.ContainsFunc(out, func(l locator) bool { return l.prefix == p.NLRI.Prefix }) {
				out = append(out, locator{p.NLRI.Prefix, v})
			}
		}
	}
	return out
}

// joinNode gives a node what was learned of it.
func (j *joiner) joinNode(n int, node *topology.Node) {
	out := &j.r.Nodes[n]
	a := Attribute{Name: "locator"}
	if node.Locator.IsValid() {
		a.Value, a.ByFile = node.Locator.String(), node.Locator.String()
	}
	var list []locator
	if out.Router != nil {
		list = locators(out.Router)
	}
	var texts []string
	for _, l := range list {
		texts = append(texts, l.prefix.String())
	}
	switch a.ByPeers = join(texts); {
	case len(list) == 0 && a.Value == "":
		return
	case len(list) == 0:
	case !node.Locator.IsValid():
		a.Peers, a.Since, a.Stale = list[0].By, list[0].Since, list[0].Stale
		if _, err := topology.ParseLocator(a.ByPeers); err == nil && len(list) == 1 {
			node.Locator, a.Value, a.Learned = list[0].prefix, a.ByPeers, true
		}
	default:
		a.Peers, a.Since, a.Stale = list[0].By, list[0].Since, list[0].Stale
		if !slices.ContainsFunc(list, func(l locator) bool { return l.prefix == node.Locator }) {
			out.tell(LocatorDiffers, "declared %v, the router has %s", node.Locator, a.ByPeers)
		}
	}
	out.Attributes = append(out.Attributes, a)
}

// dropSharedLocators takes learned locators away that are of several nodes: a
// topology gives each its own.
func (j *joiner) dropSharedLocators(nodes []topology.Node) {
	count := make(map[netip.Prefix]int, len(nodes))
	for n := range nodes {
		count[nodes[n].Locator]++
	}
	for n := range nodes {
		if l := nodes[n].Locator; l.IsValid() && count[l] > 1 && !j.t.Nodes[n].Locator.IsValid() {
			nodes[n].Locator = netip.Prefix{}
			for i := range j.r.Nodes[n].Attributes {
				if a := &j.r.Nodes[n].Attributes[i]; a.Name == "locator" {
					a.Value, a.Learned = "", false
				}
			}
			j.r.Nodes[n].tell(LocatorDiffers, "the router has locator %v, which another node has as well", l)
		}
	}
}
