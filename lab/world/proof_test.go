package world_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/lab/stream"
	"github.com/keiro-net/keiro/lab/world"
)

// proven: the way of all paths is proven, at both ends, of those that carry if
// only they are meant, and there is no leak. What is told of a deviation or of
// a leak, be it for a moment, ends the test.
func (c *cloud) proven(all bool) error {
	c.t.Helper()
	intents, err := c.Client.Intents(c.ctx)
	if err != nil {
		return err
	}
	var waits error
	for _, i := range intents {
		if len(i.Status.Leaks) > 0 {
			c.t.Fatalf("%s leaks: %+v", i.Metadata.Name, i.Status.Leaks)
		}
		if len(i.Status.Paths) == 0 {
			waits = fmt.Errorf("%s has no path", i.Metadata.Name)
		}
		for _, p := range i.Status.Paths {
			if p.Way == nodecfg.Deviates {
				c.t.Fatalf("%s at %s deviates: %s", p.Name, p.Headend, p.Deviation)
			}
			if (all || p.State == nodecfg.Up) && (p.State != nodecfg.Up || p.Way != nodecfg.Proven) {
				waits = fmt.Errorf("%s at %s is %s, its way %q", p.Name, p.Headend, p.State, p.Way)
			}
		}
	}
	return waits
}

// All paths of the lab are proven, those of lanes as well, through cuts and
// repairs, and no traffic of theirs is taken for a leak; that of rules which
// somebody deletes is, by nodes beside.
func TestWaysAndLeaks(t *testing.T) {
	c := startWith(t, world.Options{File: jp12(t)})
	c.apply(c.document("jp12.topology.yaml"))
	c.apply(c.edited("intents.yaml", "    maxDelaySpread: 4ms\n", "    maxDelaySpread: 4ms\n    encryption: pq\n"))
	c.settled()
	all, up := func() error { return c.proven(true) }, func() error { return c.proven(false) }
	c.await("all ways to be proven", all)
	for _, f := range []traffic{gold, gold.back(), gold6, gold6.back(), silver, silver.back()} {
		_, err := c.Stream(f.node, f.toNode, stream.Config{
			From: netip.MustParseAddr(f.addr), To: netip.MustParseAddr(f.toAddr), Rate: 200, Deadline: time.Second,
		})
		c.must(err)
	}
	link := "link:" + c.paths("tyo-osa-gold")[0][0]
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); {
		c.cut(link)
		c.await("the ways that are left to be proven", up)
		c.restore(link)
		c.await("all ways to be proven after a repair", all)
	}

	// Keiro puts rules back within a millisecond; somebody takes all of them again and
	// again, and what slips by is in the clear.
	c.wayRound("tyo1", "osa1", goldTraffic[1])
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				c.unrule("tyo1", everyRule)
			}
		}
	}()
	defer func() {
		close(stop)
		<-done
	}()
	c.await("a leak to be told", func() error {
		i, err := c.Client.Intent(c.ctx, "tyo-osa-gold")
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(i.Status.Leaks, func(l resource.Leak) bool { return l.Kind == nodecfg.LeakClear }) {
			return fmt.Errorf("leaks: %+v", i.Status.Leaks)
		}
		return nil
	})
}
