package service_test

import (
	"encoding/hex"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/osrg/gobgp/v4/pkg/packet/bgp"
	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/bgp/route"
	"github.com/keiro-net/keiro/bgp/service"
)

var dt6 = service.SID{Addr: netip.MustParseAddr("5f00:0:3:6::"), Behavior: ls.BehaviorEndDT6,
	Structure: ls.Some(ls.SIDStructure{LocatorBlock: 16, LocatorNode: 32, Function: 16})}

var sids = rapid.Custom(func(t *rapid.T) service.SID {
	s := service.SID{Addr: netip.AddrFrom16([16]byte(append([]byte{0x5f}, rapid.SliceOfN(rapid.Byte(), 15, 15).Draw(t, "SID")...))), Behavior: rapid.Uint16().Draw(t, "behavior")}
	if rapid.Bool().Draw(t, "structured") {
		part := rapid.ByteRange(0, 32)
		s.Structure = ls.Some(ls.SIDStructure{LocatorBlock: part.Draw(t, "block"), LocatorNode: part.Draw(t, "node"), Function: part.Draw(t, "function"), Argument: part.Draw(t, "argument")})
	}
	return s
})

// sidsOfGobgp: gobgp reads the SID as it was meant, and writes the same octets.
func sidsOfGobgp(t *rapid.T, m *bgp.BGPUpdate, want service.Route) {
	for _, a := range m.PathAttributes {
		prefix, is := a.(*bgp.PathAttributePrefixSID)
		if !is {
			continue
		}
		if !want.SID.Known {
			t.Fatalf("gobgp reads %v, and none was sent", prefix)
		}
		w := want.SID.Value
		var more []bgp.PrefixSIDTLVInterface
		if x, known := w.Structure.Get(); known {
			more = append(more, bgp.NewSRv6SIDStructureSubSubTLV(x.LocatorBlock, x.LocatorNode, x.Function, x.Argument, 0, 0))
		}
		twin := bgp.NewPathAttributePrefixSID(bgp.NewSRv6ServiceTLV(bgp.TLVTypeSRv6L3Service, bgp.NewSRv6InformationSubTLV(w.Addr, bgp.SRBehavior(w.Behavior), more...)))
		ours, err := prefix.Serialize()
		theirs, errs := twin.Serialize()
		if err != nil || errs != nil || string(ours) != string(theirs) {
			t.Fatalf("gobgp writes %v as\n%x, %v, and read\n%x, %v", w, theirs, errs, ours, err)
		}
		return
	}
	if want.SID.Known {
		t.Fatalf("gobgp reads no SID, want %v", want.SID.Value)
	}
}

// TestSIDVectors: values of the attribute. `ours` is written down from RFC 9252 figures
// 1, 2, 4 and 5; those of gobgp are from its v4.8.0, pkg/packet/bgp/prefix_sid_test.go
// and prefix_sid_multi_subtlv_test.go.
func TestSIDVectors(t *testing.T) {
	const (
		head  = "05 0022 00 01 001e 00 "
		ours  = head + "5f000000000300060000000000000000 00 0012 00 01 0006 10 20 10 00 00 00"
		gobgp = head + "20010000000500030000000000000000 00 0013 00 01 0006 28 18 10 00 "
	)
	theirs := service.SID{Addr: netip.MustParseAddr("2001:0:5:3::"), Behavior: ls.BehaviorEndDT4, Structure: ls.Some(ls.SIDStructure{LocatorBlock: 40, LocatorNode: 24, Function: 16})}
	bare := dt6
	bare.Structure = ls.Opt[ls.SIDStructure]{}
	for _, test := range []struct {
		name, octets string
		want         ls.Opt[service.SID]
		fault        string
	}{
		{"ours", ours, ls.Some(dt6), ""},
		{"gobgp's, moved into no label", gobgp + "00 00", ls.Some(theirs), ""},
		{"gobgp's, moved into a label", gobgp + "10 40", ls.Opt[service.SID]{}, "in a label"},
		{"gobgp's unknown sub-TLV", "05 0007 00 ff 0003 010203", ls.Opt[service.SID]{}, ""},
		{"no structure", "05 0019 00 01 0015 00 5f000000000300060000000000000000 00 0012 00", ls.Some(bare), ""},
		{"two SIDs, the first counts", "05 0034 00 01 0015 00 5f000000000300060000000000000000 00 0012 00 01 0018 00 5f000000000400060000000000000000 00 0012 00 77 0000", ls.Some(bare), ""},
		{"a second that is malformed", "05 001c 00 01 0015 00 5f000000000300060000000000000000 00 0012 00 01 0000", ls.Opt[service.SID]{}, "want at least 21"},
		{"two services, the first counts", ours + gobgp + "10 40", ls.Some(dt6), ""},
		{"a label index (RFC 8669) and an L2 service", "01 0007 00000000000001 06 0001 00", ls.Opt[service.SID]{}, ""},
		{"nothing", "", ls.Opt[service.SID]{}, ""},
		{"an empty service", "05 0000", ls.Opt[service.SID]{}, "is empty"},
		{"a service that overruns", "05 0023" + ours[7:], ls.Opt[service.SID]{}, "overruns its attribute"},
		{"a sub-TLV that overruns", "05 0004 00 ff 0001", ls.Opt[service.SID]{}, "overruns its SRv6 L3 Service TLV"},
		{"a sub-sub-TLV that overruns", strings.Replace(ours, "01 0006", "01 0007", 1), ls.Opt[service.SID]{}, "overruns its SRv6 SID Information"},
		{"half a header", ours + "05", ls.Opt[service.SID]{}, "overruns its attribute"},
		{"a structure of other length", strings.Replace(strings.Replace(ours, "0022 00 01 001e", "0021 00 01 001d", 1), "01 0006 10 20 10 00 00 00", "01 0005 10 20 10 00 00", 1), ls.Opt[service.SID]{}, "has 5 octets"},
		{"129 bits", strings.Replace(ours, "10 20 10 00", "10 20 10 41", 1), ls.Opt[service.SID]{}, "129 bits"},
		{"no SID", strings.Replace(ours, "5f00000000030006", "0000000000000000", 1), ls.Opt[service.SID]{}, "is none"},
	} {
		value, err := hex.DecodeString(strings.ReplaceAll(test.octets, " ", ""))
		if err != nil {
			t.Fatal(test.name, err)
		}
		r := service.Route{Prefix: netip.MustParsePrefix("2001:db8:5::/48"), NextHop: endpoint, Colors: []route.Color{red}}
		u, err := r.Announce(session)
		if err != nil {
			t.Fatal(err)
		}
		u.Attributes = append(u.Attributes, message.Attribute{Flags: message.Optional | message.Transitive, Type: message.PrefixSIDType, Value: value})
		routes, without, err := service.Parse(&u, false)
		if test.fault != "" {
			var fault *message.Fault
			if !errors.As(err, &fault) || fault.Action != message.TreatAsWithdraw || !strings.Contains(err.Error(), test.fault) || len(routes) > 0 || len(without) != 1 {
				t.Errorf("%s: %v, without %v, %v; want %q", test.name, routes, without, err, test.fault)
			}
			continue
		}
		if err != nil || len(routes) != 1 || routes[0].SID != test.want {
			t.Errorf("%s: %+v, %v, want %+v", test.name, routes, err, test.want)
		}
	}
	for want, s := range map[string]service.SID{
		"no SRv6 SID":   {Addr: hop4},
		"129 bits":      {Addr: dt6.Addr, Structure: ls.Some(ls.SIDStructure{LocatorBlock: 129})},
		"::ffff:":       {Addr: netip.AddrFrom16(hop4.As16())},
		"SID invalid I": {},
	} {
		r := service.Route{Prefix: netip.MustParsePrefix("2001:db8:5::/48"), NextHop: endpoint, Colors: []route.Color{red}, SID: ls.Some(s)}
		if _, err := r.Announce(session); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", s, err, want)
		}
	}
}
