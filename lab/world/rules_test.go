package world_test

import (
	"errors"
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/needs"
	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/lab/sight"
	"github.com/keiro-net/keiro/lab/stream"
)

// Whose rules somebody deletes.
func intentRules(r netlink.Rule) bool {
	return r.Protocol == nodecfg.RouteProtocol && r.Priority != nodecfg.LastRulePref
}
func everyRule(r netlink.Rule) bool { return r.Protocol == nodecfg.RouteProtocol }

// flushed are those that `ip rule flush` takes: all but the first one.
func flushed(r netlink.Rule) bool { return r.Priority != 0 }

// rulesHere are the rules of this node of which is holds, in the order in
// which they are asked.
func rulesHere(is func(netlink.Rule) bool) ([]netlink.Rule, error) {
	var found []netlink.Rule
	for _, family := range []int{unix.AF_INET, unix.AF_INET6} {
		rules, err := netlink.RuleList(family)
		if err != nil {
			return nil, err
		}
		for _, r := range rules {
			if r.Family = family; is(r) {
				found = append(found, r)
			}
		}
	}
	return found, nil
}

// unrule deletes rules of a node as somebody with too much power would, and
// returns how many.
func (c *cloud) unrule(node string, which func(netlink.Rule) bool) (n int) {
	c.t.Helper()
	c.must(c.Lab.In(node, func() error {
		rules, err := rulesHere(which)
		for _, r := range rules {
			err = errors.Join(err, netlink.RuleDel(&r))
		}
		n = len(rules)
		return err
	}))
	return n
}

// away is how long rules of Keiro are away that somebody deletes.
func (c *cloud) away(node string, which func(netlink.Rule) bool) time.Duration {
	c.t.Helper()
	n := c.unrule(node, which)
	began := time.Now()
	if n == 0 {
		c.t.Fatal("there is no rule to delete")
	}
	c.must(c.Lab.In(node, func() error {
		for time.Since(began) < 10*time.Second {
			if rules, err := rulesHere(which); err != nil || len(rules) == n {
				return err
			}
		}
		return fmt.Errorf("the rules do not come back")
	}))
	return time.Since(began)
}

// defaultRoute gives a node a default route into its first cable, such as
// networks have and the lab has not.
func (c *cloud) defaultRoute(node string) {
	c.t.Helper()
	c.must(c.Lab.In(node, func() error {
		via, err := netlink.LinkByName("eth1")
		if err != nil {
			return err
		}
		mac := net.HardwareAddr{2, 0, 0, 0, 0, 9}
		var failed error
		for _, to := range []string{"0.0.0.0/0", "::/0"} {
			_, dst, _ := net.ParseCIDR(to)
			hop := net.ParseIP("fe80::9")
			r := &netlink.Route{LinkIndex: via.Attrs().Index, Dst: dst, Gw: hop, Flags: int(netlink.FLAG_ONLINK)}
			if to == "0.0.0.0/0" {
				r.Gw, r.Via = nil, &netlink.Via{AddrFamily: unix.AF_INET6, Addr: hop}
			}
			failed = errors.Join(failed, netlink.RouteAdd(r))
		}
		return errors.Join(failed, netlink.NeighSet(&netlink.Neigh{LinkIndex: via.Attrs().Index, IP: net.ParseIP("fe80::9"), HardwareAddr: mac, State: netlink.NUD_PERMANENT}))
	}))
}

// lastLine is what docs/data-plane.md has an operator add who wants a fence
// that is no rule.
const lastLine = `table inet last {
	chain out {
		type filter hook postrouting priority filter
		ip saddr 10.1.0.0/16 ip daddr 10.2.0.0/16 oifname != "kr-w*" drop
		ip6 saddr 2001:db8:1::/48 ip6 daddr 2001:db8:2::/48 oifname != "kr-w*" drop
	}
}`

// Somebody deletes rules at a headend while an encrypted intent carries, where
// the main table has a default route. Behind the rules of intents stands a
// fence; where that goes too, the operator's last line holds, and without it
// the tap sees packets until the agent has put all back.
func TestRulesDeleted(t *testing.T) {
	needs.Program(t, "nft", "to add the last line of an operator")
	c := encrypted(t)
	w := c.capture("tyo-osa-gold")
	w.hide(goldTraffic)
	var streams []*stream.Stream
	for _, f := range []traffic{gold, gold6} {
		s := c.stream(f, time.Second)
		streams = append(streams, s)
		w.mark(s.Mark())
	}
	w.during("the beginning", func() {})
	c.defaultRoute("tyo1")
	flow := func() {
		for _, s := range streams {
			c.flows(s, 100)
		}
	}
	hidden := func() {
		t.Helper()
		w.caught()
		for _, broken := range w.verdict() {
			t.Error(broken)
		}
	}
	flow()
	times := func(what string, which func(netlink.Rule) bool) {
		t.Helper()
		w.promise(what+" deleted", func(*promise) {})
		var took []time.Duration
		for range 20 {
			took = append(took, c.away("tyo1", which))
			flow()
		}
		slices.Sort(took)
		t.Logf("%s: away for %s, at most %s", what, took[len(took)/2], took[len(took)-1])
	}
	times("the rules of the intents", intentRules)
	hidden()

	nft := func(args ...string) {
		t.Helper()
		c.must(c.Lab.In("tyo1", func() error {
			cmd := exec.Command("nft", args...)
			cmd.Stdin = strings.NewReader(lastLine)
			out, err := cmd.CombinedOutput()
			if err != nil {
				err = fmt.Errorf("%w: %s", err, out)
			}
			return err
		}))
	}
	nft("-f", "-")
	times("the rules of the intents and their fences", everyRule)
	hidden()
	w.promise("all rules flushed", func(*promise) {})
	c.unrule("tyo1", flushed)
	c.must(c.Lab.In("tyo1", func() (err error) {
		for _, family := range []int{unix.AF_INET, unix.AF_INET6} {
			r := netlink.NewRule()
			r.Family, r.Priority, r.Table = family, 32766, unix.RT_TABLE_MAIN
			err = errors.Join(err, netlink.RuleAdd(r))
		}
		return err
	}))
	flow()
	hidden()

	// The tap does see, where nothing is left that holds.
	nft("delete", "table", "inet", "last")
	seen := w.count(sight.Clear)
	c.must(c.KillAgent("tyo1"))
	c.unrule("tyo1", everyRule)
	c.await("packets in the clear", reaches(func() int { return w.count(sight.Clear) }, seen+100))
	c.must(c.StartAgent(c.ctx, "tyo1", ""))
	c.settled()
	flow()
	w.caught()
	w.verdict()
	seen = w.count(sight.Clear)
	flow()
	w.caught()
	if n := w.count(sight.Clear); n != seen {
		t.Errorf("%d packets in the clear though the rules are back", n-seen)
	}
	for _, s := range streams {
		s.Stop()
	}
}
