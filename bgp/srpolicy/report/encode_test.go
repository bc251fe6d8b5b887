package report_test

import (
	"encoding/binary"
	"net/netip"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/srpolicy"
	"github.com/keiro-net/keiro/bgp/srpolicy/report"
)

// A headend for the tests: what it says of a path, in octets, by RFC 9857 sections 3
// to 5.

func tlv(b []byte, of uint16, value ...[]byte) []byte {
	start := len(b)
	b = append(binary.BigEndian.AppendUint16(b, of), 0, 0)
	for _, v := range value {
		b = append(b, v...)
	}
	binary.BigEndian.PutUint16(b[start+2:], uint16(len(b)-start-4))
	return b
}

func word(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }

func half(v uint16) []byte { return binary.BigEndian.AppendUint16(nil, v) }

func writeNLRI(s report.State) []byte {
	node, err := ls.AppendNLRI(nil, ls.Node{Origin: s.Origin, Local: s.Headend})
	if err != nil {
		panic(err)
	}
	flags := byte(0)
	if s.Endpoint.Is6() {
		flags |= 0x80
	}
	if s.Originator.Is6() {
		flags |= 0x40
	}
	body := tlv(node[4:], 554, []byte{byte(s.ProtocolOrigin), flags, 0, 0}, s.Endpoint.AsSlice(), word(s.Color),
		word(s.OriginatorAS), s.Originator.AsSlice(), word(s.Distinguisher))
	return tlv(nil, uint16(report.CandidatePathType), body)
}

func writeAttribute(s report.State) (b []byte) {
	if v, ok := s.Status.Get(); ok {
		b = tlv(b, 1202, []byte{v.Priority, 0}, half(uint16(v.Flags)), word(v.Preference))
	}
	if s.Name != "" {
		b = tlv(b, 1203, []byte(s.Name))
	}
	for _, l := range s.SegmentLists {
		var subs []byte
		for _, g := range l.Segments {
			sid, described := make([]byte, 16), map[uint8]int{2: 1, 9: 17, 10: 40, 11: 32}[g.Type]
			if g.SID.IsValid() {
				sid = g.SID.AsSlice()
			}
			if described == 0 {
				sid = sid[:4] // a label, which is not read
			}
			subs = tlv(subs, 1206, []byte{g.Type, 0}, half(uint16(g.Flags)), sid, make([]byte, described), writeEndpoint(g.Endpoint))
		}
		for _, r := range l.Raw {
			subs = tlv(subs, r.Type, r.Value)
		}
		b = tlv(b, 1205, half(uint16(l.Flags)), []byte{0, 0}, half(l.MultiTopology), []byte{l.Algorithm, 0}, word(l.Weight), subs)
	}
	for _, n := range s.BindingSIDs {
		flags := uint16(0)
		for i, set := range []bool{n.Allocated, n.Unavailable, n.Fallback} {
			if set {
				flags |= 0x8000 >> i
			}
		}
		b = tlv(b, 1212, half(flags), []byte{0, 0}, n.SID.AsSlice(), n.Specified.AsSlice(), writeEndpoint(n.Endpoint))
	}
	if s.PolicyName != "" {
		b = tlv(b, 1213, []byte(s.PolicyName))
	}
	for _, r := range s.Raw {
		b = tlv(b, r.Type, r.Value)
	}
	return b
}

func writeEndpoint(e report.Endpoint) (b []byte) {
	if v, ok := e.Behavior.Get(); ok {
		b = tlv(b, 1250, half(v), []byte{0, 0})
	}
	if v, ok := e.Structure.Get(); ok {
		b = tlv(b, 1252, []byte{v.LocatorBlock, v.LocatorNode, v.Function, v.Argument})
	}
	return b
}

func opt[V any](t *rapid.T, g *rapid.Generator[V]) ls.Opt[V] {
	if !rapid.Bool().Draw(t, "") {
		return ls.Opt[V]{}
	}
	return ls.Some(g.Draw(t, ""))
}

func some[V any](t *rapid.T, n int, g *rapid.Generator[V]) []V {
	s := rapid.SliceOfN(g, 0, n).Draw(t, "")
	if len(s) == 0 {
		return nil
	}
	return s
}

var (
	v4        = rapid.Map(rapid.SliceOfN(rapid.Byte(), 4, 4), func(b []byte) netip.Addr { return netip.AddrFrom4([4]byte(b)) })
	v6        = rapid.Map(rapid.SliceOfN(rapid.Byte(), 16, 16), func(b []byte) netip.Addr { return netip.AddrFrom16([16]byte(b)) })
	names     = rapid.StringMatching("[a-z0-9 ]{0,20}")
	endpoints = rapid.Custom(func(t *rapid.T) report.Endpoint {
		return report.Endpoint{Behavior: opt(t, rapid.Uint16()), Structure: opt(t, rapid.Map(rapid.SliceOfN(rapid.Byte(), 4, 4), func(b []byte) ls.SIDStructure {
			return ls.SIDStructure{LocatorBlock: b[0], LocatorNode: b[1], Function: b[2], Argument: b[3]}
		}))}
	})
	segments = rapid.Custom(func(t *rapid.T) report.Segment {
		s := report.Segment{Type: rapid.ByteRange(1, 12).Draw(t, ""), Flags: report.SegmentFlags(rapid.Uint16().Draw(t, ""))}
		switch s.Type {
		case 2, 9, 10, 11:
			if s.Flags&report.SegmentSID != 0 {
				s.SID = v6.Draw(t, "")
			}
			s.Endpoint = endpoints.Draw(t, "")
		}
		return s
	})
)

func raw(t *rapid.T, of uint16) []ls.TLV {
	return some(t, 2, rapid.Custom(func(t *rapid.T) ls.TLV {
		return ls.TLV{Type: of, Value: append([]byte(nil), rapid.SliceOfN(rapid.Byte(), 1, 9).Draw(t, "")...)}
	}))
}

var states = rapid.Custom(func(t *rapid.T) report.State {
	return report.State{
		NLRI:           srpolicy.NLRI{Distinguisher: rapid.Uint32().Draw(t, ""), Color: rapid.Uint32().Draw(t, ""), Endpoint: rapid.OneOf(v4, v6).Draw(t, "")},
		Origin:         ls.Origin{Protocol: 9, Identifier: rapid.Uint64().Draw(t, "")},
		Headend:        ls.NodeDescriptor{AutonomousSystem: ls.Some(rapid.Uint32().Draw(t, "")), BGPRouterID: opt(t, rapid.Uint32())},
		ProtocolOrigin: report.ProtocolOrigin(rapid.Byte().Draw(t, "")),
		OriginatorAS:   rapid.Uint32().Draw(t, ""), Originator: rapid.OneOf(v4, v6).Draw(t, ""),
		Status: opt(t, rapid.Custom(func(t *rapid.T) report.Status {
			return report.Status{Priority: rapid.Byte().Draw(t, ""), Flags: report.StatusFlags(rapid.Uint16().Draw(t, "")), Preference: rapid.Uint32().Draw(t, "")}
		})),
		BindingSIDs: some(t, 2, rapid.Custom(func(t *rapid.T) report.BindingSID {
			return report.BindingSID{Allocated: rapid.Bool().Draw(t, ""), Unavailable: rapid.Bool().Draw(t, ""), Fallback: rapid.Bool().Draw(t, ""),
				SID: v6.Draw(t, ""), Specified: v6.Draw(t, ""), Endpoint: endpoints.Draw(t, "")}
		})),
		SegmentLists: some(t, 3, rapid.Custom(func(t *rapid.T) report.SegmentList {
			return report.SegmentList{Flags: report.ListFlags(rapid.Uint16().Draw(t, "")), MultiTopology: rapid.Uint16().Draw(t, ""),
				Algorithm: rapid.Byte().Draw(t, ""), Weight: rapid.Uint32().Draw(t, ""), Segments: some(t, 4, segments), Raw: raw(t, 1207)}
		})),
		Name: names.Draw(t, ""), PolicyName: names.Draw(t, ""), Raw: raw(t, 1300),
	}
})

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := states.Draw(t, "state")
		nlri, attribute := writeNLRI(want), writeAttribute(want)
		got, faults, ok := decode(t, nlri, attribute)
		if !ok || len(faults) > 0 || !reflect.DeepEqual(got, want) {
			t.Fatalf("%x %x\ngot %v\n%s\nwant\n%s", nlri, attribute, faults, dump(got), dump(want))
		}
	})
}
