package world_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/controller/api/resource"
)

// all are the streams of all intents, in both directions.
var all = []traffic{gold, gold.back(), gold6, silver, operators, sovereign.back()}

// apart is the example with two intents changed: one moves, one does not.
func (c *cloud) apart() []resource.Document {
	c.t.Helper()
	d := c.edited("intents.yaml", "    maxDelay: 12ms\n", "    maxDelay: 12ms\n    avoid: {srlgs: [tokaido-duct]}\n")
	d.Data = []byte(strings.Replace(string(d.Data), "priority: 40", "priority: 45", 1))
	return []resource.Document{c.document("jp12.topology.yaml"), d}
}

// pending says whether documents differ from what is declared.
func (c *cloud) pending(documents []resource.Document) bool {
	c.t.Helper()
	d, err := c.Client.Diff(c.ctx, documents)
	c.must(err)
	return d.Pending
}

// joined waits until every agent has a session.
func (c *cloud) joined() {
	c.t.Helper()
	c.await("all agents to have a session", func() error {
		nodes, err := c.Client.Nodes(c.ctx)
		if err != nil {
			return err
		}
		for _, n := range nodes {
			if !n.Connected {
				return fmt.Errorf("node %s has none", n.Name)
			}
		}
		return nil
	})
}

// A controller that is killed in the middle of an apply has declared all of it
// or nothing afterwards, says so if it said so before, and makes the network
// the same as without the crash. No packet is lost, whatever it moves.
func TestControllerKilledDuringApply(t *testing.T) {
	c := demo(t)
	states := [2]struct {
		documents []resource.Document
		kernel    string
	}{
		{documents: []resource.Document{c.document("jp12.topology.yaml"), c.document("intents.yaml")}},
		{documents: c.apart()},
	}
	var takes time.Duration
	for _, n := range []int{1, 0} {
		c.lossless("an apply that moves paths", all, func() {
			began := time.Now()
			_, err := c.Client.Apply(c.ctx, resource.Apply{Documents: states[n].documents})
			c.must(err)
			takes = time.Since(began)
			c.settled()
		})
		states[n].kernel = c.kernel()
	}
	if states[0].kernel == states[1].kernel {
		t.Fatal("the two declared states make no difference")
	}
	var outcomes [2]int
	now := 0
	c.lossless("a controller that is killed again and again", []traffic{gold, silver}, func() {
		for round := range 10 {
			next := 1 - now
			done := make(chan error, 1)
			go func() {
				_, err := c.Client.Apply(c.ctx, resource.Apply{Documents: states[next].documents})
				done <- err
			}()
			<-time.After(rand.N(2 * takes)) // the moment is random on purpose
			c.must(c.KillController())
			applied := <-done
			c.must(c.StartController(c.ctx))
			isOld, isNew := !c.pending(states[now].documents), !c.pending(states[next].documents)
			switch {
			case isOld == isNew:
				t.Fatalf("round %d: declared is neither the old (%t) nor the new (%t) state", round, isOld, isNew)
			case applied == nil && !isNew:
				t.Fatalf("round %d: the apply was confirmed and is not there", round)
			case isNew:
				now = next
				outcomes[1]++
			default:
				outcomes[0]++
			}
			c.joined()
			c.settled()
			c.returnsTo(fmt.Sprintf("round %d: the kernel state to be that of the declared state", round), states[now].kernel)
		}
	})
	t.Logf("%d rounds ended with the old state, %d with the new", outcomes[0], outcomes[1])
}

// A controller that ends and comes back disturbs nothing, also while a link is
// down, and tells no alert twice.
func TestControllerRestart(t *testing.T) {
	const link = "link:knz1--osa1"
	hooks := listen(t)
	c := demo(t, "--alerting", hooks.alerting)
	kernel, paths := c.kernel(), c.paths("tyo-osa-gold")
	restart := func(stop func() error) func() {
		return func() {
			c.must(stop())
			c.must(c.StartController(c.ctx))
			c.joined()
			c.settled()
		}
	}
	c.lossless("a restart", all, restart(c.StopController))
	c.returnsTo("the kernel state to be as before the restart", kernel)

	began := time.Now()
	c.cut(link)
	c.await("the alert", func() error {
		_, err := hooks.find(link, resource.Firing, began)
		return err
	})
	c.settled()
	cut := c.kernel()
	c.lossless("a restart while a link is down", all, restart(c.StopController))
	c.lossless("a crash while a link is down", all, restart(c.KillController))
	c.returnsTo("the kernel state to be as before the restarts", cut)
	if n := hooks.count(link, resource.Firing); n != 1 {
		t.Errorf("the alert came %d times, want once", n)
	}

	// What happens while there is no controller is noticed by the next one.
	c.must(c.KillController())
	target, err := c.Lab.Target(link)
	c.must(err)
	_, err = c.Lab.Restore(c.ctx, target)
	c.must(err)
	c.must(c.StartController(c.ctx))
	c.joined()
	c.returnsTo("the kernel state to be as in the beginning", kernel)
	c.settled()
	if after := c.paths("tyo-osa-gold"); !equal(after, paths) {
		t.Errorf("paths %v, in the beginning %v", after, paths)
	}
	c.await("the alert to be over", func() error {
		_, err := hooks.find(link, resource.Resolved, began)
		return err
	})
}
