package srpolicy_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/bgp/internal/codectest"
	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/bgp/srpolicy"
)

const (
	preference100 = "0c06 0000 00000064"
	sidOctets     = "20010db8000000000000000000000001"
	behaves       = "0012 0000 28181000" // End.DT6, 40+24+16 bits
)

// tunnel frames sub-TLVs.
func tunnel(t testing.TB, subTLVs string) string {
	return "000f" + hex.EncodeToString([]byte{0, byte(len(codectest.Octets(t, subTLVs)))}) + subTLVs
}

// list frames sub-TLVs of a segment list.
func list(t testing.TB, subTLVs string) string {
	return "80" + hex.EncodeToString([]byte{0, byte(1 + len(codectest.Octets(t, subTLVs)))}) + "00" + subTLVs
}

// TestTunnelFaults: RFC 9830, section by section. Where nothing is wrong it says what
// is read.
func TestTunnelFaults(t *testing.T) {
	for _, test := range []struct{ name, octets, want string }{
		{"no tunnel, 4.2.1", "", "fault: there is no tunnel of type 15, SR Policy"},
		{"another tunnel type, 2.2", "00080000", "fault: a tunnel at octet 0 is of type 8, want 15, SR Policy"},
		{"another beside, 2.2", tunnel(t, "") + "00080000", "fault: a tunnel at octet 4 is of type 8, want 15"},
		{"two, 2.2", tunnel(t, "") + tunnel(t, ""), "fault: a tunnel at octet 4 is a second one"},
		{"ends within a header", "000f00", "fault: a tunnel at octet 0 overruns"},
		{"ends within a tunnel", "000f0001", "fault: a tunnel at octet 0 overruns"},
		{"empty, all is optional", tunnel(t, ""), ""},
		{"ends within a sub-TLV's header", tunnel(t, "0c"), "fault: sub-TLV 12 at octet 4 overruns"},
		{"ends within a sub-TLV", tunnel(t, "0c06 0000 000000"), "fault: sub-TLV 12 at octet 4 overruns"},
		{"ends within a long length", tunnel(t, "8000"), "fault: sub-TLV 128 at octet 4 overruns"},
		{"preference, 2.4.1", tunnel(t, preference100), "preference 100"},
		{"preference of 5 octets, 2.4.1", tunnel(t, "0c05 0000 000064"), "fault: sub-TLV 12 at octet 4 has 5 octets, want 6"},
		{"flags and reserved octets, 2.4.1", tunnel(t, "0c06 ffff 00000064"), "preference 100"},
		{"preference twice, 2.4", tunnel(t, preference100+"0c06 0000 00000065"), "preference 100"},
		{"preference twice, one malformed", tunnel(t, preference100+"0c01 00"), "fault: sub-TLV 12 at octet 12"},
		{"binding SID of none, 2.4.2", tunnel(t, "0d02 ff00"), "binding SID {SpecifiedOnly:true DropUponInvalid:true}"},
		{"binding label, TC, S and TTL ignored, 2.4.2", tunnel(t, "0d06 3f00 00064fff"), "binding SID {SpecifiedOnly:false DropUponInvalid:false}\n  label 100"},
		{"binding SRv6 SID, 2.4.2", tunnel(t, "0d12 4000"+sidOctets), "binding SID {SpecifiedOnly:false DropUponInvalid:true}\n  SID 2001:db8::1"},
		{"binding SID of 5 octets, 2.4.2", tunnel(t, "0d05 0000 000640"), "fault: sub-TLV 13 at octet 4 has 5 octets, want 2, 6 or 18"},
		{"SRv6 binding SID, 2.4.3", tunnel(t, "1412 8000"+sidOctets), "SRv6 binding SID 2001:db8::1 {SpecifiedOnly:true DropUponInvalid:false}"},
		{"SRv6 binding SID with behavior, 2.4.3", tunnel(t, "141a 2000"+sidOctets+behaves),
			"SRv6 binding SID 2001:db8::1 {SpecifiedOnly:false DropUponInvalid:false}\n  {Behavior:18 Structure:{LocatorBlock:40 LocatorNode:24 Function:16 Argument:0}}"},
		{"SRv6 binding SIDs may be several, 2.4.3", tunnel(t, "1412 0000"+sidOctets+"1412 0000"+strings.Repeat("00", 16)),
			"SRv6 binding SID 2001:db8::1 {SpecifiedOnly:false DropUponInvalid:false}\nSRv6 binding SID :: {SpecifiedOnly:false DropUponInvalid:false}"},
		{"SRv6 binding SID of 17 octets, 2.4.3", tunnel(t, "1411 0000"+sidOctets[:30]), "fault: sub-TLV 20 at octet 4 has 17 octets, want 18 or 26"},
		{"flag for a behavior that is not there", tunnel(t, "1412 2000"+sidOctets), "fault: sub-TLV 20 at octet 4 has 18 octets and a flag for 26"},
		{"structure of 129 bits, 2.4.4.2.4", tunnel(t, "141a 2000"+sidOctets+"0012 0000 80000001"), "fault: sub-TLV 20 at octet 4 divides a SID into 129 bits"},
		{"structure of 128 bits, 2.4.4.2.4", tunnel(t, "141a 2000"+sidOctets+"0012 0000 40400000"),
			"SRv6 binding SID 2001:db8::1 {SpecifiedOnly:false DropUponInvalid:false}\n  {Behavior:18 Structure:{LocatorBlock:64 LocatorNode:64 Function:0 Argument:0}}"},
		{"ENLP, 2.4.5", tunnel(t, "0e03 0000 04"), "ENLP 4"},
		{"ENLP of 2 octets, 2.4.5", tunnel(t, "0e02 0004"), "fault: sub-TLV 14 at octet 4 has 2 octets, want 3"},
		{"ENLP of another value is ignored, 2.4.5", tunnel(t, "0e03 0000 05"), ""},
		{"priority, 2.4.6", tunnel(t, "0f02 0900"), "priority 9"},
		{"priority of 1 octet, 2.4.6", tunnel(t, "0f01 09"), "fault: sub-TLV 15 at octet 4 has 1 octets, want 2"},
		{"names, 2.4.7 and 2.4.8", tunnel(t, "810002 0061 820002 0062"), "name a\npolicy b"},
		{"name without its reserved octet", tunnel(t, "810000"), "fault: sub-TLV 129 at octet 4 has 0 octets, want at least 1"},
		{"name that no terminal should see", tunnel(t, "810003 001b5b"), ""},
		{"segment list without anything, 2.4.4", tunnel(t, list(t, "")), "segment list"},
		{"segment list without its reserved octet", tunnel(t, "800000"), "fault: sub-TLV 128 at octet 4 has 0 octets, want at least 1"},
		{"weight, 2.4.4.1", tunnel(t, list(t, "0906 0000 00000003 0906 0000 00000004")), "segment list\n  weight 3"},
		{"weight of 5 octets, 2.4.4.1", tunnel(t, list(t, "0905 0000 000003")), "fault: sub-TLV 9 at octet 8 has 5 octets, want 6"},
		{"segment A of 5 octets, 2.4.4.2.1", tunnel(t, list(t, "0105 0000 000003")), "fault: sub-TLV 1 at octet 8 has 5 octets, want 6"},
		{"segment B, 2.4.4.2.2", tunnel(t, list(t, "0d12 8000"+sidOctets+"0d1a 1000"+sidOctets+behaves)),
			"segment list\n  SID 2001:db8::1 verify true\n  SID 2001:db8::1 verify false\n    {Behavior:18 Structure:{LocatorBlock:40 LocatorNode:24 Function:16 Argument:0}}"},
		{"behavior without its flag", tunnel(t, list(t, "0d1a 0000"+sidOctets+behaves)),
			"segment list\n  SID 2001:db8::1 verify false\n    {Behavior:18 Structure:{LocatorBlock:40 LocatorNode:24 Function:16 Argument:0}}"},
		{"segment B of 19 octets, 2.4.4.2.2", tunnel(t, list(t, "0d13 0000"+sidOctets+"00")), "fault: sub-TLV 13 at octet 8 has 19 octets, want 18 or 26"},
		{"segment that overruns its list", tunnel(t, list(t, "0d12 0000")), "fault: sub-TLV 13 at octet 8 overruns"},
		{"segment of RFC 9831", tunnel(t, list(t, "0312 0000"+sidOctets)), "segment list\n  sub-TLV 3: 0000" + sidOctets + "\nunsupported: [3]"},
		{"reserved segment type", tunnel(t, list(t, "0000")), "fault: sub-TLV 0 at octet 8 is of the reserved type"},
		{"unknown sub-TLV, 4.2.2", tunnel(t, "1503 010203"), "sub-TLV 21: 010203\nunsupported: [21]"},
		{"egress endpoint and color, 2.3", tunnel(t, "0606 000000000000 0408 030b000000000001"), "sub-TLV 6: 000000000000\nsub-TLV 4: 030b000000000001"},
		{"the first of two faults", tunnel(t, "0f01 09 0e02 0004"), "fault: sub-TLV 15 at octet 4 has 1 octets, want 2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, fault := srpolicy.ParseTunnel(codectest.Octets(t, test.octets))
			got := strings.TrimSpace(dump(p))
			if fault != nil {
				if fault.Action != message.TreatAsWithdraw || fault.Type != message.TunnelEncapsulationType {
					t.Errorf("%+v", *fault)
				}
				got = "fault: " + strings.TrimPrefix(fault.Reason, "is malformed: ")
			}
			// What a fault says of octets may go on.
			if got != test.want && (fault == nil || test.want == "" || !strings.HasPrefix(got, test.want)) {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func TestNLRIFaults(t *testing.T) {
	const one, two = "60 00000001 00000064 c0000201", "60 00000002 00000064 c0000201"
	for _, test := range []struct {
		name, octets, want string
		worst              message.Action
	}{
		{"none: End-of-RIB", "", "", 0},
		{"two", one + two, "1 2", 0},
		{"an IPv6 one among IPv4 ones is skipped", one + "c0" + strings.Repeat("00", 24) + two, "1 2", message.TreatAsWithdraw},
		{"an empty one is skipped", "00" + one, "1", message.TreatAsWithdraw},
		{"no whole octets", "61" + one, "", message.DisableFamily},
		{"ends within one", one + two[:20], "", message.DisableFamily},
	} {
		got, fault := srpolicy.ParseNLRIs(codectest.Octets(t, test.octets), message.IPv4SRPolicy)
		var names []string
		for _, n := range got {
			names = append(names, string(rune('0'+n.Distinguisher)))
		}
		worst := message.Action(0)
		if fault != nil {
			worst = fault.Action
		}
		if strings.Join(names, " ") != test.want || worst != test.worst {
			t.Errorf("%s: %v, %v", test.name, got, fault)
		}
	}
}
