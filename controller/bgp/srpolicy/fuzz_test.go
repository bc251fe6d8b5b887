package srpolicy_test

import (
	"bytes"
	"runtime"
	"slices"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/keiro-net/keiro/controller/bgp/srpolicy"
	"github.com/keiro-net/keiro/controller/bgp/update"
	"github.com/keiro-net/keiro/controller/bgp/update/apart"
)

// costs fails if decoding allocates out of proportion to its input.
func costs(t *testing.T, size int, decode func()) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	decode()
	runtime.ReadMemStats(&after)
	// What the package promises, garbage counted, and what runs beside the test.
	if got := after.TotalAlloc - before.TotalAlloc; got > uint64(200*size)+1<<20 {
		t.Fatalf("%d octets of input took %d of memory", size, got)
	}
}

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
		costs(t, len(b), func() {
			if p, faults := srpolicy.DecodeTunnel(b); len(faults) == 0 && len(p.SegmentLists)+len(p.Others) == 0 {
				t.Errorf("%s: nothing read, and nothing wrong", name)
			}
		})
	}
	costs(t, 65535, func() { srpolicy.DecodeNLRIs(make([]byte, 65535), update.IPv4SRPolicy) })
}

func FuzzTunnel(f *testing.F) {
	captures(f, func(_ string, a *txtar.Archive) {
		b := apart.Hex(f, string(a.Files[0].Data))
		if a.Files[0].Name == "update.hex" {
			b, _ = apart.Update(f, b).Attribute(update.TunnelEncapsulation)
		}
		f.Add(b)
	})
	f.Add(apart.Hex(f, tunnel(f, preference100+"0d12 4000"+sidOctets+"141a 2000"+sidOctets+behaves+"0e03 0000 04 0f02 0900 810002 0061 820002 0062 1503 010203")))
	f.Add(apart.Hex(f, tunnel(f, list(f, "0d1a 8000"+sidOctets+behaves+"0312 0000"+sidOctets))))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 65535 {
			return // no path attribute is longer
		}
		costs(t, len(b), func() { srpolicy.DecodeTunnel(b) })
		_, faults := srpolicy.DecodeTunnel(b)
		for _, f := range faults {
			if f.Offset < 0 || f.Offset > len(b) || f.Error() == "" || f.Action != update.TreatAsWithdraw {
				t.Fatalf("fault %+v in %d octets", *f, len(b))
			}
		}
		stable(t, b)
	})
}

func FuzzNLRIs(f *testing.F) {
	f.Add(apart.Hex(f, "60 00000001 00000064 c0000201 c0"+sidOctets+sidOctets), false)
	f.Add(apart.Hex(f, "c0 00000001 00000064"+sidOctets), true)
	f.Fuzz(func(t *testing.T, b []byte, v6 bool) {
		family := update.IPv4SRPolicy
		if v6 {
			family = update.IPv6SRPolicy
		}
		costs(t, len(b), func() { srpolicy.DecodeNLRIs(b, family) })
		got, faults := srpolicy.DecodeNLRIs(b, family)
		var again []byte
		for _, n := range got {
			if n.Family() != family {
				t.Fatalf("%v is of %v", n, n.Family())
			}
			again = srpolicy.AppendNLRI(again, n)
		}
		if len(faults) == 0 && !bytes.Equal(again, b) {
			t.Fatalf("%x comes back as\n%x", b, again)
		}
		for _, f := range faults {
			if f.Offset < 0 || f.Offset >= len(b) || f.Action < update.TreatAsWithdraw || f.Error() == "" {
				t.Fatalf("fault %+v in %d octets", *f, len(b))
			}
		}
	})
}
