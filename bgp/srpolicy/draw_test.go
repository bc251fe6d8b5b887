package srpolicy_test

import (
	"net/netip"
	"unicode"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/srpolicy"
)

func opt[V any](t *rapid.T, g *rapid.Generator[V]) ls.Opt[V] {
	if !rapid.Bool().Draw(t, "") {
		return ls.Opt[V]{}
	}
	return ls.Some(g.Draw(t, ""))
}

func some[V any](t *rapid.T, n int, g *rapid.Generator[V]) []V {
	s := rapid.SliceOfN(g, 0, n).Draw(t, "")
	if len(s) == 0 {
		return nil
	}
	return s
}

var (
	v4   = rapid.Map(rapid.SliceOfN(rapid.Byte(), 4, 4), func(b []byte) netip.Addr { return netip.AddrFrom4([4]byte(b)) })
	v6   = rapid.Map(rapid.SliceOfN(rapid.Byte(), 16, 16), func(b []byte) netip.Addr { return netip.AddrFrom16([16]byte(b)) })
	name = rapid.StringOfN(rapid.RuneFrom(nil, &unicode.RangeTable{R16: []unicode.Range16{{Lo: ' ', Hi: '~', Stride: 1}}, LatinOffset: 1}), 0, 255, 255)

	flags = rapid.Custom(func(t *rapid.T) srpolicy.BindingSIDFlags {
		return srpolicy.BindingSIDFlags{SpecifiedOnly: rapid.Bool().Draw(t, ""), DropUponInvalid: rapid.Bool().Draw(t, "")}
	})
	endpoints = rapid.Custom(func(t *rapid.T) srpolicy.Endpoint {
		part := rapid.ByteRange(0, 32)
		return srpolicy.Endpoint{Behavior: rapid.Uint16().Draw(t, ""), Structure: ls.SIDStructure{
			LocatorBlock: part.Draw(t, ""), LocatorNode: part.Draw(t, ""), Function: part.Draw(t, ""), Argument: part.Draw(t, "")}}
	})
	nlris = rapid.Custom(func(t *rapid.T) srpolicy.NLRI {
		return srpolicy.NLRI{Distinguisher: rapid.Uint32().Draw(t, ""), Color: rapid.Uint32().Draw(t, ""), Endpoint: rapid.OneOf(v4, v6).Draw(t, "")}
	})
	segments = rapid.Custom(func(t *rapid.T) srpolicy.Segment {
		if rapid.IntRange(0, 4).Draw(t, "") == 0 {
			return srpolicy.Segment{Other: others(t, 3, 4, 16, 200)}
		}
		return srpolicy.Segment{SID: v6.Draw(t, ""), Verify: rapid.Bool().Draw(t, ""), Endpoint: opt(t, endpoints)}
	})
)

func others(t *rapid.T, types ...uint8) srpolicy.SubTLV {
	return srpolicy.SubTLV{Type: rapid.SampledFrom(types).Draw(t, ""), Value: append([]byte{}, rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "")...)}
}

// tunnels are all that can be sent.
var tunnels = rapid.Custom(func(t *rapid.T) srpolicy.Tunnel {
	p := srpolicy.Tunnel{
		Preference: opt(t, rapid.Uint32()), Priority: opt(t, rapid.Byte()),
		ENLP: opt(t, rapid.SampledFrom([]srpolicy.ENLP{1, 2, 3, 4})),
		Name: name.Draw(t, ""), PolicyName: name.Draw(t, ""),
		SRv6BindingSIDs: some(t, 2, rapid.Custom(func(t *rapid.T) srpolicy.SRv6BindingSID {
			return srpolicy.SRv6BindingSID{BindingSIDFlags: flags.Draw(t, ""), SID: v6.Draw(t, ""), Endpoint: opt(t, endpoints)}
		})),
		SegmentLists: some(t, 3, rapid.Custom(func(t *rapid.T) srpolicy.SegmentList {
			return srpolicy.SegmentList{Weight: opt(t, rapid.Uint32()), Segments: some(t, 6, segments)}
		})),
		Others: some(t, 2, rapid.Custom(func(t *rapid.T) srpolicy.SubTLV { return others(t, 4, 6, 21, 127, 128+3, 255) })),
	}
	switch rapid.IntRange(0, 3).Draw(t, "") {
	case 0:
		p.BindingSID = ls.Some(srpolicy.BindingSID{BindingSIDFlags: flags.Draw(t, "")})
	case 1:
		p.BindingSID = ls.Some(srpolicy.BindingSID{BindingSIDFlags: flags.Draw(t, ""), Label: ls.Some(rapid.Uint32Range(16, 1<<20-1).Draw(t, ""))})
	case 2:
		p.BindingSID = ls.Some(srpolicy.BindingSID{BindingSIDFlags: flags.Draw(t, ""), SID: v6.Draw(t, "")})
	}
	return p
})
