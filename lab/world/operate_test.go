package world_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/lab/sight"
	"github.com/keiro-net/keiro/lab/stream"
)

// seen are the lanes of an intent, as the controller shows them.
func (c *cloud) seen(intent string) []resource.Lane {
	c.t.Helper()
	lanes, err := c.Client.Lanes(c.ctx, intent, "")
	c.must(err)
	return lanes
}

// keyed waits until both ends of every lane of an intent have a key of the
// same epoch after that, and have used it; it returns the least epoch.
func (c *cloud) keyed(intent string, after uint64) (least uint64) {
	c.t.Helper()
	c.await(fmt.Sprintf("all lanes of %s to have a key after epoch %d", intent, after), func() error {
		lanes, err := c.Client.Lanes(c.ctx, intent, "")
		if err != nil || len(lanes) == 0 {
			return fmt.Errorf("%d lanes, %w", len(lanes), err)
		}
		least = 1 << 62
		for _, l := range lanes {
			a, b := l.Ends[0], l.Ends[1]
			if a.State != resource.LaneOpen || b.State != resource.LaneOpen || a.Epoch != b.Epoch || a.Epoch <= after || !a.Proven || !b.Proven {
				return fmt.Errorf("%s: %+v, %+v", l.Name, a, b)
			}
			least = min(least, a.Epoch)
		}
		return nil
	})
	return least
}

// fires waits until an alert of that name about an object does or does not fire.
func (c *cloud) fires(name, object string, want bool) (found resource.Alert) {
	c.t.Helper()
	c.await(fmt.Sprintf("alert %s of %s firing: %t", name, object, want), func() error {
		alerts, err := c.Client.Alerts(c.ctx)
		if err != nil {
			return err
		}
		fires := false
		for _, a := range alerts {
			if a.Name == name && a.Cause.Object == object {
				fires, found = true, a
			}
		}
		if fires != want {
			return fmt.Errorf("%d alerts: %+v", len(alerts), alerts)
		}
		return nil
	})
	return found
}

// An operator sees the lanes of an intent at both ends, has them keyed anew
// without losing a packet, distrusts a node's keys, and at last the node
// itself: then nothing enters its lanes, least of all in the clear, until it
// enrols again.
func TestOperateLanes(t *testing.T) {
	const intent = "tyo-osa-gold"
	c := encrypted(t)
	lanes := c.seen(intent)
	if len(lanes) != 2 {
		t.Fatalf("%d lanes", len(lanes))
	}
	for _, l := range lanes {
		for _, e := range l.Ends {
			if e.Level != "pq" || e.Epoch == 0 || e.Keyed.IsZero() || !strings.HasPrefix(e.Interface, "kr-w") {
				t.Errorf("lane %s: %+v", l.Name, e)
			}
		}
	}
	trace, err := c.Client.Trace(c.ctx, intent)
	c.must(err)
	for _, p := range trace.Paths {
		if p.Lane == nil || !p.Lane.Open || p.Lane.Epoch == 0 {
			t.Errorf("the trace of %s tells of lane %+v", p.Name, p.Lane)
		}
	}

	w := c.capture(intent)
	w.promise("operation", func(p *promise) { p.Hidden = goldHidden() })
	epoch := c.keyed(intent, 0)
	c.lossless("a rotation, and a compromise", []traffic{gold, gold.back()}, func() {
		r, err := c.Client.Rotate(c.ctx, intent)
		c.must(err)
		if r.Pairs != 1 || len(r.Told) != 1 || r.Told[0] != "tyo1" {
			t.Errorf("rotation %+v", r)
		}
		epoch = c.keyed(intent, epoch)
		r, err = c.Client.Rekey(c.ctx, "osa1", time.Second)
		c.must(err)
		if r.Pairs != 1 || len(r.Told) != 2 {
			t.Errorf("rekey %+v", r)
		}
		epoch = c.keyed(intent, epoch)
	})

	s := c.stream(gold, time.Second)
	c.flows(s, 100)
	r, err := c.Client.Revoke(c.ctx, "osa1")
	c.must(err)
	if len(r.Intents) != 1 || r.Intents[0] != intent {
		t.Errorf("revocation %+v", r)
	}
	c.fires(resource.AgentRevoked, "node:osa1", true)
	if a := c.fires(resource.LaneDown, "node:osa1", true); a.Severity != resource.Critical || a.Intent != intent {
		t.Errorf("alert %+v", a)
	}
	for _, l := range c.seen(intent) {
		if l.Ends[0].State != resource.LaneClosed || l.Ends[0].Reason == "" || l.Ends[1].State != resource.LaneUnknown {
			t.Errorf("lane %s: %+v", l.Name, l.Ends)
		}
	}
	c.unreachable(gold)
	s.Stop()
	c.logs("the refusal of osa1", "replaced or revoked")

	token, err := c.Client.CreateToken(c.ctx, "osa1", time.Minute)
	c.must(err)
	c.must(c.KillAgent("osa1"))
	c.must(c.StartAgent(c.ctx, "osa1", token.Token))
	c.keyed(intent, 0)
	c.fires(resource.AgentRevoked, "node:osa1", false)
	c.fires(resource.LaneDown, "node:osa1", false)
	c.settled()
	c.lossless("after it has enrolled again", []traffic{gold, gold.back()}, func() {})
	w.caught()
	for _, broken := range w.verdict() {
		t.Error(broken)
	}
	if w.count(sight.OnPath) == 0 && len(w.strayed) == 0 {
		t.Error("the capture saw no packet of a lane")
	}
}

// goldHidden is what nobody may see of the traffic of gold.
func goldHidden() []sight.Selector {
	var hidden []sight.Selector
	for n, from := range goldTraffic[0] {
		a, b := netip.MustParsePrefix(from), netip.MustParsePrefix(goldTraffic[1][n])
		hidden = append(hidden, sight.Selector{From: a, To: b}, sight.Selector{From: b, To: a})
	}
	return hidden
}

// unreachable waits until the packets of a stream are turned down where they
// begin.
func (c *cloud) unreachable(f traffic) {
	c.t.Helper()
	c.await("packets to be turned down", func() error {
		s, err := c.Stream(f.node, f.toNode, stream.Config{
			From: netip.MustParseAddr(f.addr), To: netip.MustParseAddr(f.toAddr), Rate: 1000, Deadline: 100 * time.Millisecond,
		})
		if err != nil {
			return err
		}
		c.sends(s, 50)
		if r := s.Stop(); r.Refused < r.Sent || r.Sent == 0 {
			return fmt.Errorf("%d of %d packets turned down (%s)", r.Refused, r.Sent, r.Refusal)
		}
		return nil
	})
}
