package compile

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// The least that a path must carry: what IPv6 needs of every link (RFC 8200
// section 5), and what every IPv4 host takes in (RFC 791 section 3.1).
const (
	minMTU6 = 1280
	minMTU4 = 576
)

// mtu is the longest packet of a policy on a path that carries pathMTU bytes,
// and the least that will do.
func (p *Policy) mtu(pathMTU int) (mtu, least int, family string) {
	mtu, least, family = pathMTU, minMTU4, "IPv4"
	if p.Encryption != pathspec.NoEncryption {
		mtu = nodecfg.LaneMTU(pathMTU)
	}
	for _, s := range p.Traffic {
		if s.To.Addr().Is6() {
			least, family = minMTU6, "IPv6"
		}
	}
	return mtu, least, family
}

// Obstacle says why a path of the policy cannot be installed at both of its
// ends; "" nothing.
func (in *Input) Obstacle(p *Policy, path pathspec.Path) string {
	if why := in.Against(p, path); why != "" {
		return why
	}
	return in.Against(p, Reversed(path))
}

// Against says why a path of the policy cannot be installed at its head; ""
// nothing.
func (in *Input) Against(p *Policy, path pathspec.Path) string {
	for _, link := range path.Links {
		e, ok := in.Topology.Entry(link)
		if !ok {
			return fmt.Sprintf("link %s is not in the topology", link)
		}
		if why := in.unplugged(e); why != "" {
			return why
		}
	}
	for _, node := range path.Nodes[1:] {
		if why := in.Missing[node]; why != "" {
			return why
		}
	}
	if slices.ContainsFunc(path.Nodes, func(n string) bool { return in.named(n).NoAgent }) {
		if why := in.unlearned(p, path); why != "" {
			return why
		}
	}
	if p.Encryption != pathspec.NoEncryption {
		for _, end := range []string{path.Nodes[0], path.Nodes[len(path.Nodes)-1]} {
			switch node := in.named(end); {
			case node.NoAgent:
				return fmt.Sprintf("node %s has no agent, which a lane with encryption %s needs at both ends", end, p.Encryption)
			case node.Steering == topology.ByBGP:
				return fmt.Sprintf("node %s has `steering: bgp`, and encryption %s needs `steering: agent` at both ends", end, p.Encryption)
			}
		}
	}
	if outer := in.pathMTU(path.Links); outer != 0 {
		if mtu, least, family := p.mtu(outer); mtu < least {
			what := fmt.Sprintf("%d SIDs", sids(path.Links))
			if p.Encryption != pathspec.NoEncryption {
				what += " and WireGuard"
			}
			return fmt.Sprintf("%s leave %d bytes for a packet, %s needs %d: raise the MTU of the links, or ask for fewer hops", what, mtu, family, least)
		}
	}
	return ""
}

// Split says why the paths of a set could not all be told by BGP to one of their ends; ""
// nothing.
func (in *Input) Split(paths []pathspec.Path) string {
	tails := map[string]string{}
	for _, path := range paths {
		for _, ends := range [][2]string{{path.Nodes[0], path.Nodes[len(path.Nodes)-1]}, {path.Nodes[len(path.Nodes)-1], path.Nodes[0]}} {
			if in.named(ends[0]).Steering != topology.ByBGP {
				continue
			}
			if other := cmp.Or(tails[ends[0]], ends[1]); other != ends[1] {
				return fmt.Sprintf("node %s is told its paths by BGP: %s", ends[0], split([]string{other, ends[1]}))
			}
			tails[ends[0]] = ends[1]
		}
	}
	return ""
}

func split(tails []string) string {
	return fmt.Sprintf("its paths end at %s and %s, and a colored route has one next hop: let it end at one node", tails[0], tails[1])
}

// Unsayable says why a path that Obstacle has nothing against could not be told by BGP to
// those of its ends that are told so; "" nothing.
func (in *Input) Unsayable(path pathspec.Path) string {
	for _, way := range []pathspec.Path{path, Reversed(path)} {
		if in.named(way.Nodes[0]).Steering != topology.ByBGP {
			continue
		}
		if _, why := in.steer(way); why != "" {
			return why
		}
		if _, why := in.endpoint(way.Nodes[len(way.Nodes)-1]); why != "" {
			return why
		}
	}
	return ""
}

// unplugged says why nothing can be installed on an entry: an agent must know
// its interface, and the address of a router beside it. "" nothing.
func (in *Input) unplugged(e int) string {
	for _, n := range []int{in.Topology.Entries[e].A, in.Topology.Entries[e].B} {
		if why := in.unpluggedAt(n, e); why != "" {
			return why
		}
	}
	return ""
}

// beginsAt reports whether node n, with an agent, can have its end of entry e.
func (in *Input) beginsAt(n, e int) bool { return in.unpluggedAt(n, e) == "" }

func (in *Input) unpluggedAt(n, e int) string {
	entry := &in.Topology.Entries[e]
	if in.Topology.Nodes[n].NoAgent {
		return ""
	}
	m := entry.A + entry.B - n
	peer := &in.Topology.Nodes[m]
	switch {
	case entry.Interface(n) == "":
		return fmt.Sprintf("link %s names no interfaces: give it `interfaces: {a: ..., b: ...}`", entry.Name)
	case !peer.NoAgent:
		return ""
	}
	switch address := in.address(m, e); {
	case !address.IsValid():
		return fmt.Sprintf("the IPv6 address of router %s on link %s is neither declared nor learned: give the link `addresses: {a: ..., b: ...}`", peer.Name, entry.Name)
	case in.foreign().beside[plug{n, address}] > 1:
		return fmt.Sprintf("node %s has several links to a router with the address %v: give each its own `addresses`", in.Topology.Nodes[n].Name, address)
	default:
		return in.unfit(peer.Name, "address", address)
	}
}

// unlearned says what is not known of the routers on a path, or contradicts
// itself; "" nothing.
func (in *Input) unlearned(p *Policy, path pathspec.Path) string {
	for _, name := range path.Nodes {
		if router := in.named(name); router.NoAgent && router.Locator.IsValid() {
			if why := in.unfit(name, "locator", router.Locator.Addr()); why != "" {
				return why
			}
		}
	}
	list, why := in.Segments(path)
	if why != "" {
		return why
	}
	if in.named(path.Nodes[0]).Steering == topology.ByBGP {
		if begun, why := in.steer(path); why == "" { // else see Unsayable
			list = begun
		}
	}
	head, _ := in.Topology.Node(path.Nodes[0])
	told := in.path(path)
	for _, sid := range append(addresses(list), told.Decap.IPv4, told.Decap.IPv6) {
		for _, s := range p.Traffic {
			if s.To.Contains(sid) && s.From.Overlaps(in.locator(head)) {
				return fmt.Sprintf("traffic from %v to %v takes in SID %v of the path: SRv6 packets themselves would be steered", s.From, s.To, sid)
			}
		}
	}
	for _, sid := range in.firstSIDs(path, &told) {
		if in.foreign().beside[plug{head, sid}] > 0 {
			return fmt.Sprintf("SID %v is the address of a router beside node %s as well", sid, path.Nodes[0])
		}
	}
	tail := path.Nodes[len(path.Nodes)-1]
	for _, s := range p.Traffic { // both directions are of one family
		if _, why := in.Decapsulation(tail, s.To.Addr().Is4()); why != "" {
			return why
		}
	}
	_, why4 := in.Decapsulation(tail, true)
	_, why6 := in.Decapsulation(tail, false)
	if why4 != "" && why6 != "" {
		return why6
	}
	return ""
}

// sids counts the SIDs of a path, at most: one a link, and the one that
// decapsulates.
func sids(links []string) int { return len(links) + 1 }

// pathMTU is what is left of the narrowest link for a packet inside
// H.Encaps.Red: an IPv6 header and, as the first SID stands in the destination
// address (RFC 8986 section 5.2), one SID less in the SRH. 0 where a link's
// MTU is not known; of links between routers without an agent it never is, and
// they are taken to be no narrower.
func (in *Input) pathMTU(links []string) int {
	const ipv6Header, srhHeader, sid, maxPacket = 40, 8, 16, 65000
	least := 0
	for _, link := range links {
		mtu := in.MTU[link]
		if mtu == 0 && in.routersOnly(link) {
			continue
		}
		if mtu == 0 {
			return 0
		}
		if least == 0 || mtu < least {
			least = mtu
		}
	}
	if least == 0 {
		return 0
	}
	// A route of Linux takes no greater MTU than an IPv6 packet can be long.
	return min(least, maxPacket) - ipv6Header - srhHeader - sid*(sids(links)-1)
}

// routersOnly reports whether neither end of a link has an agent.
func (in *Input) routersOnly(link string) bool {
	e, ok := in.Topology.Entry(link)
	return ok && in.Topology.Nodes[in.Topology.Entries[e].A].NoAgent && in.Topology.Nodes[in.Topology.Entries[e].B].NoAgent
}
