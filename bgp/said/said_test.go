package said

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/bgp/ls"
)

var start = time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)

func word(peer string, a ls.Attribute, at int) Word {
	return There([]string{peer}, a, start.Add(time.Duration(at)*time.Second))
}

// What is said for SR Policy counts, then what is said for all that have none of
// their own, then what is said for no application.
func TestApplications(t *testing.T) {
	delay := func(d ls.Microseconds) ls.TEAttributes {
		return ls.TEAttributes{MinMaxDelay: ls.Some(ls.MinMaxDelay{Min: d, Max: d})}
	}
	srPolicy := ls.ApplicationMask{Bits: 1 << (63 - ls.SRPolicy), Octets: 4}
	rsvp := ls.ApplicationMask{Bits: 1 << (63 - ls.RSVPTE), Octets: 4}
	metric := ls.TEAttributes{TEDefaultMetric: ls.Some[uint32](7)}
	for _, c := range []struct {
		name string
		a    ls.LinkAttribute
		want string
	}{
		{"direct", ls.LinkAttribute{TEAttributes: delay(1)}, "1us-1us"},
		{"own", ls.LinkAttribute{TEAttributes: delay(1), Applications: []ls.ApplicationAttributes{{TEAttributes: delay(2)}, {Standard: srPolicy, TEAttributes: delay(3)}}}, "3us-3us"},
		{"all", ls.LinkAttribute{TEAttributes: delay(1), Applications: []ls.ApplicationAttributes{{TEAttributes: delay(2)}}}, "2us-2us"},
		{"another", ls.LinkAttribute{TEAttributes: delay(1), Applications: []ls.ApplicationAttributes{{Standard: rsvp, TEAttributes: delay(4)}}}, "1us-1us"},
		{"own without it", ls.LinkAttribute{TEAttributes: delay(1), Applications: []ls.ApplicationAttributes{{TEAttributes: delay(2)}, {Standard: srPolicy, TEAttributes: metric}}}, "1us-1us"},
		{"the first own", ls.LinkAttribute{Applications: []ls.ApplicationAttributes{{Standard: srPolicy, TEAttributes: delay(5)}, {Standard: srPolicy, TEAttributes: delay(6)}}}, "5us-5us"},
		{"none", ls.LinkAttribute{Applications: []ls.ApplicationAttributes{{Standard: rsvp, TEAttributes: delay(4)}}}, "unknown"},
	} {
		got := "unknown"
		if v := Read(Words{word("p", &c.a, 0)}, MinMaxDelay); v.Known {
			got = words(v.Value)
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// A bandwidth that one speaker has rounded is the same; what it says is kept as
// it was said all the same.
func TestRounded(t *testing.T) {
	exact, rounded := &ls.LinkAttribute{MaxBandwidth: ls.Some[ls.BitsPerSecond](100e9)}, &ls.LinkAttribute{MaxBandwidth: ls.Some[ls.BitsPerSecond](99_999_997_952)}
	v := Read(Words{word("p", exact, 0), word("q", rounded, 1)}, MaxBandwidth)
	if v.Value != 99_999_997_952 || !slices.Equal(v.By, []string{"p", "q"}) || len(v.Others) > 0 || !v.Since.Equal(start) {
		t.Errorf("got %+v", v)
	}
	before := word("p", exact, 0)
	if w, changed := word("p", rounded, 2).After(&before); !changed || w.since(MaxBandwidth.id) != w.heard {
		t.Errorf("a rounded bandwidth is no change: %+v", w)
	}
}

// Every attribute can be shown, and a change of any is noticed.
func TestFields(t *testing.T) {
	addrs := []netip.Addr{netip.MustParseAddr("192.0.2.1")}
	neighbor, _ := ls.NewIGPRouterID([]byte{0, 0, 0, 0, 0, 2})
	sid := ls.EndX{Behavior: 5, Flags: ls.Backup, Weight: 9, SID: netip.MustParseAddr("5f00::1")}
	bits, raw := ls.Some[ls.BitsPerSecond](8), []ls.TLV{{Type: 9999, Value: []byte{1, 2}}}
	for _, c := range []struct {
		a    ls.Attribute
		want string
	}{
		{&ls.NodeAttribute{
			Topologies: []ls.MultiTopologyID{2}, MSDs: []ls.MSD{{Type: 41, Value: 10}}, Flags: ls.Some(ls.Overload), Name: "a", Areas: [][]byte{{0x49, 1}},
			IPv4RouterIDs: addrs, IPv6RouterIDs: addrs, SRAlgorithms: []uint8{128}, SRv6Capabilities: ls.Some(ls.OAM),
			FlexAlgorithms: []ls.FlexAlgorithmDefinition{{Algorithm: 128}}, Raw: raw,
		}, "topologies [2]; msds 41:10; flags 128; name a; areas 4901; ipv4-router-ids [192.0.2.1]; ipv6-router-ids [192.0.2.1]; sr-algorithms [128]; srv6-capabilities 16384; flex-algorithms [{128 0 0 0 [] [] [] [] [] []}]; other-tlvs 9999:0102"},
		{&ls.LinkAttribute{
			Identifiers: ls.Some(ls.LinkIdentifiers{Local: 1, Remote: 2}), MSDs: []ls.MSD{{Type: 41, Value: 10}},
			LocalIPv4RouterIDs: addrs, LocalIPv6RouterIDs: addrs, RemoteIPv4RouterIDs: addrs, RemoteIPv6RouterIDs: addrs,
			MaxBandwidth: bits, ReservableBandwidth: bits, UnreservedBandwidth: ls.Some([8]ls.BitsPerSecond{1}), IGPMetric: ls.Some(ls.IGPMetric{Metric: 10, Octets: 3}),
			Name: "l", EndX: []ls.EndX{sid}, ISISLANEndX: []ls.LANEndX{{Neighbor: neighbor, EndX: sid}}, OSPFv3LANEndX: []ls.LANEndX{{Neighbor: neighbor, EndX: sid}},
			TEAttributes: ls.TEAttributes{
				AdminGroup: ls.Some[uint32](1), TEDefaultMetric: ls.Some[uint32](2), SRLGs: []uint32{3}, Delay: ls.Some(ls.Delay{Delay: 4, Anomalous: true}),
				MinMaxDelay: ls.Some(ls.MinMaxDelay{Min: 5, Max: 6}), DelayVariation: ls.Some[ls.Microseconds](7), Loss: ls.Some(ls.LinkLoss{Loss: 8}),
				ResidualBandwidth: bits, AvailableBandwidth: bits, UtilizedBandwidth: bits, ExtendedAdminGroup: []uint32{9},
			}, Raw: raw,
		}, "identifiers 1-2; msds 41:10; local-ipv4-router-ids [192.0.2.1]; local-ipv6-router-ids [192.0.2.1]; remote-ipv4-router-ids [192.0.2.1]; remote-ipv6-router-ids [192.0.2.1]; " +
			"max-bandwidth 8bps; reservable-bandwidth 8bps; unreserved-bandwidth [1 0 0 0 0 0 0 0]; igp-metric 10; name l; " +
			"end-x 5f00::1 behavior 5 algorithm 0 flags 0x80 weight 9; isis-lan-end-x 5f00::1 behavior 5 algorithm 0 flags 0x80 weight 9 to 0000.0000.0002; ospfv3-lan-end-x 5f00::1 behavior 5 algorithm 0 flags 0x80 weight 9 to 0000.0000.0002; " +
			"admin-group 1; te-metric 2; srlgs [3]; delay 4us (anomalous); min-max-delay 5us-6us; delay-variation 7us; loss 0.0000240%; " +
			"residual-bandwidth 8bps; available-bandwidth 8bps; utilized-bandwidth 8bps; extended-admin-group [9]; other-tlvs 9999:0102"},
		{&ls.PrefixAttribute{
			FlexAlgorithmMetrics: []ls.FlexAlgorithmMetric{{Algorithm: 128, Metric: 1}}, Flags: ls.Some(ls.Down), Metric: ls.Some[uint32](2),
			Locator: ls.Some(ls.SRv6Locator{Algorithm: 3}), AttributeFlags: []byte{4}, Raw: raw,
		}, "flex-algorithm-metrics [{128 0 1}]; flags 128; metric 2; attribute-flags [4]; other-tlvs 9999:0102; locator {0 3 0 []}"},
		{&ls.SRv6SIDAttribute{
			EndpointBehavior: ls.Some(ls.EndpointBehavior{Behavior: 18}), PeerNodes: []ls.PeerNode{{AS: 1}}, Structure: ls.Some(ls.SIDStructure{LocatorBlock: 32}), Raw: raw,
		}, "behavior {18 0 0}; peers [{0 0 1 0}]; structure {32 0 0 0}; other-tlvs 9999:0102"},
		{&ls.OpaqueAttribute{Raw: raw}, "tlvs 9999:0102"},
	} {
		var got []string
		w := word("p", c.a, 0)
		for _, s := range Show(Words{w}) {
			got = append(got, s.Name+" "+s.Value.Value)
		}
		if strings.Join(got, "; ") != c.want {
			t.Errorf("%T: got\n%s\nwant\n%s", c.a, strings.Join(got, "; "), c.want)
		}
		// Each field that it has is noticed when it goes and when it comes.
		none := word("p", nil, 1)
		for _, pair := range [][2]Word{{w, none}, {none, w}} {
			after, changed := pair[1].After(&pair[0])
			if !changed || len(after.changed) < len(got) {
				t.Errorf("%T: %d of %d changes noticed", c.a, len(after.changed), len(got))
			}
		}
		if _, changed := word("p", c.a, 2).After(&w); changed {
			t.Errorf("%T: a change where there is none", c.a)
		}
	}
}

// The last word counts where nobody alive says that the object is there.
func TestStand(t *testing.T) {
	a := &ls.NodeAttribute{}
	stale := func(w Word) Word { w.Stale = start; return w }
	gone := func(peer string, at int) Word {
		w := word(peer, nil, 0)
		return w.Gone(start.Add(time.Duration(at) * time.Second))
	}
	for _, c := range []struct {
		name string
		ws   Words
		want bool
	}{
		{"nobody", nil, false},
		{"alive", Words{word("p", a, 0), gone("q", 9)}, true},
		{"stale alone", Words{stale(word("p", a, 0))}, true},
		{"withdrawn by another since", Words{stale(word("p", a, 1)), gone("q", 2)}, false},
		{"withdrawn by another before", Words{stale(word("p", a, 2)), gone("q", 1)}, true},
		{"withdrawn by one who is lost now", Words{stale(word("p", a, 1)), stale(gone("q", 2))}, false},
		{"withdrawn alone", Words{gone("q", 2)}, false},
	} {
		if got := c.ws.Stand(); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
		if got := c.ws.Settled().Stand(); got != c.want {
			t.Errorf("%s, settled: %v", c.name, got)
		}
	}
	if got := fmt.Sprint(len(Words{stale(word("p", a, 2)), gone("q", 1)}.Settled())); got != "1" {
		t.Errorf("a withdrawal that does not matter is kept: %s", got)
	}
}
