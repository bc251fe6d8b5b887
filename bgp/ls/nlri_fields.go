package ls

import (
	"encoding/binary"
	"net/netip"
)

// What the NLRIs are made of, TLV by TLV.

var nodeDescriptorFields = table([]field[NodeDescriptor]{
	one(512, uint32s, func(n *NodeDescriptor) *Opt[uint32] { return &n.AutonomousSystem }),
	one(513, uint32s, func(n *NodeDescriptor) *Opt[uint32] { return &n.BGPLSIdentifier }),
	one(514, uint32s, func(n *NodeDescriptor) *Opt[uint32] { return &n.OSPFAreaID }),
	plain(515, routerID, func(n *NodeDescriptor) *IGPRouterID { return &n.IGPRouterID }),
	one(516, uint32s, func(n *NodeDescriptor) *Opt[uint32] { return &n.BGPRouterID }),
	one(517, uint32s, func(n *NodeDescriptor) *Opt[uint32] { return &n.Confederation }),
})

var routerID = codec[IGPRouterID]{
	func(_ *decoder, v []byte, _ int) (IGPRouterID, reason) {
		id, ok := NewIGPRouterID(v)
		if !ok {
			return id, wrongSize(len(v), "4, 6, 7, 8 or 16")
		}
		return id, ""
	},
	func(b []byte, id IGPRouterID) []byte { return append(b, id.octets[:id.length]...) },
}

// nodeDescriptor is the value of TLVs 256 and 257 (RFC 9552 sections 5.2.1.2
// and 5.2.1.3).
var nodeDescriptor = codec[NodeDescriptor]{
	func(d *decoder, v []byte, at int) (n NodeDescriptor, why reason) {
		unknown, ok := readOrdered(d, &n, nodeDescriptorFields, v, at)
		if !ok {
			return n, reported
		}
		if n.Unknown = unknown; n == (NodeDescriptor{}) {
			return n, "describes no node"
		}
		return n, ""
	},
	func(b []byte, n NodeDescriptor) []byte {
		return appendOrdered(b, &n, nodeDescriptorFields, n.Unknown)
	},
}

// Multi-topology ID in an NLRI: one (RFC 9552 section 5.2.2.1).
var multiTopology = sized(2, "2",
	func(v []byte) (MultiTopologyID, reason) { return MultiTopologyID(binary.BigEndian.Uint16(v)), "" },
	func(b []byte, m MultiTopologyID) []byte { return binary.BigEndian.AppendUint16(b, uint16(m)) })

var linkIdentifiers = sized(8, "8",
	func(v []byte) (LinkIdentifiers, reason) {
		return LinkIdentifiers{binary.BigEndian.Uint32(v), binary.BigEndian.Uint32(v[4:])}, ""
	},
	func(b []byte, i LinkIdentifiers) []byte {
		return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, i.Local), i.Remote)
	})

// reachability is the value of TLV 265 (RFC 9552 section 5.2.3.2): a length in
// bits and as many octets as it takes, the bits beyond the length zero. Another
// spelling of the same prefix would be another key, so it is refused.
func reachability(family int) codec[netip.Prefix] {
	return codec[netip.Prefix]{
		func(_ *decoder, v []byte, _ int) (netip.Prefix, reason) {
			if len(v) == 0 || int(v[0]) > 8*family || len(v) != 1+(int(v[0])+7)/8 {
				return netip.Prefix{}, "is not a prefix of its family in as few octets as it takes"
			}
			var a [16]byte
			copy(a[:], v[1:])
			addr := netip.AddrFrom16(a)
			if family == 4 {
				addr = netip.AddrFrom4([4]byte(a[:4]))
			}
			p := netip.PrefixFrom(addr, int(v[0]))
			if p != p.Masked() {
				return p, "is a prefix with bits set beyond its length"
			}
			return p, ""
		},
		func(b []byte, p netip.Prefix) []byte {
			b = append(b, byte(p.Bits()))
			return append(b, p.Addr().AsSlice()[:(p.Bits()+7)/8]...)
		},
	}
}

var nodeFields = table([]field[Node]{
	plain(256, nodeDescriptor, func(n *Node) *NodeDescriptor { return &n.Local }),
})

var linkNLRIFields = table([]field[Link]{
	plain(256, nodeDescriptor, func(l *Link) *NodeDescriptor { return &l.Local }),
	plain(257, nodeDescriptor, func(l *Link) *NodeDescriptor { return &l.Remote }),
	one(258, linkIdentifiers, func(l *Link) *Opt[LinkIdentifiers] { return &l.Identifiers }),
	least(plain(259, ipv4, func(l *Link) *netip.Addr { return &l.IPv4Interface })),
	least(plain(260, ipv4, func(l *Link) *netip.Addr { return &l.IPv4Neighbor })),
	least(plain(261, ipv6, func(l *Link) *netip.Addr { return &l.IPv6Interface })),
	least(plain(262, ipv6, func(l *Link) *netip.Addr { return &l.IPv6Neighbor })),
	one(263, multiTopology, func(l *Link) *Opt[MultiTopologyID] { return &l.MultiTopology }),
})

// least is a field of which an NLRI may have several: those after the first are
// kept as unknown, which takes nothing from the key.
func least[T any](f field[T]) field[T] {
	get := f.get
	f.get = func(d *decoder, o *T, v []byte, at int) reason {
		why := get(d, o, v, at)
		if why == repeated {
			return unknownHere
		}
		return why
	}
	return f
}

func prefixNLRIFields(family int) []field[Prefix] {
	return table([]field[Prefix]{
		plain(256, nodeDescriptor, func(p *Prefix) *NodeDescriptor { return &p.Local }),
		one(263, multiTopology, func(p *Prefix) *Opt[MultiTopologyID] { return &p.MultiTopology }),
		one(264, octet[OSPFRouteType](), func(p *Prefix) *Opt[OSPFRouteType] { return &p.OSPFRouteType }),
		plain(265, reachability(family), func(p *Prefix) *netip.Prefix { return &p.Prefix }),
	})
}

var (
	ipv4PrefixFields = prefixNLRIFields(4)
	ipv6PrefixFields = prefixNLRIFields(16)
)

var srv6SIDNLRIFields = table([]field[SRv6SID]{
	plain(256, nodeDescriptor, func(s *SRv6SID) *NodeDescriptor { return &s.Local }),
	one(263, multiTopology, func(s *SRv6SID) *Opt[MultiTopologyID] { return &s.MultiTopology }),
	plain(518, ipv6, func(s *SRv6SID) *netip.Addr { return &s.SID }),
})
