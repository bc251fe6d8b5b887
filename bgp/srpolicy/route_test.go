package srpolicy_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/bgp/internal/codectest"
	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/bgp/route"
	"github.com/keiro-net/keiro/bgp/srpolicy"
)

var (
	headend = netip.MustParseAddr("192.0.2.7")
	session = route.Session{LocalAS: 65001, LocalAddress: netip.MustParseAddr("192.0.2.1")}
)

// intended is a path as the controller would send it.
func intended() srpolicy.Route {
	return srpolicy.Route{
		CandidatePath: srpolicy.CandidatePath{
			NLRI: srpolicy.NLRI{Distinguisher: 1, Color: 100, Endpoint: netip.MustParseAddr("2001:db8::1")},
			Tunnel: srpolicy.Tunnel{
				Preference: ls.Some[uint32](200),
				SRv6BindingSIDs: []srpolicy.SRv6BindingSID{{
					BindingSIDFlags: srpolicy.BindingSIDFlags{SpecifiedOnly: true},
					SID:             netip.MustParseAddr("5f00:0:1:ffff:1122:3344:5566:7788"),
					Endpoint:        ls.Some(srpolicy.Endpoint{Behavior: 14, Structure: ls.SIDStructure{LocatorBlock: 32, LocatorNode: 16, Function: 16}}),
				}},
				Name: "p1",
				SegmentLists: []srpolicy.SegmentList{{Weight: ls.Some[uint32](3), Segments: []srpolicy.Segment{
					{SID: netip.MustParseAddr("5f00:0:1:e001::"), Endpoint: ls.Some(srpolicy.Endpoint{Behavior: ls.BehaviorEndX, Structure: ls.SIDStructure{LocatorBlock: 32, LocatorNode: 16, Function: 16}})},
					{SID: netip.MustParseAddr("5f00:0:2:d006::"), Verify: true},
				}}},
			},
		},
		Headends: []netip.Addr{headend},
	}
}

// TestAnnounce: the octets, written down from RFC 9830 figures 2 to 17.
func TestAnnounce(t *testing.T) {
	const path = `
		c0176a 000f 0066
		  0c06 00 00 000000c8
		  141a a0 00 5f0000000001ffff1122334455667788 000e 0000 20101000
		  80 0039 00
		    0906 00 00 00000003
		    0d1a 10 00 5f0000000001e0010000000000000000 0005 0000 20101000
		    0d12 80 00 5f0000000002d0060000000000000000
		  81 0003 00 7031`
	const reach = `800e22 0002 49 04 c0000201 00 c0 00000001 00000064 20010db8000000000000000000000001`
	for _, test := range []struct {
		name    string
		session route.Session
		change  func(*srpolicy.Route)
		want    string
	}{
		{"by a route reflector", session, func(*srpolicy.Route) {},
			"0000 00ab" + reach + "40010100 400200 40050400000064 c01008 0102c00002070000" + path},
		{"direct", session, func(r *srpolicy.Route) { r.Direct, r.Headends = true, nil },
			"0000 00a7" + reach + "40010100 400200 40050400000064 c00804 ffffff02" + path},
		{"direct, for a headend, in another AS", route.Session{External: true, LocalAS: 65001, LocalAddress: session.LocalAddress},
			func(r *srpolicy.Route) { r.Direct = true },
			"0000 00b1" + reach + "40010100 40020602010000fde9 c00804 ffffff02 c01008 0102c00002070000" + path},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := intended()
			test.change(&r)
			u, err := r.Announce(test.session)
			if err != nil {
				t.Fatal(err)
			}
			got, err := message.AppendUpdate(nil, u, message.MaxLen)
			if want := codectest.Octets(t, test.want); err != nil || !bytes.Equal(got[message.HeaderLen:], want) {
				t.Fatalf("got  %x, %v\nwant %x", got[message.HeaderLen:], err, want)
			}
			back, faults, err := message.ParseUpdate(got[message.HeaderLen:], !test.session.External)
			if err != nil || len(faults) > 0 {
				t.Fatal(err, faults)
			}
			paths, withdrawn, faults := srpolicy.Parse(&back, false)
			if len(faults)+len(withdrawn) > 0 || !reflect.DeepEqual(paths, []srpolicy.CandidatePath{r.CandidatePath}) {
				t.Fatalf("is read as %+v, withdrawn %v, %v", paths, withdrawn, faults)
			}
			attributes := route.Read(&back)
			if err := paths[0].Usable(attributes, headend); err != nil {
				t.Error(err)
			}
			if err := paths[0].Usable(attributes, netip.MustParseAddr("192.0.2.8")); (err == nil) != (len(r.Headends) == 0) {
				t.Errorf("another headend: %v", err)
			}
		})
	}
}

// TestSubTLV20: all 16 octets of an SRv6 binding SID, where gobgp 4.8 writes 14.
func TestSubTLV20(t *testing.T) {
	b, err := srpolicy.AppendTunnel(nil, srpolicy.Tunnel{SRv6BindingSIDs: []srpolicy.SRv6BindingSID{{SID: netip.MustParseAddr("2001:db8::1:ffff")}}})
	if want := codectest.Octets(t, "000f0014 1412 0000 20010db800000000000000000001ffff"); err != nil || !bytes.Equal(b, want) {
		t.Errorf("got  %x, %v\nwant %x", b, err, want)
	}
}

// TestAnnounceRefuses: the error names the path and what is wrong with it.
func TestAnnounceRefuses(t *testing.T) {
	sid := netip.MustParseAddr("5f00:0:1::")
	for name, change := range map[string]func(*srpolicy.Route){
		"for no headend":     func(r *srpolicy.Route) { r.Headends = nil },
		"no BGP Identifier":  func(r *srpolicy.Route) { r.Headends = append(r.Headends, netip.IPv4Unspecified()) },
		"no BGP Identifier ": func(r *srpolicy.Route) { r.Headends[0] = sid },
		"the endpoint":       func(r *srpolicy.Route) { r.Endpoint = netip.Addr{} },
		"the endpoint ":      func(r *srpolicy.Route) { r.Endpoint = netip.MustParseAddr("fe80::1%eth0") },
		"is no SRv6 SID":     func(r *srpolicy.Route) { r.SegmentLists[0].Segments[1].SID = headend },
		"is no SRv6 SID ":    func(r *srpolicy.Route) { r.SRv6BindingSIDs[0].SID = netip.Addr{} },
		"is no SRv6 SID  ":   func(r *srpolicy.Route) { r.BindingSID = ls.Some(srpolicy.BindingSID{SID: headend}) },
		"into 296 bits":      func(r *srpolicy.Route) { r.SegmentLists[0].Segments[0].Endpoint.Value.Structure.Argument = 232 },
		"a label and an SRv6": func(r *srpolicy.Route) {
			r.BindingSID = ls.Some(srpolicy.BindingSID{Label: ls.Some[uint32](99), SID: sid})
		},
		"the binding SID 15":    func(r *srpolicy.Route) { r.BindingSID = ls.Some(srpolicy.BindingSID{Label: ls.Some[uint32](15)}) },
		"the binding SID 10485": func(r *srpolicy.Route) { r.BindingSID = ls.Some(srpolicy.BindingSID{Label: ls.Some[uint32](1 << 20)}) },
		"5 is no explicit NULL": func(r *srpolicy.Route) { r.ENLP = ls.Some[srpolicy.ENLP](5) },
		"the name":              func(r *srpolicy.Route) { r.Name = strings.Repeat("n", 256) },
		"the name ":             func(r *srpolicy.Route) { r.PolicyName = "a\x1b[2J" },
		"segment of type A":     func(r *srpolicy.Route) { r.SegmentLists[0].Segments[0].Other = srpolicy.SubTLV{Type: 1} },
		"sub-TLV 9 is one":      func(r *srpolicy.Route) { r.SegmentLists[0].Segments[0].Other = srpolicy.SubTLV{Type: 9} },
		"sub-TLV 130 is one":    func(r *srpolicy.Route) { r.Others = []srpolicy.SubTLV{{Type: 130}} },
		"sub-TLV 99 has 256":    func(r *srpolicy.Route) { r.Others = []srpolicy.SubTLV{{99, make([]byte, 256)}} },
		"a segment list takes":  func(r *srpolicy.Route) { r.SegmentLists[0].Segments = times(4000, sid) },
		"the segment lists take": func(r *srpolicy.Route) {
			r.SegmentLists = append(r.SegmentLists, srpolicy.SegmentList{Segments: times(3000, sid)}, srpolicy.SegmentList{Segments: times(3000, sid)})
		},
	} {
		r := intended()
		change(&r)
		u, err := r.Announce(session)
		if err == nil || !strings.HasPrefix(err.Error(), r.NLRI.String()+" cannot be announced: ") || !strings.Contains(err.Error(), strings.TrimSpace(name)) {
			t.Errorf("%s: %+v, %v", name, u, err)
		}
	}
}

// times repeats a segment.
func times(n int, sid netip.Addr) []srpolicy.Segment {
	list := make([]srpolicy.Segment, n)
	for i := range list {
		list[i].SID = sid
	}
	return list
}

// TestTooLong: the path is named, and an extended message would do.
func TestTooLong(t *testing.T) {
	r := intended()
	r.SegmentLists[0].Segments = times(200, netip.MustParseAddr("5f00:0:1::"))
	if _, err := r.Announce(session); !errors.Is(err, message.ErrTooLong) || !strings.Contains(err.Error(), "SR Policy color 100 endpoint 2001:db8::1 distinguisher 1 cannot be announced") {
		t.Errorf("%v", err)
	}
	extended := session
	extended.Extended = true
	if _, err := r.Announce(extended); err != nil {
		t.Error(err)
	}
}

// TestValidity: RFC 9830 section 4.2.1, and what RFC 7606 makes of the names.
func TestValidity(t *testing.T) {
	r := intended()
	gone := srpolicy.NLRI{Color: 9, Endpoint: r.Endpoint}
	for _, test := range []struct {
		name             string
		change           func(u *message.Update)
		spoiled          bool
		paths, withdrawn int
		worst            message.Action
	}{
		{"route target", func(*message.Update) {}, false, 1, 1, 0},
		{"NO_ADVERTISE", func(u *message.Update) {
			set(u, message.CommunitiesType, "ffffff02")
			drop(u, message.ExtendedCommunitiesType)
		}, false, 1, 1, 0},
		{"two paths", func(u *message.Update) { u.Reach.NLRI = append(u.Reach.NLRI, u.Reach.NLRI...) }, false, 2, 1, 0},
		{"neither", func(u *message.Update) { drop(u, message.ExtendedCommunitiesType) }, false, 0, 2, message.TreatAsWithdraw},
		{"NO_EXPORT is not enough", func(u *message.Update) {
			set(u, message.CommunitiesType, "ffffff01")
			drop(u, message.ExtendedCommunitiesType)
		}, false, 0, 2, message.TreatAsWithdraw},
		{"a route target of an AS", func(u *message.Update) { set(u, message.ExtendedCommunitiesType, "0002fde900000001") }, false, 0, 2, message.TreatAsWithdraw},
		{"no tunnel", func(u *message.Update) { drop(u, message.TunnelEncapsulationType) }, false, 0, 2, message.TreatAsWithdraw},
		{"malformed tunnel", func(u *message.Update) { set(u, message.TunnelEncapsulationType, "000f0001") }, false, 0, 2, message.TreatAsWithdraw},
		{"another attribute was malformed", func(*message.Update) {}, true, 0, 2, 0},
		{"a path of another family is skipped", func(u *message.Update) { u.Reach.NLRI = append([]byte{0}, u.Reach.NLRI...) }, false, 1, 1, message.TreatAsWithdraw},
		{"no list of paths", func(u *message.Update) { u.Reach.NLRI = []byte{1} }, false, 0, 1, message.DisableFamily},
		{"no list of paths withdrawn", func(u *message.Update) { u.Unreach.NLRI = []byte{1} }, false, 1, 0, message.DisableFamily},
		{"other families", func(u *message.Update) { u.Reach.Family, u.Unreach.Family = message.IPv6Unicast, message.LinkState }, false, 0, 0, 0},
	} {
		u, err := r.Announce(session)
		if err != nil {
			t.Fatal(err)
		}
		u.Unreach = srpolicy.Withdraw(gone).Unreach
		test.change(&u)
		paths, withdrawn, faults := srpolicy.Parse(&u, test.spoiled)
		worst := message.Action(0)
		for _, f := range faults {
			worst = max(worst, f.Action)
		}
		if len(paths) != test.paths || len(withdrawn) != test.withdrawn || worst != test.worst {
			t.Errorf("%s: %d paths, withdrawn %v, %v", test.name, len(paths), withdrawn, faults)
		}
	}
}

func drop(u *message.Update, of message.AttributeType) {
	u.Attributes = slices.DeleteFunc(u.Attributes, func(a message.Attribute) bool { return a.Type == of })
}

func set(u *message.Update, of message.AttributeType, value string) {
	drop(u, of)
	v, _ := hex.DecodeString(value)
	u.Attributes = append(u.Attributes, message.Attribute{Flags: message.Optional | message.Transitive, Type: of, Value: v})
}

// TestUsable: RFC 9830 section 4.2.2.
func TestUsable(t *testing.T) {
	r, hop := intended(), netip.MustParseAddr("192.0.2.9")
	mine := route.Attributes{ExtendedCommunities: []route.ExtendedCommunity{route.RouteTarget(hop), route.RouteTarget(headend), route.RouteTarget(hop)}}
	if err := r.Usable(mine, headend); err != nil {
		t.Error(err)
	}
	null := route.Attributes{ExtendedCommunities: []route.ExtendedCommunity{route.RouteTarget(netip.IPv4Unspecified())}}
	if err := r.Usable(null, netip.IPv4Unspecified()); err == nil {
		t.Error("a BGP Identifier is not zero")
	}
	r.Others = []srpolicy.SubTLV{{Type: 6}}
	if err := r.Usable(mine, headend); err != nil {
		t.Errorf("what RFC 9012 has for other tunnels is ignored: %v", err)
	}
	r.Others = []srpolicy.SubTLV{{Type: 123}}
	if err := r.Usable(mine, headend); err == nil || !strings.Contains(err.Error(), "123") {
		t.Errorf("an unknown sub-TLV: %v", err)
	}
}
