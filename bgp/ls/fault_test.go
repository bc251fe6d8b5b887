package ls

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/bgp/internal/codectest"
)

const (
	local    = "0100 000a 0203 0006 000000000001 "
	remote   = "0101 000a 0203 0006 000000000002 "
	isis     = "02 0000000000000000 "
	goodNode = "0001 0017 " + isis + local
)

// frame puts type and length before the body of an NLRI.
func frame(t testing.TB, of NLRIType, body string) string {
	b, start := open(nil, uint16(of))
	return hex.EncodeToString(closeTLV(append(b, codectest.Octets(t, body)...), start))
}

// TestNLRIFaults puts each bad NLRI between two good ones.
func TestNLRIFaults(t *testing.T) {
	const before = 4 + 9 + 14 // the good node
	link := func(rest string) string { return frame(t, LinkType, isis+local+remote+rest) }
	prefix := func(of NLRIType, rest string) string { return frame(t, of, isis+local+rest) }
	tests := []struct {
		name   string
		bad    string
		action Action
		tlv    uint16
		offset int // in the bad NLRI
		reason string
	}{
		{"overruns the list", "0001 ffff 02", ResetSession, 0, 0, "overruns the list"},
		{"header cut", "0001 00", ResetSession, 0, 0, "overruns the list"},
		{"no room for the identifier", "0001 0008 02 00000000000000", DiscardNLRI, 0, 0, "ends within Protocol-ID and Identifier"},
		{"empty", "0002 0000", DiscardNLRI, 0, 0, "ends within Protocol-ID and Identifier"},
		{"no node", frame(t, NodeType, isis), DiscardNLRI, 256, 13, "is missing"},
		{"only a remote node", frame(t, NodeType, isis+remote), DiscardNLRI, 256, 13, "is missing"},
		{"empty node", frame(t, NodeType, isis+"0100 0000"), DiscardNLRI, 256, 13, "describes no node"},
		{"no remote node", frame(t, LinkType, isis+local), DiscardNLRI, 257, 13, "is missing"},
		{"two local nodes", frame(t, NodeType, isis+local+"0100 000b 0203 0007 00000000000101"), DiscardNLRI, 256, 27, "is there twice"},
		{"one node twice", frame(t, NodeType, isis+local+local), DiscardNLRI, 256, 27, "is out of order"},
		{"TLV overruns the NLRI", frame(t, NodeType, isis+"0100 000b 0203 0006 000000000001"), DiscardNLRI, 256, 13, "overruns"},
		{"sub-TLV overruns the node", frame(t, NodeType, isis+"0100 000a 0203 0007 000000000001"), DiscardNLRI, 515, 17, "overruns"},
		{"sub-TLVs out of order", frame(t, NodeType, isis+"0100 0010 0201 0004 00000000 0200 0004 00000001"), DiscardNLRI, 512, 25, "is out of order"},
		{"two ASes", frame(t, NodeType, isis+"0100 0010 0200 0004 00000000 0200 0004 00000001"), DiscardNLRI, 512, 25, "is there twice"},
		{"AS of two octets", frame(t, NodeType, isis+"0100 0006 0200 0002 fde8"), DiscardNLRI, 512, 17, "has 2 octets, want 4"},
		{"router ID of five octets", frame(t, NodeType, isis+"0100 0009 0203 0005 0000000001"), DiscardNLRI, 515, 17, "has 5 octets, want 4, 6, 7, 8 or 16"},
		{"descriptors out of order", link("0104 0004 0a000002 0103 0004 0a000001"), DiscardNLRI, 259, 49, "is out of order"},
		{"greater address first", link("0103 0004 0a000002 0103 0004 0a000001"), DiscardNLRI, 259, 49, "is out of order"},
		{"longer address first", link("ffff 0002 0000 ffff 0001 ff"), DiscardNLRI, 0xffff, 47, "is out of order"},
		{"IPv4 address of 16 octets", link("0103 0010 00000000000000000000000000000000"), DiscardNLRI, 259, 41, "has 16 octets, want 4"},
		{"two topologies", link("0107 0004 0002 0003"), DiscardNLRI, 263, 41, "has 4 octets, want 2"},
		{"no prefix", prefix(IPv4PrefixType, ""), DiscardNLRI, 265, 13, "is missing"},
		{"IPv4 /33", prefix(IPv4PrefixType, "0109 0006 21 0a00000000"), DiscardNLRI, 265, 27, "not a prefix of its family"},
		{"IPv6 in an IPv4 NLRI", prefix(IPv4PrefixType, "0109 0009 40 20010db800000000"), DiscardNLRI, 265, 27, "not a prefix of its family"},
		{"prefix of too many octets", prefix(IPv4PrefixType, "0109 0005 18 0a000000"), DiscardNLRI, 265, 27, "as few octets"},
		{"prefix of too few octets", prefix(IPv4PrefixType, "0109 0003 18 0a00"), DiscardNLRI, 265, 27, "as few octets"},
		{"prefix of nothing", prefix(IPv6PrefixType, "0109 0000"), DiscardNLRI, 265, 27, "not a prefix"},
		{"prefix with host bits", prefix(IPv4PrefixType, "0109 0004 17 0a0001"), DiscardNLRI, 265, 27, "bits set beyond its length"},
		{"no SID", frame(t, SRv6SIDType, isis+local), DiscardNLRI, 518, 13, "is missing"},
		{"two SIDs", frame(t, SRv6SIDType, isis+local+"0206 0010"+strings.Repeat("00", 16)+"0206 0010"+strings.Repeat("01", 16)), DiscardNLRI, 518, 47, "is there twice"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			routes, faults := DecodeNLRIs(codectest.Octets(t, goodNode+test.bad+goodNode), Family{})
			if test.action == ResetSession {
				routes, faults = DecodeNLRIs(codectest.Octets(t, goodNode+test.bad), Family{})
			}
			if len(faults) != 1 {
				t.Fatalf("faults %v, want one", faults)
			}
			f := faults[0]
			if f.Action != test.action || f.TLV != test.tlv || f.Offset != before+test.offset || f.Index != 1 || f.Attribute {
				t.Errorf("fault %+v, want %v of TLV %d at %d", *f, test.action, test.tlv, before+test.offset)
			}
			if !strings.Contains(f.Error(), test.reason) || !strings.Contains(f.Error(), test.action.String()) {
				t.Errorf("it says %q, want %q", f, test.reason)
			}
			if want := map[Action]int{ResetSession: 1, DiscardNLRI: 2}[test.action]; len(routes) != want {
				t.Errorf("%d good NLRIs are left, want %d", len(routes), want)
			}
		})
	}
}

// TestNLRITolerated: what RFC 9552 wants kept.
func TestNLRITolerated(t *testing.T) {
	for name, text := range map[string]string{
		"End-of-RIB":                  "",
		"unknown type":                "0063 0004 deadbeef",
		"private type":                "fde8 0004 00000009",
		"unknown protocol":            frame(t, NodeType, "c8 0000000000000000"+local),
		"unknown TLV":                 frame(t, NodeType, isis+local+"1000 0002 beef"),
		"unknown sub-TLV":             frame(t, NodeType, isis+"0100 000e 0203 0006 000000000001 1000 0000"),
		"descriptor of another type":  frame(t, NodeType, isis+local+"0103 0004 0a000001"),
		"two interface addresses":     frame(t, LinkType, isis+local+remote+"0103 0004 0a000001 0103 0004 0a000002 0104 0004 0a000003"),
		"reserved bits of a topology": frame(t, LinkType, isis+local+remote+"0107 0002 f002"),
		"EPE node of BGP":             frame(t, NodeType, "07 0000000000000000 0100 0010 0200 0004 0000fde8 0204 0004 0a000001"),
	} {
		t.Run(name, func(t *testing.T) {
			b := codectest.Octets(t, text)
			routes, faults := DecodeNLRIs(b, Family{})
			if len(faults) > 0 {
				t.Fatal(faults[0])
			}
			var again []byte
			for _, r := range routes {
				var err error
				if again, err = AppendNLRI(again, r.NLRI); err != nil {
					t.Fatal(err)
				}
			}
			if string(again) != string(b) {
				t.Errorf("comes back as %x, want %x", again, b)
			}
		})
	}
}

func TestVPNAndAddPathFaults(t *testing.T) {
	for text, f := range map[string]Family{
		"000000":                 {AddPath: true},
		"00000001 0001 ffff":     {AddPath: true},
		"00000001 0001 0000":     {AddPath: true},
		"0001 0004 00000000":     {VPN: true},
		"0063 0004 00000000":     {VPN: true},
		"0001 0008" + "00000000": {VPN: true},
	} {
		routes, faults := DecodeNLRIs(codectest.Octets(t, text), f)
		if len(routes) != 0 || len(faults) != 1 {
			t.Errorf("%s: %v, faults %v", text, routes, faults)
		}
	}
}

// TestVPNOffsets: the octets before the NLRI proper count.
func TestVPNOffsets(t *testing.T) {
	b := codectest.Octets(t, "00000001 0001 0011 0000000000000001 "+isis)
	_, faults := DecodeNLRIs(b, Family{VPN: true, AddPath: true})
	if len(faults) != 1 || faults[0].Offset != len(b) || faults[0].TLV != 256 {
		t.Errorf("faults %v, want one of TLV 256 at octet %d", faults, len(b))
	}
}

// TestAttributeFaults: one bad TLV costs its own value, a broken frame all.
func TestAttributeFaults(t *testing.T) {
	const metric = "0447 0003 00000a"
	endX := "0452 001e 0005 00 00 00 00" + strings.Repeat("20", 16)
	tests := []struct {
		name   string
		of     NLRIType
		bad    string
		action Action
		tlv    uint16
		offset int // after the metric
		reason string
	}{
		{"overruns", LinkType, "0440 0005 00000000", DiscardAttribute, 1088, 0, "overrun"},
		{"header cut", LinkType, "0440 00", DiscardAttribute, 0, 0, "overrun"},
		{"unknown TLV overruns", LinkType, "ffff 0001", DiscardAttribute, 0xffff, 0, "overrun"},
		{"sub-TLV of an End.X overruns", LinkType, endX + "04e4 0005 20101000", DiscardAttribute, 1252, 26, "overrun"},
		{"sub-TLV of an application overruns", LinkType, "0462 000c 00000000 0444 0005 00000000", DiscardAttribute, 1092, 8, "overrun"},
		{"size", LinkType, "0440 0003 000000", IgnoreTLV, 1088, 0, "has 3 octets, want 4"},
		{"NaN", LinkType, "0441 0004 7fc00000", IgnoreTLV, 1089, 0, "is not a number"},
		{"infinite", LinkType, "0441 0004 7f800000", IgnoreTLV, 1089, 0, "2^63 bits"},
		{"negative", LinkType, "0441 0004 bf800000", IgnoreTLV, 1089, 0, "negative"},
		{"beyond an int64", LinkType, "0441 0004 5d800000", IgnoreTLV, 1089, 0, "2^63 bits"},
		{"one unreserved bandwidth bad", LinkType, "0443 0020" + strings.Repeat("00", 28) + "7fc00000", IgnoreTLV, 1091, 0, "is not a number"},
		{"metric of four octets", LinkType, "0447 0004 00000001", IgnoreTLV, 1095, 0, "is there twice"},
		{"metric again", LinkType, "0447 0003 000001", IgnoreTLV, 1095, 0, "is there twice"},
		{"no SRLG", LinkType, "0448 0000", IgnoreTLV, 1096, 0, "has 0 octets"},
		{"half an SRLG", LinkType, "0448 0006 00000001 0000", IgnoreTLV, 1096, 0, "has 6 octets"},
		{"name with an escape", LinkType, "044a 0003 1b5b41", IgnoreTLV, 1098, 0, "printable"},
		{"name in UTF-8", LinkType, "044a 0003 e7b58c", IgnoreTLV, 1098, 0, "printable"},
		{"name of nothing", LinkType, "044a 0000", IgnoreTLV, 1098, 0, "want 1 to 255"},
		{"least delay above the greatest", LinkType, "045b 0008 0000000b 0000000a", IgnoreTLV, 1115, 0, "above the greatest"},
		{"End.X without a SID", LinkType, "0452 0006 0005 00 00 00 00", IgnoreTLV, 1106, 0, "has 6 octets, want at least 22"},
		{"LAN End.X of the other protocol", LinkType, "0453 001a" + strings.Repeat("00", 26), IgnoreTLV, 1107, 0, "want at least 28"},
		{"structure of 129 bits", LinkType, endX + "04e4 0004 20201f22", IgnoreTLV, 1252, 26, "129 bits"},
		{"application mask of five octets", LinkType, "0462 0009 05000000 0000000000", IgnoreTLV, 1122, 0, "0, 4 or 8"},
		{"application masks cut", LinkType, "0462 0006 04000000 1000", IgnoreTLV, 1122, 0, "shorter than"},
		{"odd MSDs", LinkType, "010b 0003 010a02", IgnoreTLV, 267, 0, "multiple of 2"},
		{"definition of algorithm 1", NodeType, "040f 0004 01000080", IgnoreTLV, 1039, 0, "below 128"},
		{"flags of two octets", NodeType, "0400 0002 8000", IgnoreTLV, 1024, 0, "has 2 octets, want 1"},
		{"locator cut", IPv6PrefixType, "048a 0007 00000000000000", IgnoreTLV, 1162, 0, "want at least 8"},
		{"peer of eleven octets", SRv6SIDType, "04e3 000b" + strings.Repeat("00", 11), IgnoreTLV, 1251, 0, "has 11 octets, want 12"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			good := codectest.Octets(t, metric)
			b := append(good, codectest.Octets(t, test.bad)...)
			a, faults := DecodeAttribute(b, test.of)
			if len(faults) != 1 {
				t.Fatalf("faults %v, want one", faults)
			}
			f := faults[0]
			if f.Action != test.action || f.TLV != test.tlv || f.Offset != len(good)+test.offset || !f.Attribute || f.Object != test.of {
				t.Errorf("fault %+v, want %v of TLV %d at %d", *f, test.action, test.tlv, len(good)+test.offset)
			}
			if !strings.Contains(f.Error(), test.reason) {
				t.Errorf("it says %q, want %q", f, test.reason)
			}
			if (a == nil) != (test.action == DiscardAttribute) {
				t.Fatalf("attribute %v", a)
			}
			if l, ok := a.(*LinkAttribute); ok && l.IGPMetric != Some(IGPMetric{10, 3}) {
				t.Errorf("the metric beside it is %v", l.IGPMetric)
			}
			stable(t, b, test.of)
		})
	}
}

// TestManyFaults: what is kept is bounded, and the gravest is among it.
func TestManyFaults(t *testing.T) {
	bad := strings.Repeat("0448 0000", 1000)
	_, faults := DecodeAttribute(codectest.Octets(t, bad), LinkType)
	if len(faults) != MaxFaults || faults[MaxFaults-1].More != 1000-MaxFaults || faults.Worst() != IgnoreTLV {
		t.Errorf("%d faults, the last %v", len(faults), faults[len(faults)-1])
	}
	a, faults := DecodeAttribute(codectest.Octets(t, bad+"00"), LinkType)
	if last := faults[len(faults)-1]; a != nil || len(faults) != MaxFaults || last.Action != DiscardAttribute || last.More != 1000-MaxFaults+1 {
		t.Errorf("%d faults, the last %v", len(faults), last)
	}
}

// TestReserved: what must be ignored on receipt is, and is sent as zero.
func TestReserved(t *testing.T) {
	for name, test := range map[string]struct {
		got, again string
		of         NLRIType
	}{
		"small metric":    {"0447 0001 ff", "0447 0001 3f", LinkType},
		"delay":           {"045a 0004 ff000001", "045a 0004 80000001", LinkType},
		"delays":          {"045b 0008 7f000001 ff000002", "045b 0008 00000001 00000002", LinkType},
		"variation":       {"045c 0004 ff000001", "045c 0004 00000001", LinkType},
		"loss":            {"045d 0004 7f000001", "045d 0004 00000001", LinkType},
		"application":     {"0462 0004 0000ffff", "0462 0004 00000000", LinkType},
		"capabilities":    {"040e 0004 4000ffff", "040e 0004 40000000", NodeType},
		"prefix metric":   {"0414 0008 8000ffff 00000001", "0414 0008 80000000 00000001", IPv4PrefixType},
		"locator":         {"048a 0008 8080ffff 00000001", "048a 0008 80800000 00000001", IPv6PrefixType},
		"peer":            {"04e3 000c e001ffff 00000001 00000002", "04e3 000c e0010000 00000001 00000002", SRv6SIDType},
		"unknown, behind": {"ffff 0001 07 0447 0001 01", "0447 0001 01 ffff 0001 07", LinkType},
	} {
		a, faults := DecodeAttribute(codectest.Octets(t, test.got), test.of)
		if len(faults) > 0 {
			t.Fatalf("%s: %v", name, faults[0])
		}
		if b, _ := AppendAttribute(nil, a); string(b) != string(codectest.Octets(t, test.again)) {
			t.Errorf("%s: %s is sent as %x, want %s", name, test.got, b, test.again)
		}
	}
	long := &LinkAttribute{TEAttributes: TEAttributes{Delay: Some(Delay{1 << 24, false})}}
	if b, _ := AppendAttribute(nil, long); string(b) != string(codectest.Octets(t, "045a 0004 00ffffff")) {
		t.Errorf("a delay of more than 24 bits is sent as %x", b)
	}
}
