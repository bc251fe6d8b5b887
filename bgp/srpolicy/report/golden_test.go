package report_test

import (
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/srpolicy/report"
)

var rewrite = flag.Bool("update", false, "rewrite what the golden files want, to be read before it is kept")

// TestCaptures reads what other implementations wrote, by way of package ls, as it
// comes in earnest.
func TestCaptures(t *testing.T) {
	captures(t, func(name string, a *txtar.Archive) {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			state, faults, ok := decode(t, octets(t, string(a.Files[0].Data)), octets(t, string(a.Files[1].Data)))
			if len(faults) > 0 || !ok {
				t.Fatalf("%v", faults)
			}
			got, want := dump(state), &a.Files[2]
			if *rewrite {
				want.Data = []byte(got)
				if err := os.WriteFile(name, txtar.Format(a), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			if got != string(want.Data) {
				t.Errorf("got\n%s\nwant\n%s", got, want.Data)
			}
		})
	})
}

func captures(t testing.TB, each func(name string, a *txtar.Archive)) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no captures: %v", err)
	}
	for _, name := range names {
		a, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		each(name, a)
	}
}

// decode reads an NLRI and its attribute, which package ls must be able to.
func decode(t failer, nlri, attribute []byte) (report.State, ls.Faults, bool) {
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

// failer is what is needed of a testing.TB or a rapid.T.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func octets(t failer, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return b
}
