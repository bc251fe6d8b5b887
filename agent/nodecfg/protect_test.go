package nodecfg

import (
	"net/netip"
	"strings"
	"testing"
)

// What is to be looked for, and the links of a path, have bounds of their own.
func TestProtectedBounds(t *testing.T) {
	gold := func() Protected {
		return Protected{Intent: "gold", Links: []string{"l0"}, Lanes: []uint16{1, MaxLaneID},
			Traffic: []Selector{{From: netip.MustParsePrefix("10.1.0.0/16"), To: netip.MustParsePrefix("10.2.0.0/16")}}}
	}
	for _, tt := range []struct {
		name string
		edit func(*Config)
		want string // "": valid
	}{
		{"as it should be", func(*Config) {}, ""},
		{"no name", func(c *Config) { c.Protected[0].Intent = "" }, "intent is empty"},
		{"twice", func(c *Config) { c.Protected = append(c.Protected, gold()) }, "is not after gold"},
		{"not sorted", func(c *Config) { c.Protected = append(c.Protected, Protected{Intent: "a"}) }, "is not after gold"},
		{"encryption", func(c *Config) { c.Protected[0].Encryption = "rot13" }, `encryption "rot13" is none of`},
		{"families", func(c *Config) { c.Protected[0].Traffic[0].To = netip.MustParsePrefix("::/0") }, "is no pair of prefixes of one family"},
		{"link", func(c *Config) { c.Protected[0].Links = []string{"z"} }, `link "z" is not in links`},
		{"near", func(c *Config) { c.Protected[0].Near = []string{"z"} }, `link "z" is not in links`},
		{"lane 0", func(c *Config) { c.Protected[0].Lanes[0] = 0 }, "lane 0 is not in 1 to"},
		{"lane beyond", func(c *Config) { c.Protected[0].Lanes[0] = MaxLaneID + 1 }, "is not in 1 to"},
		{"too many selectors", func(c *Config) {
			c.Protected[0].Traffic = make([]Selector, 2*maxSelectors+1)
			for i := range c.Protected[0].Traffic {
				c.Protected[0].Traffic[i] = gold().Traffic[0]
			}
		}, "selectors are more than"},
		{"too many lanes", func(c *Config) {
			for range MaxLaneID {
				c.Protected[0].Lanes = append(c.Protected[0].Lanes, 1)
			}
		}, "lanes are more than"},
		{"links of a path", func(c *Config) {
			c.Policies[0].Paths[0].Links = append(c.Policies[0].Paths[0].Links, PathLink{Name: "more"})
		}, "2 links, for 2 hops"},
		{"number of a link", func(c *Config) { c.Policies[0].Paths[0].Links[0].Far = MaxLinkID + 1 }, "is greater than"},
	} {
		c := &Config{Revision: 1, Node: "n1", Locator: locator(1),
			Links: []Link{{Name: "l0", Interface: "eth0", Peer: "n2", ID: 1, PeerID: 1, PeerLocator: locator(2)}},
			Policies: []Policy{{Intent: "gold", ID: 1, Paths: []Path{{Name: "gold/0", Link: "l0", Tail: locator(2), Segments: []netip.Addr{IngressEnd(locator(2), 1)},
				Hops: []string{"n1", "n2"}, Locators: []netip.Prefix{locator(1), locator(2)}, Links: []PathLink{{Name: "l0", Far: 1}}}}}},
			Protected: []Protected{gold()}}
		tt.edit(c)
		err := c.Validate()
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestLaneOf(t *testing.T) {
	for _, id := range []uint16{1, 77, MaxLaneID} {
		if got, ok := LaneOf(LaneAddr(locator(7), id)); !ok || got != id {
			t.Errorf("lane %d: %d, %t", id, got, ok)
		}
	}
	for _, a := range []netip.Addr{Loopback(locator(7)), LaneAddr(locator(7), 0), LaneAddr(locator(7), MaxLaneID+1), EndX(locator(7), 1), netip.MustParseAddr("10.0.0.1"), {}} {
		if id, ok := LaneOf(a); ok {
			t.Errorf("%v is of lane %d", a, id)
		}
	}
}

// Numbers of others are left alone, unless the namespace says that they were
// Keiro's; a kernel without in-band OAM is known by what it does not have.
func TestOAM(t *testing.T) {
	c := &Config{Locator: locator(1), Links: []Link{{Name: "l0", Interface: "eth0", ID: 5}}}
	want := StateOf(c.oam()...)
	node, link := Sysctl{Name: oamNode, Value: "16777215"}, Sysctl{Name: oamOf("eth0", oamID), Value: "65535"}
	enabled := Sysctl{Name: oamOf("eth0", oamEnabled), Value: "0"}
	for _, tt := range []struct {
		name    string
		have    []Object
		missing bool
		foreign string
	}{
		{"as the kernel comes", []Object{node, link, enabled}, false, ""},
		{"no such kernel", nil, true, ""},
		{"without the interface", []Object{node}, false, ""},
		{"as it should be", c.oam(), false, ""},
		{"another node", []Object{Sysctl{oamNode, "9"}, link, enabled}, false, "net/ipv6/ioam6_id is 9 by somebody else"},
		{"another link", []Object{node, Sysctl{link.Name, "9"}, enabled}, false, "net/ipv6/conf/eth0/ioam6_id is 9 by somebody else"},
		{"it was Keiro's", []Object{Sysctl{oamNode, "9"}, Sysctl{link.Name, "9"}, OAMNamespace{OAMNamespaceID}}, false, ""},
		{"enabled by somebody", []Object{node, link, Sysctl{enabled.Name, "1"}}, false, ""},
	} {
		have := StateOf(tt.have...)
		if got := OAMMissing(have, want); got != tt.missing {
			t.Errorf("%s: missing %t", tt.name, got)
		}
		if got := OAMForeign(have, want); (got == "") != (tt.foreign == "") || !strings.HasPrefix(got, tt.foreign) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.foreign)
		}
	}
	all := c.Desired(nil)
	for _, o := range WithoutOAM(all) {
		if strings.Contains(o.String(), "ioam") || !Carries(o) && o.Key() != (TunSrc{}) {
			t.Errorf("left: %s", o)
		}
	}
	if got, want := OAMNode(netip.MustParsePrefix("5f00:12:3456::/48")), uint32(0x123456); got != want {
		t.Errorf("node %x, want %x", got, want)
	}
}
