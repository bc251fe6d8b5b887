package lsdbtest

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/keiro-net/keiro/bgp/ls"
)

// Object is what a peer says of one object.
type Object struct {
	NLRI      ls.NLRI
	Attribute ls.Attribute
}

// Feed is what a speaker says of a network of so many nodes and half-links, with
// all that can be said of them. The links of two are always parallel.
func Feed(nodes, links int) (out []Object) {
	origin := ls.Origin{Protocol: ls.ISISLevel2}
	router := func(i int) ls.NodeDescriptor {
		id, _ := ls.NewIGPRouterID(binary.BigEndian.AppendUint64(nil, uint64(i+1))[2:])
		return ls.NodeDescriptor{AutonomousSystem: ls.Some[uint32](65000), IGPRouterID: id}
	}
	v4 := func(i int) netip.Addr {
		return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, 10<<24+uint32(i)+1)))
	}
	v6 := func(node, function int) netip.Addr {
		a := [16]byte{0x5f}
		binary.BigEndian.PutUint16(a[4:], uint16(node))
		binary.BigEndian.PutUint32(a[6:], uint32(function))
		return netip.AddrFrom16(a)
	}
	structure := ls.Some(ls.SIDStructure{LocatorBlock: 32, LocatorNode: 16, Function: 16})
	for i := range nodes {
		out = append(out, Object{ls.Node{Origin: origin, Local: router(i)}, &ls.NodeAttribute{
			Topologies: []ls.MultiTopologyID{0, 2}, Flags: ls.Some(ls.NodeFlags(0)), Name: fmt.Sprintf("router%d.example.net", i),
			MSDs:  []ls.MSD{{Type: ls.MSDMaxHEncaps, Value: 10}, {Type: ls.MSDMaxEndD, Value: 10}},
			Areas: [][]byte{{0x49, 0, 1}}, IPv4RouterIDs: []netip.Addr{v4(1<<20 + i)}, IPv6RouterIDs: []netip.Addr{v6(i, 1)},
			SRAlgorithms: []uint8{0, 1, 128}, SRv6Capabilities: ls.Some(ls.SRv6Capabilities(0)),
		}}, Object{
			ls.Prefix{Origin: origin, Local: router(i), PrefixDescriptor: ls.PrefixDescriptor{Prefix: netip.PrefixFrom(v6(i, 0), 48)}},
			&ls.PrefixAttribute{Locator: ls.Some(ls.SRv6Locator{})},
		}, Object{
			ls.SRv6SID{Origin: origin, Local: router(i), SRv6SIDDescriptor: ls.SRv6SIDDescriptor{SID: v6(i, 0xd6)}},
			&ls.SRv6SIDAttribute{EndpointBehavior: ls.Some(ls.EndpointBehavior{Behavior: ls.BehaviorEndDT6})},
		})
	}
	for i := range links {
		l := i / 2
		a, b := l%nodes, (l*7+1)%nodes
		if a == b {
			b = (b + 1) % nodes
		}
		near, far := 2*l, 2*l+1 // interfaces
		if i%2 == 1 {
			a, b, near, far = b, a, far, near
		}
		te := ls.TEAttributes{
			AdminGroup: ls.Some[uint32](3), TEDefaultMetric: ls.Some[uint32](10), SRLGs: []uint32{uint32(l), 7, 9},
			Delay: ls.Some(ls.Delay{Delay: 2600}), MinMaxDelay: ls.Some(ls.MinMaxDelay{Min: 2500, Max: 2700}),
			DelayVariation: ls.Some[ls.Microseconds](20), Loss: ls.Some(ls.LinkLoss{Loss: 3}),
			ResidualBandwidth: ls.Some[ls.BitsPerSecond](9e9), AvailableBandwidth: ls.Some[ls.BitsPerSecond](8e9), UtilizedBandwidth: ls.Some[ls.BitsPerSecond](1e9),
			ExtendedAdminGroup: []uint32{3, 0},
		}
		out = append(out, Object{ls.Link{Origin: origin, Local: router(a), Remote: router(b), LinkDescriptor: ls.LinkDescriptor{
			IPv4Interface: v4(near), IPv4Neighbor: v4(far), IPv6Interface: v6(a, 1000+near), IPv6Neighbor: v6(b, 1000+far),
		}}, &ls.LinkAttribute{
			Identifiers: ls.Some(ls.LinkIdentifiers{Local: uint32(near + 1)}), MSDs: []ls.MSD{{Type: 41, Value: 10}},
			LocalIPv4RouterIDs: []netip.Addr{v4(1<<20 + a)}, RemoteIPv4RouterIDs: []netip.Addr{v4(1<<20 + b)},
			MaxBandwidth: ls.Some[ls.BitsPerSecond](10e9), ReservableBandwidth: ls.Some[ls.BitsPerSecond](10e9),
			UnreservedBandwidth: ls.Some([8]ls.BitsPerSecond{10e9, 10e9, 10e9, 10e9, 10e9, 10e9, 10e9, 10e9}),
			IGPMetric:           ls.Some(ls.IGPMetric{Metric: 10, Octets: 3}), TEAttributes: te,
			EndX: []ls.EndX{
				{Behavior: ls.BehaviorEndX, Flags: ls.Backup, SID: v6(a, 1<<21+near), Structure: structure},
				{Behavior: ls.BehaviorEndX, SID: v6(a, 1<<22+near), Structure: structure},
			},
			Applications: []ls.ApplicationAttributes{{Standard: ls.ApplicationMask{Bits: 1 << 62, Octets: 4}, TEAttributes: te}},
			Raw:          []ls.TLV{{Type: 1099, Value: []byte{0x30, 0, 0, 0, 4, 0x93, 0x10}}},
		}})
	}
	return out
}
