package probe

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// TestInquiry: what was answered to which hop limit (0: all the way and back),
// and what is said of it.
func TestInquiry(t *testing.T) {
	cfg := &nodecfg.Config{
		Node: "n1", Locator: netip.MustParsePrefix("5f00:0:1::/48"),
		Links: []nodecfg.Link{{Peer: "n9", PeerLocator: netip.MustParsePrefix("5f00:0:9::/48")}},
		Policies: []nodecfg.Policy{{Paths: []nodecfg.Path{{
			Hops: []string{"n1", "n2", "n3"},
			Locators: []netip.Prefix{
				netip.MustParsePrefix("5f00:0:1::/48"), netip.MustParsePrefix("5f00:0:2::/48"), netip.MustParsePrefix("5f00:0:3::/48"),
			},
		}}}},
	}
	exceeded := func(node int) answer {
		return answer{known: true, rtt: 2 * time.Millisecond, err: icmpError{3, 0}, from: netip.MustParseAddr(fmt.Sprintf("5f00:0:%d::1", node))}
	}
	noRoute := func(node int) answer {
		a := exceeded(node)
		a.err = icmpError{1, 0}
		return a
	}
	home := answer{known: true, home: true, rtt: 5 * time.Millisecond}
	for _, c := range []struct {
		name    string
		answers map[int][]answer
		trouble error
		open    bool
		hops    string // who was seen
		rtt     int64
		err     string
	}{
		{"whole", map[int][]answer{0: {home}, 1: {exceeded(2)}, 2: {exceeded(3)}}, nil, false, "n2 n3", 5000, ""},
		{"first answer counts", map[int][]answer{0: {home}, 1: {exceeded(2), exceeded(9)}, 2: {exceeded(3)}}, nil, false, "n2 n3", 5000, ""},
		{"silent hop", map[int][]answer{0: {home}, 2: {exceeded(3)}}, nil, true, "- n3", 5000, ""},
		{"nothing", nil, nil, true, "- -", 0, "no packet came all the way there and back; the last node that answered: none"},
		{"ends silently", map[int][]answer{1: {exceeded(2)}}, nil, true, "n2 -", 0, "the last node that answered: n2 (5f00:0:2::1)"},
		{"no way back", map[int][]answer{1: {exceeded(2)}, 2: {exceeded(3)}}, nil, true, "n2 n3", 0, "the last node that answered: n3 (5f00:0:3::1)"},
		{"refused", map[int][]answer{0: {noRoute(2)}, 1: {exceeded(2)}, 2: {noRoute(2)}}, nil, false, "n2 -", 0, "n2 (5f00:0:2::1) answers: no route to destination"},
		{"refused at once", map[int][]answer{1: {noRoute(2)}}, nil, false, "n2 -", 0, "n2 (5f00:0:2::1) answers: no route to destination"},
		{"refused at the tail", map[int][]answer{0: {noRoute(3)}, 1: {exceeded(2)}, 2: {noRoute(3)}}, nil, false, "n2 n3", 0, "n3 (5f00:0:3::1) answers: no route to destination"},
		{"elsewhere", map[int][]answer{0: {home}, 1: {exceeded(9)}, 2: {exceeded(3)}}, nil, false, "n9 n3", 5000, "hop 1 should be n2 and is n9 (5f00:0:9::1)"},
		{"in a circle", map[int][]answer{1: {exceeded(2)}, 2: {exceeded(2)}}, nil, true, "n2 n2", 0, "hop 2 should be n3 and is n2 (5f00:0:2::1)"},
		{"stranger", map[int][]answer{0: {home}, 1: {exceeded(7)}, 2: {exceeded(3)}}, nil, false, "? n3", 5000, ""},
		{"home too early", map[int][]answer{0: {home}, 1: {home}, 2: {exceeded(3)}}, nil, true, "- n3", 5000, ""},
		{"not sent", nil, errors.New("send over eth1: network is down"), true, "- -", 0, "send over eth1: network is down"},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := newInquiry(2)
			q.trouble = c.trouble
			for hops, answers := range c.answers {
				for _, a := range answers {
					q.take(hops, a)
				}
			}
			if q.open() != c.open {
				t.Errorf("open: %v", q.open())
			}
			got := q.result(&cfg.Policies[0].Paths[0], namesOf(cfg))
			var hops []string
			for i, h := range got.Hops {
				switch {
				case h.Want != cfg.Policies[0].Paths[0].Hops[i+1]:
					t.Errorf("hop %d wants %s", i+1, h.Want)
				case h.Addr == "":
					hops = append(hops, "-")
				case h.Seen == "":
					hops = append(hops, "?")
				default:
					hops = append(hops, h.Seen)
				}
			}
			if strings.Join(hops, " ") != c.hops || got.RTTUS != c.rtt || !strings.HasSuffix(got.Error, c.err) || (c.err == "") != (got.Error == "") {
				t.Errorf("%+v", got)
			}
		})
	}
}
