package ls

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"slices"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

var printable = &unicode.RangeTable{R16: []unicode.Range16{{Lo: ' ', Hi: '~', Stride: 1}}, LatinOffset: 1}

// floored is the rate that is left of one after it was sent.
func floored(r BitsPerSecond) BitsPerSecond {
	back, _ := bandwidth(r.octets())
	return back
}

func TestRoundTripNLRIs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := draw(t, rapid.SliceOfN(anyNLRI, 0, 5))
		f := Family{VPN: draw(t, rapid.Bool()), AddPath: draw(t, rapid.Bool())}
		var b []byte
		var want []Route
		for i, n := range list {
			if n = distinguish(n, f.VPN); f.AddPath {
				b = binary.BigEndian.AppendUint32(b, uint32(i))
			}
			r := Route{NLRI: n, Offset: len(b)}
			if f.AddPath {
				r.PathID = uint32(i)
			}
			want = append(want, r)
			var err error
			if b, err = AppendNLRI(b, n); err != nil {
				t.Fatalf("%v: %v", n, err)
			}
		}
		got, faults := DecodeNLRIs(b, f)
		if len(faults) > 0 {
			t.Fatalf("%x: %v", b, faults[0])
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%x\ngot  %+v\nwant %+v", b, got, want)
		}
	})
}

// distinguish gives an NLRI a route distinguisher, or takes it.
func distinguish(n NLRI, vpn bool) NLRI {
	rd := Opt[RouteDistinguisher]{}
	if vpn {
		rd = Some(RouteDistinguisher{1: 2, 7: 9})
	}
	switch n := n.(type) {
	case Node:
		n.RD = rd
		return n
	case Link:
		n.RD = rd
		return n
	case Prefix:
		n.RD = rd
		return n
	case SRv6SID:
		n.RD = rd
		return n
	}
	o := n.(Opaque)
	o.RD = rd
	return o
}

// TestKeys: keys are equal exactly if the octets are.
func TestKeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rib := map[NLRI]string{}
		seen := map[string]bool{}
		for range 20 {
			// Small values, so that some are equal.
			n := Node{Origin: Origin{Protocol: ISISLevel2, Identifier: draw(t, rapid.Uint64Range(0, 1))}}
			n.Local.AutonomousSystem = opt(t, rapid.Uint32Range(0, 1))
			n.Local.IGPRouterID, _ = NewIGPRouterID(make([]byte, draw(t, rapid.SampledFrom([]int{4, 6, 7}))))
			if draw(t, rapid.Bool()) {
				n.Unknown = string(appendRaw(nil, TLV{700, make([]byte, draw(t, rapid.IntRange(0, 1)))}))
			}
			b, err := AppendNLRI(nil, n)
			if err != nil {
				t.Fatal(err)
			}
			routes, _ := DecodeNLRIs(b, Family{})
			if had, ok := rib[routes[0].NLRI]; ok != seen[string(b)] || ok && had != string(b) {
				t.Fatalf("%x is the key of %x", b, had)
			}
			rib[routes[0].NLRI], seen[string(b)] = string(b), true
		}
	})
}

func TestRoundTripAttributes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := draw(t, anyAttribute)
		b, err := AppendAttribute(nil, want.a)
		if err != nil {
			t.Fatal(err)
		}
		if !ascending(b) {
			t.Fatalf("not ascending: %x", b)
		}
		got, faults := DecodeAttribute(b, want.of)
		if len(faults) > 0 {
			t.Fatalf("%x: %v", b, faults[0])
		}
		if !reflect.DeepEqual(got, want.a) {
			t.Fatalf("%x\ngot\n%s\nwant\n%s", b, dump(got), dump(want.a))
		}
		if again, _ := AppendAttribute(nil, got); !bytes.Equal(again, b) {
			t.Fatalf("got  %x\nwant %x", again, b)
		}
	})
}

func ascending(b []byte) bool {
	last := uint16(0)
	for len(b) > 0 {
		tlv, rest, ok := split(b)
		if !ok || tlv.Type < last {
			return false
		}
		last, b = tlv.Type, rest
	}
	return true
}

// TestShuffledAttribute: the order of TLVs of different types says nothing.
func TestShuffledAttribute(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := draw(t, anyAttribute)
		b, _ := AppendAttribute(nil, want.a)
		byTypes := map[uint16][]byte{}
		var types []uint16
		for rest := b; len(rest) > 0; {
			tlv, after, _ := split(rest)
			if byTypes[tlv.Type] == nil {
				types = append(types, tlv.Type)
			}
			byTypes[tlv.Type] = append(byTypes[tlv.Type], rest[:len(rest)-len(after)]...)
			rest = after
		}
		var shuffled []byte
		for _, tlv := range draw(t, rapid.Permutation(types)) {
			shuffled = append(shuffled, byTypes[tlv]...)
		}
		got, faults := DecodeAttribute(shuffled, want.of)
		if len(faults) > 0 || !reflect.DeepEqual(got, want.a) {
			t.Fatalf("%x\ngot %v\n%s\nwant\n%s", shuffled, faults, dump(got), dump(want.a))
		}
	})
}
