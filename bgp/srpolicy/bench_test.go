package srpolicy_test

import (
	"net/netip"
	"testing"

	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/bgp/srpolicy"
)

// BenchmarkAnnounce: a path of two lists of ten SIDs, to octets and back.
func BenchmarkAnnounce(b *testing.B) {
	r := intended()
	for i := range r.SegmentLists {
		r.SegmentLists[i].Segments = times(10, netip.MustParseAddr("5f00:0:1::"))
	}
	r.SegmentLists = append(r.SegmentLists, r.SegmentLists[0])
	var octets []byte
	b.Run("write", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			u, err := r.Announce(session)
			if err != nil {
				b.Fatal(err)
			}
			if octets, err = message.AppendUpdate(octets[:0], u, message.MaxLen); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			u, _, err := message.ParseUpdate(octets[message.HeaderLen:], true)
			if err != nil {
				b.Fatal(err)
			}
			if paths, _, _ := srpolicy.Parse(&u, false); len(paths) != 1 {
				b.Fatal("no path")
			}
		}
	})
}
