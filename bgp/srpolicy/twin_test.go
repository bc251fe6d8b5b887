package srpolicy_test

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"reflect"
	"testing"

	"github.com/osrg/gobgp/v4/pkg/packet/bgp"
	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/bgp/route"
	"github.com/keiro-net/keiro/bgp/srpolicy"
)

// What gobgp does not know is not drawn for it: other segments than A and B end its
// session, sub-TLV 130 it keeps, and of sub-TLV 20 its encoder zeroes two octets and
// its decoder is never asked. A tunnel of no sub-TLVs it does not see.

// twins are tunnels that gobgp knows too.
var twins = rapid.Custom(func(t *rapid.T) srpolicy.Tunnel {
	p := tunnels.Draw(t, "")
	p.SRv6BindingSIDs, p.Others, p.PolicyName = nil, nil, ""
	for i := range p.SegmentLists {
		for j, s := range p.SegmentLists[i].Segments {
			if s.Other.Type != 0 {
				p.SegmentLists[i].Segments[j] = srpolicy.Segment{SID: v6.Draw(t, "")}
			}
		}
	}
	if dump(p) == "" {
		p.Priority = ls.Some[uint8](1)
	}
	return p
})

// TestGobgpReadsOurs: the whole message, as a peer would get it.
func TestGobgpReadsOurs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := srpolicy.Route{CandidatePath: srpolicy.CandidatePath{NLRI: nlris.Draw(t, "NLRI"), Tunnel: twins.Draw(t, "tunnel")},
			Direct: rapid.Bool().Draw(t, "direct"), NextHop: rapid.OneOf(v4, v6).Draw(t, "next hop"),
			Headends: []netip.Addr{netip.MustParseAddr("192.0.2.7")}}
		s := route.Session{LocalAS: rapid.Uint32().Draw(t, "as"), External: rapid.Bool().Draw(t, "external"), Extended: true}
		u, err := r.Announce(s)
		if err != nil {
			t.Fatal(err)
		}
		m := gobgpReads(t, u)
		for _, a := range m.PathAttributes {
			switch a := a.(type) {
			case *bgp.PathAttributeMpReachNLRI:
				n := a.Value[0].NLRI.(*bgp.SRPolicyNLRI)
				got, _ := netip.AddrFromSlice(n.Endpoint)
				if (srpolicy.NLRI{Distinguisher: n.Distinguisher, Color: n.Color, Endpoint: got}) != r.NLRI {
					t.Fatalf("NLRI %v, want %v", n, r.NLRI)
				}
			case *bgp.PathAttributeExtendedCommunities:
				if got := a.Value[0].String(); len(a.Value) != 1 || got != "192.0.2.7:0" {
					t.Fatalf("extended communities %v", got)
				}
			case *bgp.PathAttributeCommunities:
				if !r.Direct || len(a.Value) != 1 || a.Value[0] != uint32(bgp.COMMUNITY_NO_ADVERTISE) {
					t.Fatalf("communities %v", a.Value)
				}
			case *bgp.PathAttributeTunnelEncap:
				if got := fromGobgp(t, a.Value); dump(got) != dump(r.Tunnel) {
					t.Fatalf("%+v is read by gobgp as\n%s\nwant\n%s", u, dump(got), dump(r.Tunnel))
				}
			}
		}
		if want := 6; len(m.PathAttributes) < want-1 || r.Direct && len(m.PathAttributes) < want {
			t.Fatalf("%d attributes", len(m.PathAttributes))
		}
	})
}

// TestWeReadGobgp: what it writes, attribute by attribute.
func TestWeReadGobgp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := twins.Draw(t, "tunnel")
		b, err := bgp.NewPathAttributeTunnelEncap([]*bgp.TunnelEncapTLV{toGobgp(want)}).Serialize()
		if err != nil {
			t.Fatal(err)
		}
		u, _, err := message.ParseUpdate(append([]byte{0, 0, byte(len(b) >> 8), byte(len(b))}, b...), true)
		if err != nil {
			t.Fatal(err)
		}
		v := route.Read(&u).Tunnel
		got, fault := srpolicy.ParseTunnel(v)
		if fault != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%x\ngot %v\n%s\nwant\n%s", v, fault, dump(got), dump(want))
		}
	})
}

// TestGobgpReadsWithdrawals: and the marker that nothing more comes.
func TestGobgpReadsWithdrawals(t *testing.T) {
	n := srpolicy.NLRI{Distinguisher: 1, Color: 2, Endpoint: netip.MustParseAddr("2001:db8::1")}
	unreach := gobgpReads(t, srpolicy.Withdraw(n)).PathAttributes[0].(*bgp.PathAttributeMpUnreachNLRI)
	got := unreach.Value[0].NLRI.(*bgp.SRPolicyNLRI)
	if unreach.SAFI != bgp.SAFI_SRPOLICY || got.Distinguisher != 1 || got.Color != 2 || !bytes.Equal(got.Endpoint, n.Endpoint.AsSlice()) {
		t.Errorf("%v", unreach)
	}
	if eor, f := gobgpReads(t, message.EndOfRIB(message.IPv6SRPolicy)).IsEndOfRib(); !eor || f != bgp.RF_SR_POLICY_IPv6 {
		t.Errorf("End-of-RIB: %v, of %v", eor, f)
	}
}

func gobgpReads(t interface{ Fatalf(string, ...any) }, u message.Update) *bgp.BGPUpdate {
	b, err := message.AppendUpdate(nil, u, message.MaxExtended)
	if err != nil {
		t.Fatalf("%v", err)
	}
	m, err := bgp.ParseBGPMessage(b)
	if err != nil {
		t.Fatalf("gobgp refuses %x: %v", b, err)
	}
	return m.Body.(*bgp.BGPUpdate)
}

func fromGobgp(t *rapid.T, tlvs []*bgp.TunnelEncapTLV) (p srpolicy.Tunnel) {
	if len(tlvs) != 1 || tlvs[0].Type != bgp.TUNNEL_TYPE_SR_POLICY {
		t.Fatalf("tunnels %v", tlvs)
	}
	for _, s := range tlvs[0].Value {
		switch s := s.(type) {
		case *bgp.TunnelEncapSubTLVSRPreference:
			p.Preference = ls.Some(s.Preference)
		case *bgp.TunnelEncapSubTLVSRBSID:
			b := srpolicy.BindingSID{BindingSIDFlags: srpolicy.BindingSIDFlags{SpecifiedOnly: s.Flags&0x80 != 0, DropUponInvalid: s.Flags&0x40 != 0}}
			switch v := s.BSID.Value; len(v) {
			case 4:
				b.Label = ls.Some(binary.BigEndian.Uint32(v) >> 12)
			case 16:
				b.SID = netip.AddrFrom16([16]byte(v))
			}
			p.BindingSID = ls.Some(b)
		case *bgp.TunnelEncapSubTLVSRENLP:
			p.ENLP = ls.Some(srpolicy.ENLP(s.ENLP))
		case *bgp.TunnelEncapSubTLVSRPriority:
			p.Priority = ls.Some(s.Priority)
		case *bgp.TunnelEncapSubTLVSRCandidatePathName:
			p.Name = s.CandidatePathName
		case *bgp.TunnelEncapSubTLVSRSegmentList:
			var l srpolicy.SegmentList
			if s.Weight != nil {
				l.Weight = ls.Some(s.Weight.Weight)
			}
			for _, b := range s.Segments {
				b := b.(*bgp.SegmentTypeB)
				g := srpolicy.Segment{SID: netip.AddrFrom16([16]byte(b.SID)), Verify: b.Flags&0x80 != 0}
				if e := b.SRv6EBS; e != nil {
					g.Endpoint = ls.Some(srpolicy.Endpoint{Behavior: uint16(e.Behavior), Structure: ls.SIDStructure{
						LocatorBlock: e.BlockLen, LocatorNode: e.NodeLen, Function: e.FuncLen, Argument: e.ArgLen}})
				}
				if g.Endpoint.Known != (b.Flags&0x10 != 0) {
					t.Fatalf("the B-Flag of %v", b)
				}
				l.Segments = append(l.Segments, g)
			}
			p.SegmentLists = append(p.SegmentLists, l)
		default:
			t.Fatalf("gobgp reads %T: %v", s, s)
		}
	}
	return p
}

func subTLV(of bgp.EncapSubTLVType, length uint16) bgp.TunnelEncapSubTLV {
	return bgp.TunnelEncapSubTLV{Type: of, Length: length}
}

// toGobgp sets no flag for behavior and structure, as it does not by itself.
func toGobgp(p srpolicy.Tunnel) *bgp.TunnelEncapTLV {
	var list []bgp.TunnelEncapSubTLVInterface
	if v, ok := p.Preference.Get(); ok {
		list = append(list, bgp.NewTunnelEncapSubTLVSRPreference(0, v))
	}
	if v, ok := p.BindingSID.Get(); ok {
		b := &bgp.TunnelEncapSubTLVSRBSID{TunnelEncapSubTLV: subTLV(bgp.ENCAP_SUBTLV_TYPE_SRBINDING_SID, 0), BSID: &bgp.BSID{}}
		if v.SpecifiedOnly {
			b.Flags |= 0x80
		}
		if v.DropUponInvalid {
			b.Flags |= 0x40
		}
		b.BSID.Value = v.SID.AsSlice()
		if label, ok := v.Label.Get(); ok {
			b.BSID, _ = bgp.NewBSID(binary.BigEndian.AppendUint32(nil, label))
		}
		list = append(list, b)
	}
	if v, ok := p.ENLP.Get(); ok {
		list = append(list, bgp.NewTunnelEncapSubTLVSRENLP(0, bgp.SRENLPValue(v)))
	}
	if v, ok := p.Priority.Get(); ok {
		list = append(list, bgp.NewTunnelEncapSubTLVSRPriority(v))
	}
	if p.Name != "" {
		list = append(list, bgp.NewTunnelEncapSubTLVSRCandidatePathName(p.Name))
	}
	for _, l := range p.SegmentLists {
		s := &bgp.TunnelEncapSubTLVSRSegmentList{TunnelEncapSubTLV: subTLV(bgp.ENCAP_SUBTLV_TYPE_SRSEGMENT_LIST, 0)}
		if v, ok := l.Weight.Get(); ok {
			s.Weight = &bgp.SegmentListWeight{TunnelEncapSubTLV: subTLV(bgp.SegmentListSubTLVWeight, 6), Weight: v}
		}
		for _, g := range l.Segments {
			b := &bgp.SegmentTypeB{TunnelEncapSubTLV: subTLV(bgp.EncapSubTLVType(bgp.TypeB), 0), SID: g.SID.AsSlice()}
			if g.Verify {
				b.Flags = 0x80
			}
			if e, ok := g.Endpoint.Get(); ok {
				b.SRv6EBS = &bgp.SRv6EndpointBehaviorStructure{Behavior: bgp.SRBehavior(e.Behavior), BlockLen: e.Structure.LocatorBlock,
					NodeLen: e.Structure.LocatorNode, FuncLen: e.Structure.Function, ArgLen: e.Structure.Argument}
			}
			s.Segments = append(s.Segments, b)
		}
		list = append(list, s)
	}
	return bgp.NewTunnelEncapTLV(bgp.TUNNEL_TYPE_SR_POLICY, list)
}
