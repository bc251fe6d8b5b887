package report_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/keiro-net/keiro/bgp/internal/codectest"
	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/srpolicy/report"
)

// TestCaptures reads what other implementations wrote, by way of package ls, as it
// comes in earnest.
func TestCaptures(t *testing.T) {
	codectest.Golden(t, func(t *testing.T, _ string, a *txtar.Archive) string {
		state, faults, ok := decode(t, codectest.Octets(t, string(a.Files[0].Data)), codectest.Octets(t, string(a.Files[1].Data)))
		if len(faults) > 0 || !ok {
			t.Fatalf("%v", faults)
		}
		return dump(state)
	})
}

// decode reads an NLRI and its attribute, which package ls must be able to.
func decode(t codectest.Failer, nlri, attribute []byte) (report.State, ls.Faults, bool) {
	t.Helper()
	routes, faults := ls.DecodeNLRIs(nlri, ls.Family{})
	if len(faults) > 0 || len(routes) != 1 {
		t.Fatalf("%x is %v, %v", nlri, routes, faults)
	}
	a, faults := ls.DecodeAttribute(attribute, report.CandidatePathType)
	if len(faults) > 0 {
		t.Fatalf("%x: %v", attribute, faults)
	}
	return report.Decode(routes[0].NLRI.(ls.Opaque), a.(*ls.OpaqueAttribute).Raw)
}

// dump writes what is known of a path, a line for each thing.
func dump(s report.State) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("%v\nby %v, AS %d, %v", s.NLRI, s.ProtocolOrigin, s.OriginatorAS, s.Originator)
	line("headend %v %v, %v", s.Headend, s.RouterIDs(), s.Origin)
	if v, ok := s.Status.Get(); ok {
		line("preference %d, priority %d, flags %#x", v.Preference, v.Priority, v.Flags)
	}
	for _, n := range s.BindingSIDs {
		line("binding SID %+v", n)
	}
	for _, l := range s.SegmentLists {
		line("segment list of weight %d, topology %d, algorithm %d, flags %#x", l.Weight, l.MultiTopology, l.Algorithm, l.Flags)
		for _, g := range l.Segments {
			line("  type %d, flags %#x, %v %+v", g.Type, g.Flags, g.SID, g.Endpoint)
		}
		for _, r := range l.Raw {
			line("  TLV %d: %x", r.Type, r.Value)
		}
	}
	line("name %q, policy %q, partial %v", s.Name, s.PolicyName, s.Partial)
	for _, r := range s.Raw {
		line("TLV %d: %x", r.Type, r.Value)
	}
	return b.String()
}
