package report_test

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/keiro-net/keiro/bgp/internal/codectest"
	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/srpolicy/report"
)

const (
	origin     = "09 0000000000000000"
	node       = "0100 0008 0200 0004 0000fde9"
	descriptor = "022a 0018 02000000 c0000201 00000064 0000fde9 c0000207 00000001"
)

func TestNLRIFaults(t *testing.T) {
	for _, test := range []struct{ name, body, want string }{
		{"nothing wrong", origin + node + descriptor, ""},
		{"unknown TLVs stay in the key", origin + node + descriptor + "03e7 0001 00", ""},
		{"ends within its origin", "09 0000", "type 5 NLRI, number 1 of the list: at octet 0 ends within"},
		{"no headend", origin + descriptor, "TLV 256 at octet 13 is missing"},
		{"no descriptor", origin + node, "TLV 554 at octet 0 is missing"},
		{"out of order", origin + descriptor + node, "TLV 256 at octet 41 is out of order"},
		{"descriptor of 3 octets", origin + node + "022a 0003 020000", "TLV 554 at octet 25 has 3 octets, want 24, 36 or 48"},
		{"flag for an IPv6 endpoint", origin + node + strings.Replace(descriptor, "0200", "0280", 1), "TLV 554 at octet 25 has 24 octets, want 36"},
		{"flags for two IPv6 addresses", origin + node + strings.Replace(descriptor, "0200", "02c0", 1), "TLV 554 at octet 25 has 24 octets, want 48"},
		{"overrun", origin + node + "022a 0018", "TLV 554 at octet 25 overruns"},
	} {
		_, faults, ok := report.Decode(ls.Opaque{NLRIType: report.CandidatePathType, Body: string(codectest.Octets(t, test.body))}, nil)
		if ok != (test.want == "") || len(faults) > 0 != (test.want != "") {
			t.Errorf("%s: ok %v, %v", test.name, ok, faults)
		}
		for _, f := range faults {
			if f.Action != ls.DiscardNLRI || f.Object != report.CandidatePathType || !strings.Contains(f.Error(), test.want) {
				t.Errorf("%s: %v, want %s", test.name, f, test.want)
			}
		}
	}
	for _, o := range []ls.Opaque{{NLRIType: 99}, {NLRIType: report.CandidatePathType, Body: strings.Repeat("x", 1<<16)}} {
		if _, faults, ok := report.Decode(o, nil); ok || len(faults) != 1 {
			t.Errorf("%v: %v", o, faults)
		}
	}
	o := ls.Opaque{RD: ls.Some(ls.RouteDistinguisher{7: 9}), NLRIType: report.CandidatePathType, Body: string(codectest.Octets(t, origin+node+descriptor))}
	if s, _, _ := report.Decode(o, nil); s.Origin.RD != o.RD {
		t.Errorf("route distinguisher %v", s.Origin.RD)
	}
}

func TestAttributeFaults(t *testing.T) {
	const segment = "04b6 0015 0200 c000 5f000000000100000000000000000000 00"
	for _, test := range []struct {
		name  string
		of    uint16
		value string
		want  string // "" for nothing wrong
	}{
		{"state of 7 octets", 1202, "00000000000000", "TLV 1202 at octet 0 has 7 octets, want 8"},
		{"binding SID of SRv6, deprecated, of 12 octets", 1201, "c0000000 0000000000000000", "TLV 1201 at octet 0 has 12 octets, want 36"},
		{"binding SID of 35 octets", 1212, strings.Repeat("00", 35), "TLV 1212 at octet 0 has 35 octets, want at least 36"},
		{"binding SID, sub-TLV overruns", 1212, strings.Repeat("00", 36) + "04e2 0004", "TLV 1212 at octet 0 has a sub-TLV that overruns it"},
		{"binding SID, behavior of 2 octets", 1212, strings.Repeat("00", 36) + "04e2 0002 0012", "TLV 1212 at octet 0 has a sub-TLV 1250 of 2 octets, want 4"},
		{"binding SID, unknown sub-TLV", 1212, strings.Repeat("00", 36) + "ffff 0001 00", ""},
		{"list of 11 octets", 1205, strings.Repeat("00", 11), "TLV 1205 at octet 0 has 11 octets, want at least 12"},
		{"list, sub-TLV overruns", 1205, strings.Repeat("00", 12) + "04b6 0004", "TLV 1205 at octet 0 has a sub-TLV that overruns it"},
		{"list, second segment of 3 octets", 1205, strings.Repeat("00", 12) + segment + "04b6 0003 000000", "has a segment, number 2, that has 3 octets, want at least 4"},
		{"list, segment B of 20 octets", 1205, strings.Repeat("00", 12) + "04b6 0014 0200 c000" + strings.Repeat("00", 16), "has a segment, number 1, that has 20 octets, want at least 21"},
		{"list of nothing", 1205, strings.Repeat("00", 12), ""},
		{"list of a segment", 1205, strings.Repeat("00", 12) + segment, ""},
		{"name that no terminal should see", 1203, "1b5b", ""},
		{"unknown", 1300, "", ""},
	} {
		o := ls.Opaque{NLRIType: report.CandidatePathType, Body: string(codectest.Octets(t, origin+node+descriptor))}
		given := []ls.TLV{{Type: test.of, Value: codectest.Octets(t, test.value)}}
		s, faults, ok := report.Decode(o, given)
		if !ok || len(faults) > 0 != (test.want != "") || s.Partial != (test.want != "") {
			t.Errorf("%s: ok %v, partial %v, %v", test.name, ok, s.Partial, faults)
			continue
		}
		for _, f := range faults {
			if f.Action != ls.IgnoreTLV || !f.Attribute || !strings.Contains(f.Error(), test.want) {
				t.Errorf("%s: %v, want %s", test.name, f, test.want)
			}
			if len(s.Raw) != 1 || s.Raw[0].Type != test.of {
				t.Errorf("%s: what is wrong is not kept", test.name)
			}
		}
	}
}

// TestFirstCounts: RFC 9857 section 5, of those of which there may be one.
func TestFirstCounts(t *testing.T) {
	o := ls.Opaque{NLRIType: report.CandidatePathType, Body: string(codectest.Octets(t, origin+node+descriptor))}
	s, faults, _ := report.Decode(o, []ls.TLV{
		{Type: 1202, Value: []byte{1, 0, 0, 0, 0, 0, 0, 1}}, {Type: 1202, Value: []byte{2, 0, 0, 0, 0, 0, 0, 2}},
		{Type: 1203, Value: []byte("one")}, {Type: 1203, Value: []byte("two")},
		// The deprecated TLV 1201 with D, B, U and F.
		{Type: 1201, Value: append([]byte{0xe8, 0, 0, 0}, make([]byte, 32)...)},
	})
	if len(faults) > 0 || s.Status.Value.Preference != 1 || s.Name != "one" {
		t.Errorf("%v\n%s", faults, dump(s))
	}
	if b := s.BindingSIDs[0]; !b.Allocated || !b.Unavailable || !b.Fallback || b.SID != netip.IPv6Unspecified() {
		t.Errorf("%+v", b)
	}
}

func TestCosts(t *testing.T) {
	o := ls.Opaque{NLRIType: report.CandidatePathType, Body: string(codectest.Octets(t, origin+node+descriptor))}
	for name, unit := range map[string]string{
		"empty sub-TLVs": "04b7 0000", "small segments": "04b6 0004 00000000", "unknown sub-TLVs of a segment": "04b6 0019 0200 c000" + strings.Repeat("00", 17) + "ffff 0000",
	} {
		b := codectest.Octets(t, unit)
		value := append(make([]byte, 12), bytes.Repeat(b, 65000/len(b))...)
		codectest.Costs(t, len(value), func() {
			if _, faults, _ := report.Decode(o, []ls.TLV{{Type: 1205, Value: value}}); len(faults) > 0 {
				t.Errorf("%s: %v", name, faults)
			}
		})
	}
	wrong := make([]ls.TLV, 16000)
	for i := range wrong {
		wrong[i].Type = 1202
	}
	codectest.Costs(t, 4*len(wrong), func() {
		if _, faults, _ := report.Decode(o, wrong); len(faults) != ls.MaxFaults || faults[ls.MaxFaults-1].More == 0 {
			t.Errorf("%d faults", len(faults))
		}
	})
}

func FuzzDecode(f *testing.F) {
	codectest.Captures(f, func(_ string, a *txtar.Archive) {
		f.Add(codectest.Octets(f, string(a.Files[0].Data))[4:], codectest.Octets(f, string(a.Files[1].Data)))
	})
	f.Fuzz(func(t *testing.T, body, attribute []byte) {
		if len(body)+len(attribute) > 65535 {
			return // no message is longer
		}
		a, faults := ls.DecodeAttribute(attribute, report.CandidatePathType)
		if len(faults) > 0 {
			return // and its TLVs are none
		}
		tlvs, o := a.(*ls.OpaqueAttribute).Raw, ls.Opaque{NLRIType: report.CandidatePathType, Body: string(body)}
		codectest.Costs(t, len(body)+len(attribute), func() { report.Decode(o, tlvs) })
		s, faults, ok := report.Decode(o, tlvs)
		for _, f := range faults {
			if f.Error() == "" || f.Offset < 0 || f.Offset > len(body)+4 || ok != (f.Action == ls.IgnoreTLV) {
				t.Fatalf("fault %+v", *f)
			}
		}
		if !ok {
			return
		}
		s.RouterIDs()
		// What no one intended is never installed.
		if v, why := report.Installed(intended(), s); v == report.Yes || len(why) == 0 {
			t.Fatalf("%v %v\n%s", v, why, dump(s))
		}
	})
}
