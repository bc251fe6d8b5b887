package ls

import (
	"math"
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/bgp/internal/codectest"
)

func TestBandwidth(t *testing.T) {
	for _, test := range []struct {
		octets float32
		bits   BitsPerSecond
	}{
		{0, 0},
		{float32(math.Copysign(0, -1)), 0},
		{0.124, 0}, // less than a bit is none
		{0.125, 1},
		{0.2499, 1},
		{1.25e6, 10_000_000},
		{1.25e8, 1_000_000_000},
		{1.25e9, 10_000_000_000},
		{1.25e10, 99_999_997_952}, // 100 Gbit/s, in 24 bits
		{math.SmallestNonzeroFloat32, 0},
		{math.Nextafter32(1<<60, 0), 1<<63 - 1<<39},
	} {
		if got, why := bandwidth(test.octets); got != test.bits || why != "" {
			t.Errorf("%v octets per second are %d bits (%s), want %d", test.octets, got, why, test.bits)
		}
	}
	for _, octets := range []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), -1, -math.SmallestNonzeroFloat32, 1 << 60, math.MaxFloat32} {
		if got, why := bandwidth(octets); why == "" {
			t.Errorf("%v octets per second are %d bits, want a reason", octets, got)
		}
	}
}

func TestBandwidthAgrees(t *testing.T) {
	for _, test := range []struct {
		a, b BitsPerSecond
		want bool
	}{
		{100e9, 99_999_997_952, true},
		{100e9, 99_999_980_000, false},
		{0, 0, true},
		{0, 1, false},
		{10e9, 10e9, true},
		{10e9, 1e9, false},
	} {
		if test.a.Agrees(test.b) != test.want || test.b.Agrees(test.a) != test.want {
			t.Errorf("%d and %d agree: want %v", test.a, test.b, test.want)
		}
	}
}

// TestBandwidthIsNeverMore: a rate that is sent and read is not above itself,
// short of it by less than one part in 2^22, and stays as it is from then on.
func TestBandwidthIsNeverMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := BitsPerSecond(rapid.Uint64().Draw(t, "rate"))
		got, why := bandwidth(r.octets())
		if why != "" {
			t.Fatalf("%d: %s", r, why)
		}
		if most := min(r, math.MaxInt64); got > most || float64(most-got) > float64(most)/(1<<22) {
			t.Fatalf("%d comes back as %d", r, got)
		}
		if again, _ := bandwidth(got.octets()); again != got {
			t.Fatalf("%d comes back as %d", got, again)
		}
	})
}

func TestLoss(t *testing.T) {
	for loss, want := range map[Loss]string{0: "0.0000000%", 1: "0.0000030%", 333333: "0.9999990%", MaxLoss - 1: "50.3316420%"} {
		if got := loss.String(); got != want || !loss.Exact() {
			t.Errorf("%d is %s, want %s", loss, got, want)
		}
	}
	if MaxLoss.Exact() || MaxDelay.Exact() || !(MaxDelay - 1).Exact() {
		t.Error("only the greatest value stands for more than itself")
	}
}

func TestIGPRouterID(t *testing.T) {
	for _, test := range []struct {
		octets, text, router string
		pseudonode           bool
	}{
		{"192168252240", "1921.6825.2240", "1921.6825.2240", false},
		{"00000000001403", "0000.0000.0014.03", "0000.0000.0014", true},
		{"00000000001400", "0000.0000.0014.00", "0000.0000.0014", false}, // some send routers so
		{"0a010401", "10.1.4.1", "10.1.4.1", false},
		{"0a0104010a010102", "10.1.4.1:10.1.1.2", "10.1.4.1", true},
		{"20010db8000000000000000000000001", "2001:db8::1", "2001:db8::1", false},
	} {
		id, ok := NewIGPRouterID(codectest.Octets(t, test.octets))
		if !ok || id.String() != test.text || id.Router().String() != test.router || id.Pseudonode() != test.pseudonode {
			t.Errorf("%s is %v of %v, pseudonode %v", test.octets, id, id.Router(), id.Pseudonode())
		}
		if got := id.Bytes(); string(got) != string(codectest.Octets(t, test.octets)) || id.Len() != len(got) {
			t.Errorf("%s comes back as %x", test.octets, got)
		}
	}
	for _, length := range []int{0, 1, 5, 9, 15, 17} {
		if id, ok := NewIGPRouterID(make([]byte, length)); ok || id != (IGPRouterID{}) {
			t.Errorf("%d octets are %v", length, id)
		}
	}
}

func TestMeanings(t *testing.T) {
	a := ApplicationAttributes{Standard: ApplicationMask{1 << 60, 4}}
	if !a.For(FlexAlgorithm) || a.For(SRPolicy) || !(&ApplicationAttributes{}).For(RSVPTE) {
		t.Error("the mask 10000000 is Flex-Algo's alone, and no mask is everybody's")
	}
	if (IGPMetric{MaxLinkMetric, 3}).Usable() || !(IGPMetric{63, 1}).Usable() || !(IGPMetric{65535, 2}).Usable() {
		t.Error("only a wide metric of 2^24-1 takes a link out of use")
	}
	for behavior, want := range map[uint16][3]bool{1: {true}, 31: {true}, 5: {1: true}, 35: {1: true}, 48: {true, false, true}, 57: {1: true, 2: true}, 18: {}, 51: {}, 60: {}} {
		if got := [3]bool{IsEnd(behavior), IsEndX(behavior), NextCSID(behavior)}; got != want {
			t.Errorf("behavior %d is End, End.X, NEXT-CSID %v, want %v", behavior, got, want)
		}
	}
	p := PrefixAttribute{AttributeFlags: []byte{0x40}}
	if set, known := p.NodeFlag(OSPFv2); !set || !known {
		t.Error("0x40 is OSPFv2's N-flag")
	}
	if set, known := p.NodeFlag(ISISLevel2); set || !known {
		t.Error("0x40 is not IS-IS's N-flag")
	}
	if _, known := p.NodeFlag(Static); known {
		t.Error("a static prefix has no flags")
	}
	if v, ok := MSDOf([]MSD{{1, 10}, {41, 5}}, MSDMaxSegmentsLeft); !ok || v != 5 {
		t.Error("no MSD 41")
	}
}

// TestEncoderRefuses: nothing is sent that would be read as something else.
func TestEncoderRefuses(t *testing.T) {
	id, _ := NewIGPRouterID([]byte{10, 0, 0, 1})
	router := NodeDescriptor{IGPRouterID: id}
	for name, n := range map[string]NLRI{
		"node of nothing":          Node{},
		"link to nothing":          Link{Local: router},
		"prefix of nothing":        Prefix{Local: router},
		"SID of nothing":           SRv6SID{Local: router},
		"IPv6 address as an IPv4":  Link{Local: router, Remote: router, LinkDescriptor: LinkDescriptor{IPv4Interface: netip.MustParseAddr("::1")}},
		"unknown that is no TLV":   Node{Local: router, Unknown: "abc"},
		"unknown that is known":    Node{Local: router, Unknown: string(appendRaw(nil, TLV{256, nil}))},
		"unknown out of order":     Node{Local: router, Unknown: string(appendRaw(appendRaw(nil, TLV{701, nil}), TLV{700, nil}))},
		"opaque that is known":     Opaque{NLRIType: NodeType, Body: "abc"},
		"more octets than can be":  Opaque{NLRIType: 99, Body: string(make([]byte, 65536))},
		"prefix with host bits":    Prefix{Local: router, PrefixDescriptor: PrefixDescriptor{Prefix: netip.MustParsePrefix("10.0.0.1/8")}},
		"a SID that is an IPv4's":  SRv6SID{Local: router, SRv6SIDDescriptor: SRv6SIDDescriptor{SID: netip.MustParseAddr("10.0.0.1")}},
		"a local node that is not": Node{Local: NodeDescriptor{Unknown: "a"}},
	} {
		if b, err := AppendNLRI([]byte("before"), n); err == nil || string(b) != "before" {
			t.Errorf("%s: sent as %x", name, b)
		}
	}
	huge := &OpaqueAttribute{[]TLV{{1, make([]byte, 40000)}, {2, make([]byte, 40000)}}}
	if _, err := AppendAttribute(nil, huge); err == nil {
		t.Error("an attribute of 80,000 octets is sent")
	}
}
