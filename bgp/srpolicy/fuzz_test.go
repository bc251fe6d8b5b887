package srpolicy_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/keiro-net/keiro/bgp/internal/codectest"
	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/bgp/route"
	"github.com/keiro-net/keiro/bgp/srpolicy"
)

// TestCosts: what costs the most for its size.
func TestCosts(t *testing.T) {
	full := func(head, unit []byte, tail int) []byte {
		b := slices.Concat(head, bytes.Repeat(unit, (65535-len(head)-tail)/len(unit)))
		return b
	}
	frame := func(subTLVs []byte) []byte {
		return append([]byte{0, 15, byte(len(subTLVs) >> 8), byte(len(subTLVs))}, subTLVs...)
	}
	inList := full([]byte{0}, []byte{3, 0}, 10)
	for name, b := range map[string][]byte{
		"empty segments":      frame(append([]byte{128, byte(len(inList) >> 8), byte(len(inList))}, inList...)),
		"empty segment lists": frame(full(nil, []byte{128, 0, 1, 0}, 10)),
		"empty sub-TLVs":      frame(full(nil, []byte{30, 0}, 10)),
		"malformed sub-TLVs":  frame(full(nil, []byte{12, 0}, 10)),
		"empty tunnels":       full(nil, []byte{0, 15, 0, 0}, 0),
	} {
		codectest.Costs(t, len(b), func() {
			if p, fault := srpolicy.ParseTunnel(b); fault == nil && len(p.SegmentLists)+len(p.Others) == 0 {
				t.Errorf("%s: nothing read, and nothing wrong", name)
			}
		})
	}
	codectest.Costs(t, 65535, func() { _, _ = srpolicy.ParseNLRIs(make([]byte, 65535), message.IPv4SRPolicy) })
}

func FuzzTunnel(f *testing.F) {
	codectest.Captures(f, func(_ string, a *txtar.Archive) {
		b := codectest.Octets(f, string(a.Files[0].Data))
		if a.Files[0].Name == "update.hex" {
			u, _, err := message.ParseUpdate(b[message.HeaderLen:], true)
			if err != nil {
				f.Fatal(err)
			}
			b = route.Read(&u).Tunnel
		}
		f.Add(b)
	})
	f.Add(codectest.Octets(f, tunnel(f, preference100+"0d12 4000"+sidOctets+"141a 2000"+sidOctets+behaves+"0e03 0000 04 0f02 0900 810002 0061 820002 0062 1503 010203")))
	f.Add(codectest.Octets(f, tunnel(f, list(f, "0d1a 8000"+sidOctets+behaves+"0312 0000"+sidOctets))))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 65535 {
			return // no path attribute is longer
		}
		codectest.Costs(t, len(b), func() { _, _ = srpolicy.ParseTunnel(b) })
		if _, fault := srpolicy.ParseTunnel(b); fault != nil && (fault.Error() == "" || fault.Action != message.TreatAsWithdraw) {
			t.Fatalf("fault %+v in %d octets", *fault, len(b))
		}
		stable(t, b)
	})
}

func FuzzNLRIs(f *testing.F) {
	f.Add(codectest.Octets(f, "60 00000001 00000064 c0000201 c0"+sidOctets+sidOctets), false)
	f.Add(codectest.Octets(f, "c0 00000001 00000064"+sidOctets), true)
	f.Fuzz(func(t *testing.T, b []byte, v6 bool) {
		family := message.IPv4SRPolicy
		if v6 {
			family = message.IPv6SRPolicy
		}
		codectest.Costs(t, len(b), func() { _, _ = srpolicy.ParseNLRIs(b, family) })
		got, fault := srpolicy.ParseNLRIs(b, family)
		var again []byte
		for _, n := range got {
			if n.Family() != family {
				t.Fatalf("%v is of %v", n, n.Family())
			}
			again = srpolicy.AppendNLRI(again, n)
		}
		switch {
		case fault == nil && !bytes.Equal(again, b):
			t.Fatalf("%x comes back as\n%x", b, again)
		case fault != nil && (fault.Error() == "" || fault.Action == message.DisableFamily && len(got) > 0):
			t.Fatalf("fault %+v, and %v", *fault, got)
		}
	})
}

// FuzzUpdate: whole messages, from the speaker's parser on.
func FuzzUpdate(f *testing.F) {
	codectest.Captures(f, func(_ string, a *txtar.Archive) {
		if a.Files[0].Name == "update.hex" {
			f.Add(codectest.Octets(f, string(a.Files[0].Data))[message.HeaderLen:])
		}
	})
	for _, direct := range []bool{false, true} {
		r := intended()
		r.Direct = direct
		u, err := r.Announce(session)
		if err != nil {
			f.Fatal(err)
		}
		u.Unreach = &message.Unreach{Family: message.IPv4SRPolicy, NLRI: codectest.Octets(f, "60 00000001 00000064 c0000201")}
		b, err := message.AppendUpdate(nil, u, message.MaxLen)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b[message.HeaderLen:])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > message.MaxExtended {
			return
		}
		u, faults, err := message.ParseUpdate(b, true)
		if err != nil {
			return
		}
		paths, withdrawn, more := srpolicy.Parse(&u, message.Withdraw(faults))
		if len(paths)+len(withdrawn) > len(b)/13 {
			t.Fatalf("%d paths and %d withdrawn in %d octets", len(paths), len(withdrawn), len(b))
		}
		for _, f := range more {
			if f.Error() == "" || f.Action < message.TreatAsWithdraw {
				t.Fatalf("fault %+v", *f)
			}
		}
		a := route.Read(&u)
		for _, p := range paths {
			if len(a.RouteTargets()) == 0 && !a.Has(route.NoAdvertise) {
				t.Fatalf("%v is for nobody", p.NLRI)
			}
			_ = p.Usable(a, headend)
		}
	})
}
