package world_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
)

// encrypted declares the intents of the examples, of which gold asks for
// encryption.
func encrypted(t *testing.T) *cloud {
	t.Helper()
	c := start(t, jp12(t))
	c.apply(c.document("jp12.topology.yaml"), c.edited("intents.yaml", "    maxDelaySpread: 4ms\n", "    maxDelaySpread: 4ms\n    encryption: pq\n"))
	return c
}

// carried is how many bytes the lanes of a node have taken from it.
func (c *cloud) carried(node string) (bytes uint64, lanes int) {
	c.t.Helper()
	c.must(c.Lab.In(node, func() error {
		links, err := netlink.LinkList()
		for _, l := range links {
			if strings.HasPrefix(l.Attrs().Name, "kr-w") {
				lanes++
				bytes += l.Attrs().Statistics.TxBytes
			}
		}
		return err
	}))
	return bytes, lanes
}

// An intent that asks for encryption is carried by WireGuard lanes that ride
// on its paths, keyed by the agents among themselves. Agents that come and go
// cost no packet. That none is seen in the clear: TestNothingIsSeen.
func TestEncryptedIntent(t *testing.T) {
	c := encrypted(t)
	before, lanes := c.carried("tyo1")
	if lanes != 2 {
		t.Fatalf("%d lanes at tyo1, want 2", lanes)
	}
	c.lossless("an encrypted intent", []traffic{gold, gold.back(), gold6, gold6.back()}, func() {})
	c.lossless("while its agents come and go", []traffic{gold, gold.back()}, func() {
		for _, node := range []string{"tyo1", "osa1"} {
			c.must(c.KillAgent(node))
			c.must(c.StartAgent(c.ctx, node, ""))
			c.settled()
		}
	})
	if after, _ := c.carried("tyo1"); after-before < 20_000 {
		t.Errorf("the lanes carried %d bytes", after-before)
	}
}

// A cut takes the lane on the first path; the intent goes on in the other one,
// and comes back. Without any path nothing goes out.
func TestEncryptedFailover(t *testing.T) {
	c := encrypted(t)
	paths := c.paths("tyo-osa-gold")
	s := c.stream(gold, time.Second)
	c.flows(s, 200)
	c.cut("link:" + paths[0][0])
	c.flows(s, 500)
	c.restore("link:" + paths[0][0])
	c.settled()
	c.flows(s, 500)
	r := s.Stop()
	t.Logf("a cut at the headend and its repair: lost %d of %d packets: %+v", r.Lost, r.Sent, r.Outages)
	if r.Lost > r.Sent/2 {
		t.Errorf("lost %d of %d packets", r.Lost, r.Sent)
	}
}

// What is taken away is gone: lanes, interfaces and the processes behind them.
func TestEncryptionEnds(t *testing.T) {
	c := encrypted(t)
	c.apply(c.document("intents.yaml"))
	c.settled()
	for _, node := range []string{"tyo1", "osa1"} {
		c.await("no lane at "+node, func() error {
			if _, lanes := c.carried(node); lanes > 0 {
				return fmt.Errorf("%d are left", lanes)
			}
			return nil
		})
	}
	c.lossless("in the clear, as declared now", []traffic{gold, gold.back()}, func() {})
}
