package report_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/srpolicy"
	"github.com/keiro-net/keiro/bgp/srpolicy/report"
)

var (
	sidA = netip.MustParseAddr("5f00:0:1:e001::")
	sidB = netip.MustParseAddr("5f00:0:2:d006::")
	sidC = netip.MustParseAddr("5f00:0:3:d006::")
	bsid = netip.MustParseAddr("5f00:0:1:b001::")
	end  = ls.SIDStructure{LocatorBlock: 32, LocatorNode: 16, Function: 16}
)

// intended has two segment lists, of weights 1 (by default) and 3.
func intended() srpolicy.CandidatePath {
	x := srpolicy.Segment{SID: sidA, Endpoint: ls.Some(srpolicy.Endpoint{Behavior: ls.BehaviorEndX, Structure: end})}
	return srpolicy.CandidatePath{
		NLRI: srpolicy.NLRI{Distinguisher: 1, Color: 100, Endpoint: netip.MustParseAddr("2001:db8::1")},
		Tunnel: srpolicy.Tunnel{
			SRv6BindingSIDs: []srpolicy.SRv6BindingSID{{SID: bsid}}, Priority: ls.Some[uint8](5),
			SegmentLists: []srpolicy.SegmentList{
				{Segments: []srpolicy.Segment{x, {SID: sidB}}},
				{Weight: ls.Some[uint32](3), Segments: []srpolicy.Segment{{SID: sidC}}},
			},
		},
	}
}

// reported is that path, as a headend reports it that forwards by it. The lists come
// in another order.
func reported() report.State {
	segment := func(sid netip.Addr) report.Segment {
		return report.Segment{Type: 2, Flags: report.SegmentSID | report.SegmentExplicit | report.SegmentVerified, SID: sid}
	}
	const good = report.ListSRv6 | report.ListExplicit | report.ListVerified | report.ListResolved
	x := segment(sidA)
	x.Endpoint = report.Endpoint{Behavior: ls.Some(ls.BehaviorEndX), Structure: ls.Some(end)}
	return report.State{
		NLRI: intended().NLRI, ProtocolOrigin: report.OriginBGP,
		Status:      ls.Some(report.Status{Priority: 5, Preference: 100, Flags: report.Active | report.Evaluated | report.Valid | report.Provisioned}),
		BindingSIDs: []report.BindingSID{{Allocated: true, SID: bsid, Specified: bsid}},
		SegmentLists: []report.SegmentList{
			{Flags: good, Weight: 3, Segments: []report.Segment{segment(sidC)}},
			{Flags: good, Weight: 1, Segments: []report.Segment{x, segment(sidB)}},
		},
	}
}

func flags(set, clear report.StatusFlags) func(*srpolicy.CandidatePath, *report.State) {
	return func(_ *srpolicy.CandidatePath, s *report.State) {
		s.Status.Value.Flags = s.Status.Value.Flags&^clear | set
	}
}

func TestInstalled(t *testing.T) {
	const yes, no, unknown = report.Yes, report.No, report.CannotTell
	type change = func(*srpolicy.CandidatePath, *report.State)
	state := func(f func(*report.State)) change { return func(_ *srpolicy.CandidatePath, s *report.State) { f(s) } }
	for _, test := range []struct {
		name            string
		change          change
		held, installed report.Verdict
		why             string
	}{
		{"as intended", flags(0, 0), yes, yes, ""},
		{"the origin as a PCE reports it", state(func(s *report.State) { s.ProtocolOrigin = 20 }), yes, yes, ""},
		{"another name", state(func(s *report.State) { s.PolicyName = "bgp_c_100" }), yes, yes, ""},
		{"another path", state(func(s *report.State) { s.Distinguisher = 2 }), unknown, unknown, "another path: SR Policy color 100 endpoint 2001:db8::1 distinguisher 2 by BGP"},
		{"of its operator", state(func(s *report.State) { s.ProtocolOrigin = 30 }), unknown, unknown, "another path: SR Policy color 100 endpoint 2001:db8::1 distinguisher 1 by configuration"},

		{"not active", flags(0, report.Active), yes, no, "is not the active path"},
		{"backup", flags(report.Backup, report.Active), yes, no, "is the backup"},
		{"shut", flags(report.AdminShut, 0), no, no, "is shut at the headend"},
		{"not evaluated: V says nothing", flags(0, report.Evaluated), unknown, unknown, "has not evaluated"},
		{"not evaluated, not valid", flags(0, report.Evaluated|report.Valid), unknown, unknown, "has not evaluated"},
		{"invalid", flags(0, report.Valid), no, no, "no valid segment list"},
		{"dropping", flags(report.Dropping, 0), yes, no, "drops the traffic"},
		{"no state", state(func(s *report.State) { s.Status.Known = false }), unknown, unknown, "its state is not reported"},
		{"preference", state(func(s *report.State) { s.Status.Value.Preference = 99 }), no, no, "its preference is 99, not 100"},
		{"priority", state(func(s *report.State) { s.Status.Value.Priority = 128 }), no, no, "its priority is 128, not 5"},
		{"priority that was not sent", func(c *srpolicy.CandidatePath, s *report.State) {
			c.Priority.Known, s.Status.Value.Priority = false, 128
		}, yes, yes, ""},

		{"weight", state(func(s *report.State) { s.SegmentLists[0].Weight = 2 }), no, no, "no segment list [5f00:0:3:d006::] with weight 3"},
		{"a SID", state(func(s *report.State) { s.SegmentLists[1].Segments[1].SID = sidC }), no, no, "[5f00:0:1:e001:: 5f00:0:3:d006::] with weight 1 that was not intended"},
		{"the order of SIDs", state(func(s *report.State) { slices.Reverse(s.SegmentLists[1].Segments) }), no, no, "no segment list [5f00:0:1:e001:: 5f00:0:2:d006::]"},
		{"a list is missing", state(func(s *report.State) { s.SegmentLists = s.SegmentLists[1:] }), no, no, "no segment list [5f00:0:3:d006::]"},
		{"a list too many", state(func(s *report.State) { s.SegmentLists = append(s.SegmentLists, s.SegmentLists[0]) }), no, no, "[5f00:0:3:d006::] with weight 3 that was not intended"},
		{"no lists reported", state(func(s *report.State) { s.SegmentLists = nil }), unknown, unknown, "not reported: segment list [5f00:0:1:e001:: 5f00:0:2:d006::] with weight 1, segment list"},
		{"a SID is not reported", state(func(s *report.State) { s.SegmentLists[0].Segments[0].SID = netip.Addr{} }), unknown, unknown, "not reported: segment list [5f00:0:3:d006::]"},
		{"removed", state(func(s *report.State) { s.SegmentLists[0].Flags |= report.ListRemoved }), no, no, "a monitor found it dead"},
		{"failed", state(func(s *report.State) { s.SegmentLists[0].Flags |= report.ListFailed }), no, no, "could not be computed"},
		{"not verified", state(func(s *report.State) { s.SegmentLists[0].Flags &^= report.ListVerified }), no, no, "failed its verification"},
		{"not resolved", state(func(s *report.State) { s.SegmentLists[0].Flags &^= report.ListResolved }), no, no, "leads nowhere"},
		{"a behavior", state(func(s *report.State) { s.SegmentLists[1].Segments[0].Endpoint.Behavior.Value = 1 }), no, no, "has the behavior 1, not 5"},
		{"a structure", state(func(s *report.State) { s.SegmentLists[1].Segments[0].Endpoint.Structure.Value.Argument = 1 }), no, no, "is divided by"},
		{"no behavior reported", state(func(s *report.State) { s.SegmentLists[1].Segments[0].Endpoint = report.Endpoint{} }), yes, yes, ""},

		{"another binding SID", state(func(s *report.State) { s.BindingSIDs[0].SID = sidA }), yes, no, "its binding SID is 5f00:0:1:e001::, not 5f00:0:1:b001::"},
		{"no binding SID allocated", state(func(s *report.State) { s.BindingSIDs[0].Allocated = false }), yes, no, "its binding SID is none"},
		{"no binding SID reported", state(func(s *report.State) { s.BindingSIDs = nil }), yes, unknown, "its binding SID is not reported"},
		{"any binding SID", func(c *srpolicy.CandidatePath, s *report.State) {
			c.SRv6BindingSIDs[0].SID, s.BindingSIDs = netip.IPv6Unspecified(), nil
		}, yes, yes, ""},
		{"a binding SID in sub-TLV 13", func(c *srpolicy.CandidatePath, _ *report.State) {
			c.SRv6BindingSIDs, c.BindingSID = nil, ls.Some(srpolicy.BindingSID{SID: sidB})
		}, yes, no, "its binding SID is 5f00:0:1:b001::, not 5f00:0:2:d006::"},
		{"a binding label", func(c *srpolicy.CandidatePath, _ *report.State) {
			c.BindingSID = ls.Some(srpolicy.BindingSID{Label: ls.Some[uint32](99)})
		}, yes, unknown, "is a label"},

		{"a part was not read", state(func(s *report.State) { s.Partial = true }), unknown, unknown, "a part of the report"},
		{"a part was not read, a list is missing", state(func(s *report.State) { s.Partial, s.SegmentLists = true, s.SegmentLists[1:] }), unknown, unknown, "not reported"},
		{"unknown sub-TLVs", func(c *srpolicy.CandidatePath, _ *report.State) { c.Others = []srpolicy.SubTLV{{Type: 99}} }, unknown, unknown, "unknown meaning"},
		{"no beats cannot tell", state(func(s *report.State) { s.Partial, s.Status.Value.Preference = true, 99 }), no, no, "its preference"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, s := intended(), reported()
			test.change(&c, &s)
			held, _ := report.Held(c, s)
			installed, why := report.Installed(c, s)
			if held != test.held || installed != test.installed || (installed == yes) != (len(why) == 0) || !strings.Contains(strings.Join(why, "; "), test.why) {
				t.Errorf("held: %v, want %v; installed: %v, want %v: %q, want %q", held, test.held, installed, test.installed, why, test.why)
			}
		})
	}
}

// TestInstalledOffTheWire: what was sent, reported in octets, is installed.
func TestInstalledOffTheWire(t *testing.T) {
	want := reported()
	want.Origin, want.Headend, want.Originator = ls.Origin{Protocol: 9}, ls.NodeDescriptor{BGPRouterID: ls.Some[uint32](1)}, netip.MustParseAddr("192.0.2.1")
	s, faults, ok := decode(t, writeNLRI(want), writeAttribute(want))
	if v, why := report.Installed(intended(), s); !ok || len(faults) > 0 || v != report.Yes {
		t.Errorf("%v %v %v\n%s", v, why, faults, dump(s))
	}
}

// TestNeverYesByChance: a random report is not that of the path.
func TestNeverYesByChance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := states.Draw(t, "state")
		if rapid.Bool().Draw(t, "of the path") {
			s.NLRI, s.ProtocolOrigin = intended().NLRI, report.OriginBGP
		}
		for _, ask := range []func(srpolicy.CandidatePath, report.State) (report.Verdict, []string){report.Held, report.Installed} {
			if v, why := ask(intended(), s); v == report.Yes || len(why) == 0 {
				t.Fatalf("%v %v", v, why)
			}
		}
	})
}
