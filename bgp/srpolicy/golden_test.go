package srpolicy_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/keiro-net/keiro/bgp/internal/codectest"
	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/bgp/route"
	"github.com/keiro-net/keiro/bgp/srpolicy"
)

// TestCaptures reads what other implementations wrote.
func TestCaptures(t *testing.T) { codectest.Golden(t, readCapture) }

func readCapture(t *testing.T, _ string, a *txtar.Archive) string {
	var s strings.Builder
	b := codectest.Octets(t, string(a.Files[0].Data))
	if a.Files[0].Name == "update.hex" {
		u, faults, err := message.ParseUpdate(b[message.HeaderLen:], true)
		if err != nil || len(faults) > 0 {
			t.Fatal(err, faults)
		}
		paths, withdrawn, faults := srpolicy.Parse(&u, false)
		fmt.Fprintf(&s, "paths %v, withdrawn %v\n", paths, withdrawn)
		for _, f := range faults {
			fmt.Fprintf(&s, "fault: %v\n", f)
		}
		attributes := route.Read(&u)
		fmt.Fprintf(&s, "next hop %v\n", attributes.NextHop)
		b = attributes.Tunnel
	}
	tunnel, fault := srpolicy.ParseTunnel(b)
	if fault != nil {
		t.Fatal(fault)
	}
	s.WriteString(dump(tunnel))
	stable(t, b)
	return s.String()
}

// dump writes what is known of a path, a line for each thing.
func dump(p srpolicy.Tunnel) string {
	var s strings.Builder
	line := func(known bool, format string, args ...any) {
		if known {
			fmt.Fprintf(&s, format+"\n", args...)
		}
	}
	line(p.Preference.Known, "preference %d", p.Preference.Value)
	if b := p.BindingSID.Value; p.BindingSID.Known {
		line(true, "binding SID %+v", b.BindingSIDFlags)
		line(b.Label.Known, "  label %d", b.Label.Value)
		line(b.SID.IsValid(), "  SID %v", b.SID)
	}
	for _, b := range p.SRv6BindingSIDs {
		line(true, "SRv6 binding SID %v %+v", b.SID, b.BindingSIDFlags)
		line(b.Endpoint.Known, "  %+v", b.Endpoint.Value)
	}
	line(p.Priority.Known, "priority %d", p.Priority.Value)
	line(p.ENLP.Known, "ENLP %d", p.ENLP.Value)
	line(p.Name != "", "name %s", p.Name)
	line(p.PolicyName != "", "policy %s", p.PolicyName)
	for _, l := range p.SegmentLists {
		line(true, "segment list")
		line(l.Weight.Known, "  weight %d", l.Weight.Value)
		for _, g := range l.Segments {
			line(g.SID.IsValid(), "  SID %v verify %v", g.SID, g.Verify)
			line(g.Endpoint.Known, "    %+v", g.Endpoint.Value)
			line(g.Other.Type != 0, "  sub-TLV %d: %x", g.Other.Type, g.Other.Value)
		}
	}
	for _, o := range p.Others {
		line(true, "sub-TLV %d: %x", o.Type, o.Value)
	}
	line(len(p.Unsupported()) > 0, "unsupported: %v", p.Unsupported())
	return s.String()
}

// stable checks what holds of every attribute that can be read and written: written
// and read again it is the same, and written again it is the same octets.
func stable(t testing.TB, b []byte) {
	t.Helper()
	tunnel, fault := srpolicy.ParseTunnel(b)
	if fault != nil {
		return
	}
	once, err := srpolicy.AppendTunnel(nil, tunnel)
	if err != nil {
		return // a label that nobody may use, say
	}
	back, fault := srpolicy.ParseTunnel(once)
	if fault != nil || dump(back) != dump(tunnel) {
		t.Fatalf("%x is\n%s\nand comes back as %v\n%s", b, dump(tunnel), fault, dump(back))
	}
	if twice, err := srpolicy.AppendTunnel(nil, back); err != nil || !bytes.Equal(once, twice) {
		t.Fatalf("written as\n%x\nthen as\n%x, %v", once, twice, err)
	}
}
