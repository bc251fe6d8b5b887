package bgp

import (
	"testing"

	"github.com/keiro-net/keiro/bgp/fsm"
	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/message"
)

// TestMalformed: what is wrong with one object costs that object; what cannot
// be read costs the family or, where there is no other, the session.
func TestMalformed(t *testing.T) {
	b, peer := newRobot(t, "robot", "127.0.0.2", message.LinkState, message.IPv6Unicast)
	c := start(t, Config{}, peer)
	b.greet(linkState(message.IPv6Unicast))
	name := []byte{0x04, 0x02, 0, 4, 't', 'y', 'o', '1'} // TLV 1026
	b.update(objects(append(nlri(t, node(1)), nlri(t, node(2))...), name))
	b.update(objects(nlri(t, node(3)), []byte{0x04, 0x03, 0xff, 0xff, 1})) // TLV 1027 overruns
	unknown := []byte{0, 5, 0, 17, 3, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 4, 0, 0, 0, 9}
	b.update(objects(append(unknown, nlri(t, node(4))...), name)) // a type that nobody knows
	c.counts("robot", 5)
	c.faulty("BGP-LS attribute of a node NLRI: TLV 1027")
	c.mu.Lock()
	for name, o := range c.objects["robot"] {
		a, known := o.Attribute.(*ls.NodeAttribute)
		switch {
		case name.LS == ls.NLRI(node(3)):
			if o.Attribute != nil {
				t.Errorf("what is known of node 3: %v", o.Attribute)
			}
		case name.LS.Type() != ls.NodeType:
			if name.LS.Type() != 5 {
				t.Errorf("type %v", name.LS.Type())
			}
		case !known || a.Name != "tyo1":
			t.Errorf("%v: %v", name.LS, o.Attribute)
		}
	}
	c.mu.Unlock()

	// Treat-as-withdraw: without ORIGIN the object is gone, the session is not.
	u := objects(nlri(t, node(1)), name)
	u.Attributes = u.Attributes[1:]
	b.update(u)
	c.counts("robot", 4)
	c.faulty("path attribute 1 is missing: treat-as-withdraw")

	// NLRIs that cannot be told apart: the family ends, the other goes on.
	b.update(objects([]byte{0, 1, 0xff, 0xff, 1, 2, 3}, name))
	b.update(message.Update{Reach: &message.Reach{Family: message.IPv6Unicast, NextHop: make([]byte, 16), NLRI: []byte{16, 0x20, 1}},
		Attributes: []message.Attribute{message.Origin(), message.ASPath(), message.LocalPref(100)}})
	b.update(objects(nlri(t, node(7)), name))
	c.has("robot", "2001::/16")
	if s := c.is("robot", fsm.Established, ""); len(s.Disabled) != 1 || s.Disabled[0] != message.LinkState || s.Faults != 3 || s.Objects != 1 {
		t.Errorf("%+v", s)
	}

	// What cannot be read at all ends the session.
	b.update(message.Update{Attributes: []message.Attribute{{Flags: 0, Type: 77}}})
	if got := b.ended(); got != "UPDATE Message Error/Unrecognized Well-known Attribute" {
		t.Error(got)
	}
	c.without("robot", "UPDATE Message Error/Unrecognized Well-known Attribute")
	c.counts("robot", 0)
}

func TestOnlyFamilyUnreadable(t *testing.T) {
	b, peer := newRobot(t, "robot", "127.0.0.2", message.LinkState)
	c := start(t, Config{}, peer)
	b.greet(linkState())
	b.update(objects([]byte{0, 1, 0xff, 0xff, 1, 2, 3}, nil))
	if got := b.ended(); got != "UPDATE Message Error/Invalid Network Field" {
		t.Error(got)
	}
	c.without("robot", "the routes of link-state cannot be read")
}
