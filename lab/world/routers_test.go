package world_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/lab/world"
	"github.com/keiro-net/keiro/topology/clab"
)

// routers are the nodes of bgp.clab.yml without an agent.
var routers = []string{"nno1", "nag1", "hij1", "myj1"}

// Traffic of examples/bgp.intents.yaml.
var (
	across   = []traffic{{"tyo1", "10.1.0.1", "hkt1", "10.4.0.1"}, {"tyo1", "2001:db8:1::1", "hkt1", "2001:db8:4::1"}}
	transit  = []traffic{{"nno1", "10.11.0.1", "hkt1", "10.4.1.1"}, {"nno1", "2001:db8:b::1", "hkt1", "2001:db8:4:1::1"}}
	metro    = traffic{"sdj1", "2001:db8:2::1", "myj1", "2001:db8:e::1"}
	halfBoth = slices.Concat(across, transit, []traffic{metro})
)

// half starts the lab of which half is plain routers, and declares its intents.
func half(t *testing.T) *cloud {
	t.Helper()
	f, err := clab.Parse("bgp.clab.yml", example(t, "bgp.clab.yml"), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	f.Name = labName(t.Name())
	c := startWith(t, world.Options{
		File: f, Place: "ctl", Routers: routers, RouterFile: "../../examples/bgp.routers.yaml",
		Controller: []string{"--bgp", filepath.Join("../../examples", "bgp.yaml")},
	})
	t.Cleanup(func() {
		for _, r := range routers {
			if t.Failed() {
				t.Logf("%s:\n%s", r, c.Log("router-"+r))
			}
		}
	})
	c.apply(c.document("bgp.topology.yaml"), c.document("bgp.intents.yaml"))
	return c
}

// Of eight nodes four are plain routers: intents across both kinds are met, and a
// cut between two routers, which only they can tell of, is repaired.
func TestRouters(t *testing.T) {
	c := half(t)
	c.lossless("before anything happens", halfBoth, func() {})
	before := c.paths("nno-hkt-transit")
	if want := [][]string{{"nno1--nag1", "nag1--myj1", "hij1--myj1", "hij1--hkt1"}}; !slices.EqualFunc(before, want, slices.Equal) {
		t.Errorf("nno-hkt-transit takes %v", before)
	}
	streams := map[traffic]interface{ Received() int }{}
	for _, f := range halfBoth {
		s := c.stream(f, time.Second)
		defer s.Stop()
		streams[f] = s
		c.flows(s, 100)
	}
	c.cut("nag1--myj1")
	c.settled()
	for f, s := range streams {
		c.await(fmt.Sprintf("%v to flow again", f), reaches(s.Received, s.Received()+100))
	}
	for _, path := range append(c.paths("nno-hkt-transit"), c.paths("tyo-hkt-gold")...) {
		if slices.Contains(path, "nag1--myj1") {
			t.Errorf("a path over what is cut: %v", path)
		}
	}
	c.restore("nag1--myj1")
	c.lossless("on the way back", halfBoth, func() {
		c.settled()
		c.await("the path to return", func() error {
			if now := c.paths("nno-hkt-transit"); !slices.EqualFunc(now, before, slices.Equal) {
				return fmt.Errorf("it is %v", now)
			}
			return nil
		})
		c.settled()
	})
	_ = resource.LinkUp
}
