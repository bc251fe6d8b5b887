package way

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

func locator(n int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom16([16]byte{0x5f, 0, 0, 0, 0, byte(n)}), 48)
}

// line is a path a--b--c--d, each of whose links has the number 2 at its far
// end, and the node e beside a.
func line() (*nodecfg.Config, *nodecfg.Path) {
	p := nodecfg.Path{Name: "gold/0", Link: "a--b", Hops: []string{"a", "b", "c", "d"}}
	for n := range 4 {
		p.Locators = append(p.Locators, locator(n+1))
	}
	p.Links = []nodecfg.PathLink{{Name: "a--b", Far: 2}, {Name: "b--c", Far: 2}, {Name: "c--d", Far: 2}}
	cfg := &nodecfg.Config{Node: "a", Locator: locator(1), Policies: []nodecfg.Policy{{Intent: "gold", Paths: []nodecfg.Path{p}}},
		Links: []nodecfg.Link{{Name: "a--b", ID: 1, Peer: "b", PeerID: 2, PeerLocator: locator(2)}, {Name: "a--e", ID: 2, Peer: "e", PeerID: 7, PeerLocator: locator(5)}}}
	return cfg, &cfg.Policies[0].Paths[0]
}

// at is what node n writes that is the nth to be reached, over its link.
func at(nth int, node uint32, link uint16) entry { return entry{uint8(fullHops - nth), node, link} }

func TestCompare(t *testing.T) {
	b, c, d := at(1, 2, 2), at(2, 3, 2), at(3, 4, 2)
	router := func(p *nodecfg.Path) { p.Links[1].Far = 0 }
	for _, tt := range []struct {
		name    string
		edit    func(*nodecfg.Path)
		entries []entry
		passed  int // nodes, there and back
		way     string
		says    string
	}{
		{"as it says", nil, []entry{b, c, d}, 5, nodecfg.Proven, ""},
		{"the way back is not asked for", nil, []entry{b, c, d, at(4, 9, 9)}, 7, nodecfg.Proven, ""},
		{"nobody takes part", nil, nil, 5, "", ""},
		{"nobody takes part, and too many are passed", nil, nil, 6, nodecfg.Deviates, "6 nodes are passed there and back, not 5"},
		{"nothing is known of the hop limit", nil, nil, fullHops, "", ""},
		{"one takes no part", nil, []entry{b, d}, 5, "", ""},
		{"the tail takes no part", nil, []entry{b, c}, 5, "", ""},
		{"one has no numbers", nil, []entry{b, at(2, nodecfg.OAMUnknownNode, nodecfg.OAMUnknownLink), d}, 5, "", ""},
		{"one has no number of the link", nil, []entry{b, at(2, 3, nodecfg.OAMUnknownLink), d}, 5, "", ""},
		{"one without a number of the link is another", nil, []entry{b, at(2, 9, nodecfg.OAMUnknownLink), d}, 5, nodecfg.Deviates,
			"after b they come to a node with the number 9, not to c over link b--c"},
		{"at once to another", nil, []entry{at(1, 5, 7), c, d}, 5, nodecfg.Deviates, "after a they come to e over link a--e, not to b over link a--b"},
		{"another link between the same", nil, []entry{b, at(2, 3, 4), d}, 5, nodecfg.Deviates, "after b they come to c over its link 4, not to c over link b--c"},
		{"a stranger between", nil, []entry{b, at(2, 9, 1), at(3, 3, 2), at(4, 4, 2)}, 7, nodecfg.Deviates,
			"after b they come to a node with the number 9 over its link 1, not to c over link b--c"},
		{"a silent stranger between", nil, []entry{b, at(3, 3, 2), at(4, 4, 2)}, 7, nodecfg.Deviates, "c over link b--c is reached as node 3 of the way from a, not as node 2"},
		{"back to the head", nil, []entry{b, at(2, 1, 1)}, 5, nodecfg.Deviates, "after b they come to a over link a--b, not to c over link b--c"},
		{"a router says what it will", router, []entry{b, at(2, 9, 9), d}, 5, "", ""},
		{"over a router, another way", router, []entry{b, at(4, 4, 2)}, 9, nodecfg.Deviates, "d over link c--d is reached as node 4 of the way from a, not as node 3"},
		{"a router may take what it will off the hop limit", router, []entry{b, d}, 9, "", ""},
		{"an impossible hop limit", nil, []entry{{hops: 64, node: 2, link: 2}}, 5, "", ""},
	} {
		cfg, p := line()
		if tt.edit != nil {
			tt.edit(p)
		}
		w := wantOf(cfg, p)
		got := w.compare(tt.entries, fullHops-tt.passed, namesOf(cfg))
		if got.way != tt.way || got.deviation != tt.says {
			t.Errorf("%s: %q, %q; want %q, %q", tt.name, got.way, got.deviation, tt.way, tt.says)
		}
	}
}

// P is a probe that proves the way, 1 and 2 are those that deviate to two
// places, - is one that says nothing.
func TestFilter(t *testing.T) {
	for _, tt := range []struct{ found, want string }{
		{"PP", "--"}, {"PPP", "--P"},
		{"PPP1PPPPPP", "--PPPPPPPP"},             // a single stray is none
		{"PPP11", "--PP1"}, {"PPP1P1", "--PPP1"}, // two are
		{"PPP1-1", "--PPP1"},
		{"11PPPPP", "-11111P"},       // none may be left
		{"1122", "-112"},             // they go elsewhere
		{"11212121", "-1111111"},     // they alternate
		{"PPP---", "--PPP-"},         // lost
		{"PPP--P--", "--PPPPPP"},     // a few are
		{"11-----", "-1111--"},       // and what was astray
		{"PPP1----P1", "--PPPP----"}, // strays far apart
	} {
		j, got := judge{}, ""
		for _, f := range tt.found {
			switch f {
			case 'P':
				j.add(finding{way: nodecfg.Proven})
			case '-':
				j.add(finding{})
			default:
				j.add(finding{nodecfg.Deviates, string(f)})
			}
			switch j.way {
			case nodecfg.Proven:
				got += "P"
			case nodecfg.Deviates:
				got += j.deviation
			default:
				got += "-"
			}
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.found, got, tt.want)
		}
	}
}

// nodes write into a trace as RFC 9197 section 4.4 says.
func write(b []byte, entries ...entry) {
	const header = 8 // with padding, option type and length, reserved, type
	word := binary.BigEndian.Uint16(b[header+2:])
	left := int(word & remaining)
	for _, e := range entries {
		left -= nodeLen
		to := b[header+traceHeader+4*left:]
		binary.BigEndian.PutUint32(to, uint32(e.hops)<<24|e.node)
		binary.BigEndian.PutUint16(to[4:], e.link)
	}
	binary.BigEndian.PutUint16(b[header+2:], word&^remaining|uint16(left))
}

func TestTraceIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		room := rapid.IntRange(1, maxEntries).Draw(t, "room")
		b := appendTrace(nil, protoRouting, room)
		if len(b)%8 != 0 || len(b) != 8+8*int(b[1]) {
			t.Fatalf("a header of %d bytes", len(b))
		}
		var entries []entry
		for range rapid.IntRange(0, room).Draw(t, "written") {
			entries = append(entries, entry{rapid.Uint8().Draw(t, "hops"), rapid.Uint32Range(0, nodecfg.OAMUnknownNode).Draw(t, "node"), rapid.Uint16().Draw(t, "link")})
		}
		write(b, entries...)
		got, ok := parseTrace(b)
		if !ok || len(got) != len(entries) {
			t.Fatalf("%v, %t; want %v", got, ok, entries)
		}
		for i := range got {
			if got[i] != entries[i] {
				t.Fatalf("%v, want %v", got, entries)
			}
		}
		cut := rapid.IntRange(0, len(b)-1).Draw(t, "cut")
		if _, ok := parseTrace(b[:cut]); ok {
			t.Fatalf("read from %d of %d bytes", cut, len(b))
		}
	})
}

// Whatever comes, the parser ends and keeps to its bound.
func FuzzTrace(f *testing.F) {
	b := appendTrace(nil, protoRouting, 3)
	f.Add(append([]byte(nil), b...))
	write(b, at(1, 2, 3))
	f.Add(b)
	f.Add([]byte{43, 0, 0, 0, 0, 0, 1, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		entries, ok := parseTrace(b)
		if len(entries) > maxEntries || !ok && entries != nil {
			t.Fatalf("%d entries, %t", len(entries), ok)
		}
		cfg, p := line()
		w := wantOf(cfg, p)
		got := w.compare(entries, 0, namesOf(cfg))
		if (got.way == nodecfg.Deviates) != (got.deviation != "") {
			t.Fatalf("%+v", got)
		}
	})
}

func TestPacket(t *testing.T) {
	home := netip.MustParseAddr("5f00:0:1::1")
	sids := []netip.Addr{netip.MustParseAddr("5f00:0:2:8001::"), netip.MustParseAddr("5f00:0:2:4001::")}
	p, err := newPacket(home, sids, 1)
	if err != nil {
		t.Fatal(err)
	}
	s, other := newSealer(), newSealer()
	want := token{7, 1 << 30}
	p.load(s, want)
	srh := p[ipv6Len+8+8*int(p[ipv6Len+1]):]
	if got, ok := parseTest(s, srh); !ok || got != want {
		t.Errorf("token %v, %t", got, ok)
	}
	if _, ok := parseTest(other, srh); ok {
		t.Error("another process takes it for its own")
	}
	for i := range testLen { // whatever is changed of it
		forged := append([]byte(nil), srh...)
		forged[len(forged)-1-i] ^= 1
		if _, ok := parseTest(s, forged); ok {
			t.Errorf("byte %d from the end is changed, and it is taken", i)
		}
	}
	many := make([]netip.Addr, 60)
	for i := range many {
		many[i] = home
	}
	for _, tt := range []struct {
		sids  []netip.Addr
		links int
		want  string
	}{
		{sids, 0, "0 links"}, {sids, maxEntries + 1, "31 links"}, {nil, 1, "no SIDs"},
		{[]netip.Addr{{}}, 1, "no IPv6 address"}, {many, 30, "more than 1280"},
	} {
		if _, err := newPacket(home, tt.sids, tt.links); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%d SIDs, %d links: %v, want %s", len(tt.sids), tt.links, err, tt.want)
		}
	}
}
