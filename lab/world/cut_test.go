package world_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/keiro-net/keiro/controller/api/resource"
)

// A duct with two links is cut: packets flow on, the alert says what happened
// and whom it hits, and after the repair everything is as before.
func TestCutDuct(t *testing.T) {
	const duct = "srlg:nagoya-west-tunnel"
	hooks := listen(t)
	c := demo(t, "--alerting", hooks.alerting)
	before, kernel := c.paths("tyo-osa-gold"), c.kernel()

	s := c.stream(gold, 200*time.Millisecond)
	c.flows(s, 100)
	began := time.Now()
	c.cut(duct)
	var fired []received
	c.await("the alert", func() (err error) {
		fired, err = hooks.about(duct, began, "link:nag1--osa1", "link:nag1--myj1")
		return err
	})
	hit := map[string]bool{}
	for _, f := range fired {
		a := f.alert
		for _, intent := range a.IntentsHit {
			hit[intent] = true
		}
		if a.Before == a.After || a.CausedAt.Before(began.Add(-time.Second)) || a.DetectedAt.Before(a.CausedAt) || a.DetectedAt.After(f.at) {
			t.Errorf("cut at %v, alert that came at %v: %+v", began, f.at, a)
		}
	}
	if !hit["tyo-osa-gold"] || !hit["tyo-hkt-silver"] {
		t.Errorf("the alerts say that %v were hit", hit)
	}
	c.settled()
	c.flows(s, 100)
	for _, p := range c.paths("tyo-osa-gold") {
		if slices.Contains(p, "nag1--osa1") {
			t.Errorf("a path leads through the cut duct: %v", p)
		}
	}

	c.restore(duct)
	c.settled()
	c.flows(s, 100)
	r := s.Stop()
	if r.Lost*10 > r.Sent {
		t.Errorf("lost %d of %d packets: %+v", r.Lost, r.Sent, r.Outages)
	}
	if after := c.paths("tyo-osa-gold"); !equal(after, before) {
		t.Errorf("paths %v after the repair, %v before", after, before)
	}
	c.returnsTo("the kernel state to be as before", kernel)
	c.await("every alert to be over", func() error {
		for _, f := range fired {
			if _, err := hooks.find(f.alert.Cause.Object, resource.Resolved, began); err != nil {
				return err
			}
		}
		return nil
	})
}

func equal(a, b [][]string) bool { return slices.EqualFunc(a, b, slices.Equal) }

// Whatever is cut and restored, however fast, leaves no trace in any kernel.
func TestCutCycles(t *testing.T) {
	const cycles = 200
	c := demo(t)
	status, err := c.Lab.Status(c.ctx)
	c.must(err)
	var targets []string
	for _, l := range status.Links {
		targets = append(targets, "link:"+l.Name)
		for _, g := range l.SRLGs {
			targets = append(targets, "srlg:"+g)
		}
	}
	for _, n := range status.Nodes {
		targets = append(targets, "node:"+n.Name)
	}
	slices.Sort(targets)
	targets = slices.Compact(targets)
	random := rand.New(rand.NewPCG(12, 200))
	kernel := c.kernel()
	for n := range cycles {
		word := targets[random.IntN(len(targets))]
		if n%4 == 3 { // a flap, shorter than anybody's patience
			target, err := c.Lab.Target(word)
			c.must(err)
			_, err = c.Lab.Cut(c.ctx, target)
			c.must(err)
		} else {
			c.cut(word)
		}
		c.restore(word)
		c.returnsTo("the kernel state to be as before "+word+" was cut", kernel)
	}
	c.settled()
	c.returnsTo("the kernel state to be as in the beginning", kernel)
	c.lossless("after all cycles", all, func() {})
}
