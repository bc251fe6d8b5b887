package ls

import (
	"bytes"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/keiro-net/keiro/bgp/internal/codectest"
)

// seeds are the captures, and for NLRIs what is made of them for SAFI 72.
func seeds(f *testing.F, add func(nlris, attribute []byte)) {
	codectest.Captures(f, func(name string, a *txtar.Archive) { add(capture(f, name, a)) })
}

// small are the lists of TLVs or NLRIs that cost the most for their size.
func small(f *testing.F) [][]byte {
	var lists [][]byte
	for _, text := range []string{
		"0448 0000", "ffff 0000", "0063 0000", "0001 0000", "0404 0004 0a000001", "0447 0001 00", "040f 0004 80000000",
		"044a 0001 61", "0462 0004 00000000", "0100 0004 ffff 0000", "0452 001a" + strings.Repeat("00", 26),
	} {
		b := codectest.Octets(f, text)
		lists = append(lists, bytes.Repeat(b, 65535/len(b)))
	}
	return lists
}

func FuzzNLRI(f *testing.F) {
	for _, b := range small(f) {
		f.Add(b, false, false)
	}
	seeds(f, func(nlris, _ []byte) {
		f.Add(nlris, false, false)
		routes, _ := DecodeNLRIs(nlris, Family{})
		for _, r := range routes {
			b, err := AppendNLRI(nil, distinguish(r.NLRI, true))
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b, true, false)
			f.Add(append([]byte{0, 0, 0, 1}, b...), true, true)
		}
	})
	f.Fuzz(func(t *testing.T, b []byte, vpn, addPath bool) {
		family := Family{vpn, addPath}
		codectest.Costs(t, len(b), func() { DecodeNLRIs(b, family) })
		routes, faults := DecodeNLRIs(b, family)
		for _, f := range faults {
			if f.Offset < 0 || f.Offset > len(b) || f.Error() == "" || f.Action < DiscardNLRI {
				t.Fatalf("fault %+v in %d octets", *f, len(b))
			}
		}
		for _, r := range routes {
			again, err := AppendNLRI(nil, r.NLRI)
			if err != nil {
				t.Fatalf("%v: %v", r.NLRI, err)
			}
			if !bytes.HasPrefix(b[r.Offset:], again) {
				t.Fatalf("%v is written as\n%x\nand was\n%x", r.NLRI, again, b[r.Offset:])
			}
			_ = r.NLRI.String()
		}
	})
}

func FuzzAttribute(f *testing.F) {
	types := []NLRIType{NodeType, LinkType, IPv4PrefixType, SRv6SIDType, 99}
	for _, b := range small(f) {
		for _, of := range types {
			f.Add(b, uint16(of))
		}
	}
	seeds(f, func(_, attribute []byte) {
		for _, of := range types {
			f.Add(attribute, uint16(of))
		}
	})
	f.Fuzz(func(t *testing.T, b []byte, of uint16) {
		if len(b) > 65535 {
			return // no path attribute is longer
		}
		codectest.Costs(t, len(b), func() { DecodeAttribute(b, NLRIType(of)) })
		stable(t, b, NLRIType(of))
		_, faults := DecodeAttribute(b, NLRIType(of))
		for _, f := range faults {
			if f.Offset < 0 || f.Offset > len(b) || f.Error() == "" || f.Action > DiscardAttribute {
				t.Fatalf("fault %+v in %d octets", *f, len(b))
			}
		}
	})
}
