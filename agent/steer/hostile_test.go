package steer

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/bgp/rib"
	"github.com/keiro-net/keiro/bgp/route"
	"github.com/keiro-net/keiro/bgp/service"
	"github.com/keiro-net/keiro/bgp/srpolicy"
)

// obeyed are the policies of what was heard, of which the Config stays valid.
func obeyed(t *testing.T, cfg *nodecfg.Config, h *Heard) ([]nodecfg.Policy, string) {
	t.Helper()
	policies, faults := Policies(cfg, h)
	merged := *cfg
	merged.Policies = append(merged.Policies[:len(merged.Policies):len(merged.Policies)], policies...)
	if err := merged.Validate(); err != nil {
		t.Errorf("a Config that is not valid: %v", err)
	}
	var all []string
	for _, f := range faults {
		all = append(all, f.Object+": "+f.Error)
	}
	return policies, strings.Join(all, "\n")
}

// A policy of more paths than a Config may have: the best of them are used.
func TestManyPaths(t *testing.T) {
	h := &Heard{Routes: []Route{colored("10.2.0.0/16", gold)}}
	spread := path(7, "spread", 1, 1)
	for i := range 20_000 {
		sids := fmt.Sprintf("%s,5f00:0:2:%x::", viaB, i+1)
		h.Paths = append(h.Paths, path(7, "", 5, uint32(i+1), sids))
		if i < 3*maxWays {
			spread.SegmentLists = append(spread.SegmentLists, path(7, "", 1, 1, sids).SegmentLists...)
		}
	}
	began := time.Now()
	policies, faults := obeyed(t, config(), h)
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("took %v", took)
	}
	if len(policies) != 1 || len(policies[0].Paths) != maxWays || !strings.Contains(faults, fmt.Sprintf("more than %d ways", maxWays)) {
		t.Errorf("%d policies, %s", len(policies), faults)
	}
	h.Paths = []Path{spread}
	policies, faults = obeyed(t, config(), h)
	if len(policies) != 1 || len(policies[0].Paths) != maxWays || !strings.Contains(faults, fmt.Sprintf("more than %d ways", maxWays)) {
		t.Errorf("%d policies, %s", len(policies), faults)
	}
}

// Many paths with long names, in many policies: what is made of them fits into a
// report, and every policy has a way.
func TestManyNames(t *testing.T) {
	h := &Heard{}
	for i := range 5000 {
		for n := range 3 {
			p := path(i+1, fmt.Sprintf("%0250d", 3*i+n), uint32(10-n), uint32(n+1), fmt.Sprintf("%s,5f00:0:2:%x::", viaB, n+1))
			p.PolicyName = fmt.Sprintf("%0255d", i)
			h.Paths = append(h.Paths, p)
		}
		h.Routes = append(h.Routes, colored(fmt.Sprintf("10.%d.%d.0/24", i>>8, i&255), uint32(nodecfg.ColorBase+i+1)))
	}
	policies, faults := obeyed(t, config(), h)
	octets, ways := 0, 0
	for _, p := range policies {
		if len(p.Paths) == 0 {
			t.Fatalf("%s has no way", p.Intent)
		}
		for _, path := range p.Paths {
			octets += len(path.Name) + 200
			ways++
		}
	}
	if len(policies) != 5000 || octets > 4<<20 || ways > maxAllWays+5000 || len(faults) > 200*maxFaults {
		t.Errorf("%d policies, %d ways, %d octets, %d of faults", len(policies), ways, octets, len(faults))
	}
}

// Thousands that are called the same have names that are not.
func TestOneName(t *testing.T) {
	h := &Heard{}
	for i := range 9000 {
		p := path(i+1, "x", 5, 1, viaB)
		p.PolicyName = "x"
		h.Paths = append(h.Paths, p)
		h.Routes = append(h.Routes, colored(fmt.Sprintf("10.%d.%d.0/24", i>>8, i&255), uint32(nodecfg.ColorBase+i+1)))
	}
	policies, _ := obeyed(t, config(), h)
	if last := policies[len(policies)-1]; len(policies) != 9000 || last.Paths[0].Name != "x@1#9000" {
		t.Errorf("%d policies, %s", len(policies), last.Paths[0].Name)
	}
}

// Colors for any endpoint, of as many routes as there are endpoints, none of them
// valid: each is looked at once.
func TestManyEndpoints(t *testing.T) {
	h := &Heard{}
	for i := range 20_000 {
		p := path(7, "", 5, 1)
		p.Endpoint = netip.AddrFrom4([4]byte{192, 0, byte(i >> 8), byte(i)})
		h.Paths = append(h.Paths, p)
		r := colored(fmt.Sprintf("10.%d.%d.0/24", i>>8, i&255), gold)
		r.Colors[0].Only = route.AnyEndpoint
		h.Routes = append(h.Routes, r)
	}
	done := make(chan bool)
	go func() {
		Policies(config(), h)
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("too much is looked at too often")
	}
}

// What no packet may be steered by.
func TestNeverSteered(t *testing.T) {
	for prefix, why := range map[string]string{
		"fe80::/10":           "is no prefix that packets are routed to",
		"fe80::1/128":         "is no prefix that packets are routed to",
		"ff00::/8":            "is no prefix that packets are routed to",
		"ff05::/16":           "is no prefix that packets are routed to",
		"224.0.0.0/4":         "is no prefix that packets are routed to",
		"127.0.0.0/8":         "is no prefix that packets are routed to",
		"169.254.0.0/16":      "is no prefix that packets are routed to",
		"255.255.255.255/32":  "is no prefix that packets are routed to",
		"::1/128":             "is no prefix that packets are routed to",
		"::ffff:10.2.0.0/112": "is no prefix that packets are routed to",
		"::/8":                "is no prefix that packets are routed to",
		"0.0.0.0/0":           "198.51.100.0/24 in it, to which this node is attached or speaks",
		"198.51.0.0/16":       "198.51.100.0/24 in it, to which this node is attached or speaks",
		"198.51.100.0/24":     "198.51.100.0/24 in it, to which this node is attached or speaks",
		"5f00:0:7::/48":       "5f00:0:7::/48 in it, where a path of the Config ends",
		"203.0.113.0/24":      "203.0.113.7/32 in it, to which this node is attached or speaks",
	} {
		cfg := config()
		cfg.Policies = []nodecfg.Policy{{Intent: "silver", ID: 2, Traffic: []nodecfg.Selector{{From: netip.MustParsePrefix("10.1.0.0/16"), To: netip.MustParsePrefix("10.3.0.0/16")}},
			Paths: []nodecfg.Path{{Name: "silver/0", Link: "a--b", Tail: netip.MustParsePrefix("5f00:0:7::/48"), Segments: []netip.Addr{netip.MustParseAddr(viaB)}}}}}
		h := &Heard{Paths: []Path{path(7, "gold/0", 5, 1, viaB)}, Routes: []Route{colored(prefix, gold)},
			Near: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.7/32"), netip.MustParsePrefix("fe80::/64")}}
		if policies, faults := obeyed(t, cfg, h); len(policies) > 0 || !strings.Contains(faults, why) {
			t.Errorf("%s: %s\n%s", prefix, say(policies), faults)
		}
	}
	// Within such a network a longer prefix counts, as it does between routes.
	h := &Heard{Paths: []Path{path(7, "gold/0", 5, 1, viaB)}, Routes: []Route{colored("198.51.100.128/25", gold)}, Near: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}}
	if policies, faults := obeyed(t, config(), h); len(policies) != 1 || faults != "" {
		t.Errorf("%s\n%s", say(policies), faults)
	}
}

// Packets that would come back to this node are stopped.
func TestOwnServiceSID(t *testing.T) {
	r := colored("10.2.0.0/16", gold)
	r.SID = ls.Some(service.SID{Addr: nodecfg.EndDX4(config().Locator)})
	policies, faults := obeyed(t, config(), &Heard{Paths: []Path{path(7, "gold/0", 5, 1, viaB)}, Routes: []Route{r}})
	if len(policies) != 1 || len(policies[0].Paths) > 0 || !strings.Contains(faults, "is this node's own") {
		t.Errorf("%s\n%s", say(policies), faults)
	}
}

// What BGP says never makes a Config of the controller one that is refused: the
// policies that do not go with it are fenced, and the others are not touched.
func TestAgainstTheConfig(t *testing.T) {
	cfg := config()
	cfg.Links[2].PeerLocator = netip.MustParsePrefix("fcbb::/32")
	cfg.Links = cfg.Links[:3]
	cfg.Policies = []nodecfg.Policy{{Intent: "secret", ID: 2, Encryption: "pq", Traffic: []nodecfg.Selector{{From: netip.MustParsePrefix("::/0"), To: netip.MustParsePrefix("fcbb:0:a::/48")}},
		Paths: []nodecfg.Path{{Name: "secret/0", Link: "a--b", Tail: netip.MustParsePrefix("fcbb:0:8::/48"), Segments: []netip.Addr{netip.MustParseAddr(viaB)}, Lane: &nodecfg.Lane{ID: 1, Peer: "x", Encryption: "pq"}}}}}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	h := &Heard{}
	for i := range 8 {
		p := path(7+i, "", 5, 1, viaB)
		switch i {
		case 3: // its first SID is in the locator of a lane's other end
			p = path(7+i, "", 5, 1, "fcbb:0:8:e001::")
		case 5: // the Config's own policy would take its packets
			p = path(7+i, "", 5, 1, viaB+",fcbb:0:a:1::")
		}
		p.PolicyName = fmt.Sprint("p", i)
		h.Paths = append(h.Paths, p)
		h.Routes = append(h.Routes, colored(fmt.Sprintf("10.%d.0.0/16", i), uint32(gold+i)))
	}
	policies, faults := obeyed(t, cfg, h)
	for i, p := range policies {
		if bad := i == 3 || i == 5; bad == (len(p.Paths) > 0) || bad != strings.Contains(faults, fmt.Sprintf("policy of color %d: its traffic is answered with unreachable", gold+i)) {
			t.Errorf("%s\n%s", say(policies), faults)
		}
	}
	if len(policies) != 8 {
		t.Errorf("%s\n%s", say(policies), faults)
	}
}

// A table of another node, as in the image of a disk, is none of this one.
func TestForeignDisk(t *testing.T) {
	tab := table("core")
	tab.Take(up("core", noon))
	tab.Take(rib.Batch{Peer: "core", Reach: []rib.Object{{Name: rib.Name{Family: message.IPv6SRPolicy, Policy: srpolicy.NLRI{Distinguisher: 1, Color: gold, Endpoint: netip.MustParseAddr("::1")}}}}})
	b, err := tab.Encode()
	if err != nil {
		t.Fatal(err)
	}
	other := NewTable(Options{Identifier: netip.MustParseAddr("10.9.9.9")})
	if err := other.Restore(b); err == nil || !strings.Contains(err.Error(), "it is of node 10.0.0.3, this is 10.9.9.9") {
		t.Error(err)
	}
}
