package nodecfg

import (
	"fmt"
	"net/netip"
	"testing"
)

// BenchmarkSwitch is what an agent with 200 policies thinks between the word
// of a probe and the operation.
func BenchmarkSwitch(b *testing.B) {
	c := &Config{Revision: 1, Node: "n1", Locator: locator(1)}
	for i := range 8 {
		c.Links = append(c.Links, Link{Name: fmt.Sprint("l", i), Interface: fmt.Sprint("eth", i), Peer: "p",
			ID: uint16(i + 1), PeerID: 1, PeerLocator: locator(i + 2)})
	}
	for i := range 200 {
		p := Policy{Intent: fmt.Sprint("p", i), ID: uint16(i + 1)}
		p.Traffic = []Selector{{From: netip.MustParsePrefix("10.1.0.0/16"), To: netip.MustParsePrefix(fmt.Sprintf("10.2.%d.0/24", i)), Pref: uint16(i)}}
		for j := range 2 {
			l := c.Links[(i+j)%8]
			p.Paths = append(p.Paths, Path{Name: fmt.Sprintf("p%d/%d", i, j), Link: l.Name, Tail: locator(30),
				Segments: []netip.Addr{IngressEnd(l.PeerLocator, l.PeerID), EndX(locator(9), 1), EndX(locator(10), 1)}})
		}
		c.Policies = append(c.Policies, p)
	}
	if err := c.Validate(); err != nil {
		b.Fatal(err)
	}
	down := map[string]bool{"p7/0": true}
	for b.Loop() {
		out := c.LeftOut(nil, down, nil, nil, nil)
		if ops := c.Switch(nil, out); len(ops) != 1 {
			b.Fatal(ops)
		}
	}
}
