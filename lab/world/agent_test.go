package world_test

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// Without its agent a node forwards on, and its kernel still fails over when
// its own link is cut. An agent that comes back adopts what it finds.
func TestAgentKilled(t *testing.T) {
	c := demo(t)
	kernel, paths := c.kernel(), c.paths("tyo-osa-gold")
	first := "link:" + paths[0][0]
	agents := []string{"tyo1", "nag1", "osa1"} // head, transit, tail
	c.lossless("agents killed", all, func() {
		for _, node := range agents {
			c.must(c.KillAgent(node))
		}
	})

	s := c.stream(gold, 200*time.Millisecond)
	c.flows(s, 100)
	c.cut(first)
	c.flows(s, 100)
	if r := s.Stop(); r.Lost > 100 {
		t.Errorf("the kernel alone did not repair the cut of %s: lost %d of %d packets: %+v", first, r.Lost, r.Sent, r.Outages)
	}
	target, err := c.Lab.Target(first)
	c.must(err)
	_, err = c.Lab.Restore(c.ctx, target)
	c.must(err)

	c.lossless("agents started again", all, func() {
		for _, node := range agents {
			c.must(c.StartAgent(c.ctx, node, ""))
		}
		c.joined()
		c.restore(first) // it is up; now both ends say so
		c.settled()
	})
	c.returnsTo("the kernel state to be as before", kernel)
}

// What carries Keiro's mark and nobody wants is removed by an agent that comes
// back, and nothing else is.
func TestAgentFindsOrphans(t *testing.T) {
	c := demo(t)
	mark := netlink.RouteProtocol(nodecfg.RouteProtocol)
	const orphans = nodecfg.TableBase + 999
	c.must(c.Lab.In("tyo1", func() error { return plant(254, 4, "192.0.2.0/24", 100) }))
	want := c.kernel()
	c.must(c.KillAgent("tyo1"))
	c.must(c.Lab.In("tyo1", func() error { return plant(orphans, mark, "198.51.100.0/24", nodecfg.RulePrefBase+77) }))
	if c.kernel() == want {
		t.Fatal("the orphans are not there")
	}
	c.lossless("an agent that removes orphans", all, func() {
		c.must(c.StartAgent(c.ctx, "tyo1", ""))
		c.returnsTo("the orphans to be gone", want)
	})
}

// plant makes an unreachable route in a table and a rule that leads there.
func plant(table int, protocol netlink.RouteProtocol, to string, pref int) error {
	dst := netip.MustParsePrefix(to)
	prefix := &net.IPNet{IP: dst.Addr().AsSlice(), Mask: net.CIDRMask(dst.Bits(), 32)}
	if err := netlink.RouteAdd(&netlink.Route{Table: table, Protocol: protocol, Dst: prefix, Type: 7}); err != nil {
		return err
	}
	rule := netlink.NewRule()
	rule.Table, rule.Dst, rule.Priority, rule.Protocol = table, prefix, pref, uint8(protocol)
	return netlink.RuleAdd(rule)
}
