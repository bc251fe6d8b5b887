package world_test

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// Where an intent says `block` and no path is left, its packets are answered
// with unreachable though there is a way. When the intent is gone, so are its
// rules and tables.
func TestFence(t *testing.T) {
	const intent, only = "osa-hkt-sovereign", "link:osa1--hij1"
	c := demo(t)
	// A way round the intent: into the decapsulation SID of the tail, over
	// plain routes. All that keeps packets from it is the fence.
	tail := c.locator("hkt1")
	c.must(c.Lab.In("osa1", func() error {
		via, err := netlink.LinkByName("eth1")
		if err != nil {
			return err
		}
		return netlink.RouteAdd(&netlink.Route{
			LinkIndex: via.Attrs().Index, Dst: &net.IPNet{IP: net.ParseIP("2001:db8:3::"), Mask: net.CIDRMask(48, 128)},
			Encap: &netlink.SEG6Encap{Mode: 1, Segments: []net.IP{nodecfg.EndDT6(tail).AsSlice()}},
		})
	}))
	kernel := c.kernel()

	s := c.stream(sovereign, time.Second)
	c.flows(s, 50)
	c.cut(only)
	c.settled()
	refused := c.stream(sovereign, time.Second)
	c.sends(refused, 200)
	if r := refused.Stop(); r.Received != 0 || r.Refused != r.Sent || r.Refusal == "" {
		t.Errorf("behind the fence %d of %d packets came and %d were refused (%s)", r.Received, r.Sent, r.Refused, r.Refusal)
	}
	c.restore(only)
	c.settled()
	c.flows(s, 50)
	s.Stop()
	c.returnsTo("the kernel state to be as before", kernel)

	rules := c.rules("osa1") + c.rules("hkt1")
	_, err := c.Client.DeleteIntent(c.ctx, intent, 0)
	c.must(err)
	c.await("the rules to go", func() error {
		if n := c.rules("osa1") + c.rules("hkt1"); n != rules-2 {
			return fmt.Errorf("%d rules, want %d", n, rules-2)
		}
		return nil
	})
	c.settled()
	// The fence is down: what stood behind it is used now.
	c.cut(only)
	free := c.stream(sovereign, time.Second)
	c.flows(free, 50)
	free.Stop()
}

func (c *cloud) locator(node string) netip.Prefix {
	c.t.Helper()
	nodes, err := c.Client.Nodes(c.ctx)
	c.must(err)
	for _, n := range nodes {
		if n.Name == node {
			return netip.MustParsePrefix(n.Locator)
		}
	}
	c.t.Fatalf("there is no node %s", node)
	return netip.Prefix{}
}

// rules counts the rules of a node that carry Keiro's mark and the tables that
// hold its routes.
func (c *cloud) rules(node string) int {
	c.t.Helper()
	n := 0
	c.must(c.Lab.In(node, func() error {
		rules, err := netlink.RuleList(netlink.FAMILY_ALL)
		for _, r := range rules {
			if r.Protocol == nodecfg.RouteProtocol {
				n++
			}
		}
		return err
	}))
	return n
}
