package ls

import (
	"encoding/binary"
	"net/netip"
	"testing"
)

// The feed that a controller of 1,000 nodes begins with: each with its node
// and its 7 links, and all that can be said of them.
const feedNodes, feedLinks = 1000, 7000

type message struct {
	of               NLRIType
	nlris, attribute []byte
}

func feed(b *testing.B) (messages []message, octets int) {
	router := func(i int) NodeDescriptor {
		id, _ := NewIGPRouterID(binary.BigEndian.AppendUint64(nil, uint64(i))[2:])
		return NodeDescriptor{AutonomousSystem: Some[uint32](65000), BGPLSIdentifier: Some[uint32](0), IGPRouterID: id}
	}
	addr := func(i int) netip.Addr {
		return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, 10<<24|uint32(i))))
	}
	sid := func(node, function int) netip.Addr {
		a := [16]byte{0x5f}
		binary.BigEndian.PutUint16(a[4:], uint16(node))
		binary.BigEndian.PutUint16(a[6:], uint16(function))
		return netip.AddrFrom16(a)
	}
	add := func(n NLRI, a Attribute) {
		nlris, err := AppendNLRI(nil, n)
		if err != nil {
			b.Fatal(err)
		}
		attribute, err := AppendAttribute(nil, a)
		if err != nil {
			b.Fatal(err)
		}
		messages = append(messages, message{n.Type(), nlris, attribute})
		octets += len(nlris) + len(attribute)
	}
	origin := Origin{Protocol: ISISLevel2}
	structure := Some(SIDStructure{32, 16, 16, 0})
	for i := range feedNodes {
		add(Node{Origin: origin, Local: router(i)}, &NodeAttribute{
			Topologies: []MultiTopologyID{0, 2}, Flags: Some(NodeFlags(0)), Name: "router.example.net",
			MSDs:  []MSD{{41, 10}, {42, 10}, {44, 10}, {45, 10}},
			Areas: [][]byte{{0x49, 0, 1}}, IPv4RouterIDs: []netip.Addr{addr(i)}, IPv6RouterIDs: []netip.Addr{sid(i, 1)},
			SRAlgorithms: []uint8{0, 1, 128}, SRv6Capabilities: Some(SRv6Capabilities(0)),
			FlexAlgorithms: []FlexAlgorithmDefinition{{Algorithm: 128, MetricType: MetricMinDelay, Priority: 128, ExcludeAny: []uint32{1}}},
		})
	}
	for i := range feedLinks {
		from, to := i%feedNodes, (i*7+1)%feedNodes
		te := TEAttributes{
			AdminGroup: Some[uint32](3), TEDefaultMetric: Some[uint32](10), SRLGs: []uint32{uint32(i), 7, 9},
			Delay: Some(Delay{2600, false}), MinMaxDelay: Some(MinMaxDelay{2500, 2700, false}),
			DelayVariation: Some[Microseconds](20), Loss: Some(LinkLoss{3, false}),
			ResidualBandwidth: Some[BitsPerSecond](9e9), AvailableBandwidth: Some[BitsPerSecond](8e9), UtilizedBandwidth: Some[BitsPerSecond](1e9),
			ExtendedAdminGroup: []uint32{3, 0},
		}
		add(Link{Origin: origin, Local: router(from), Remote: router(to), LinkDescriptor: LinkDescriptor{
			IPv4Interface: addr(2 * i), IPv4Neighbor: addr(2*i + 1), IPv6Interface: sid(from, i), IPv6Neighbor: sid(to, i),
		}}, &LinkAttribute{
			Identifiers: Some(LinkIdentifiers{uint32(i), 0}), MSDs: []MSD{{41, 10}},
			LocalIPv4RouterIDs: []netip.Addr{addr(from)}, RemoteIPv4RouterIDs: []netip.Addr{addr(to)},
			LocalIPv6RouterIDs: []netip.Addr{sid(from, 1)}, RemoteIPv6RouterIDs: []netip.Addr{sid(to, 1)},
			MaxBandwidth: Some[BitsPerSecond](10e9), ReservableBandwidth: Some[BitsPerSecond](10e9),
			UnreservedBandwidth: Some([8]BitsPerSecond{10e9, 10e9, 10e9, 10e9, 10e9, 10e9, 10e9, 10e9}),
			IGPMetric:           Some(IGPMetric{10, 3}), Name: "to router.example.net", TEAttributes: te,
			EndX: []EndX{
				{BehaviorEndX, Backup, 0, 0, sid(from, 100+i), structure, nil},
				{BehaviorEndX, 0, 0, 0, sid(from, 200+i), structure, nil},
				{BehaviorUA, 0, 128, 0, sid(from, 300+i), structure, nil},
			},
			Applications: []ApplicationAttributes{{Standard: ApplicationMask{1 << 60, 4}, TEAttributes: te}},
			Raw:          []TLV{{1099, []byte{0x30, 0, 0, 0, 4, 0x93, 0x10}}},
		})
	}
	return messages, octets
}

func BenchmarkDecodeFeed(b *testing.B) {
	messages, octets := feed(b)
	b.SetBytes(int64(octets))
	b.ReportAllocs()
	for b.Loop() {
		rib := make(map[NLRI]Attribute, len(messages))
		for _, m := range messages {
			routes, faults := DecodeNLRIs(m.nlris, Family{})
			a, more := DecodeAttribute(m.attribute, m.of)
			if len(routes) != 1 || len(faults)+len(more) > 0 {
				b.Fatal(faults, more)
			}
			rib[routes[0].NLRI] = a
		}
		if len(rib) != len(messages) {
			b.Fatalf("%d objects of %d", len(rib), len(messages))
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(messages)), "ns/object")
}

func BenchmarkDecode(b *testing.B) {
	messages, _ := feed(b)
	for name, m := range map[string]message{"node": messages[0], "link": messages[feedNodes]} {
		b.Run(name+"/NLRI", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				DecodeNLRIs(m.nlris, Family{})
			}
		})
		b.Run(name+"/attribute", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				DecodeAttribute(m.attribute, m.of)
			}
		})
	}
}

func BenchmarkEncodeFeed(b *testing.B) {
	messages, octets := feed(b)
	type object struct {
		nlri NLRI
		a    Attribute
	}
	var objects []object
	for _, m := range messages {
		routes, _ := DecodeNLRIs(m.nlris, Family{})
		a, _ := DecodeAttribute(m.attribute, m.of)
		objects = append(objects, object{routes[0].NLRI, a})
	}
	b.SetBytes(int64(octets))
	b.ReportAllocs()
	buffer := make([]byte, 0, 4096)
	for b.Loop() {
		for _, o := range objects {
			out, err := AppendNLRI(buffer, o.nlri)
			if err != nil {
				b.Fatal(err)
			}
			if _, err = AppendAttribute(out, o.a); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(objects)), "ns/object")
}
