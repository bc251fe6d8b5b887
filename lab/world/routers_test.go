package world_test

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/sample/headers"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/lab/stream"
	"github.com/keiro-net/keiro/lab/world"
	"github.com/keiro-net/keiro/topology/clab"
)

// routers are the nodes of bgp.clab.yml without an agent.
var routers = []string{"nno1", "nag1", "hij1", "myj1"}

// The ends of the traffic of examples/bgp.intents.yaml and bgp.steering.yaml, by intent.
var crossing = map[string][]traffic{
	"tyo-hkt-gold":    {{"tyo1", "10.1.0.1", "hkt1", "10.4.0.1"}, {"tyo1", "2001:db8:1::1", "hkt1", "2001:db8:4::1"}},
	"nno-hkt-transit": {{"nno1", "10.11.0.1", "hkt1", "10.4.1.1"}, {"nno1", "2001:db8:b::1", "hkt1", "2001:db8:4:1::1"}},
	"tyo-myj-metro":   {{"tyo1", "2001:db8:1::1", "myj1", "2001:db8:e::1"}, {"myj1", "2001:db8:e::1", "tyo1", "2001:db8:1::1"}},
	"sdj-osa-policy":  {{"sdj1", "10.2.0.1", "osa1", "10.3.0.1"}, {"sdj1", "2001:db8:2::1", "osa1", "2001:db8:3::1"}},
}

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
		Controller: []string{"--bgp", "../../examples/bgp.yaml"},
		AgentOf:    map[string][]string{"sdj1": {"--bgp", "../../examples/bgp.sdj1.yaml"}},
	})
	t.Cleanup(func() {
		for _, r := range routers {
			if t.Failed() {
				t.Logf("%s:\n%s", r, c.Log("router-"+r))
			}
		}
	})
	c.apply(c.document("bgp.topology.yaml"), c.document("bgp.intents.yaml"), c.document("bgp.steering.yaml"))
	return c
}

// Of eight nodes four are plain routers: intents across both kinds are met, and a
// cut between two routers, which only they can tell of, is repaired.
func TestRouters(t *testing.T) {
	c := half(t)
	var all []traffic
	for intent, flows := range crossing {
		all = append(all, flows...)
		for _, f := range flows {
			c.onPath(intent, f)
		}
	}
	c.lossless("before anything happens", all, func() {})
	before := c.paths("nno-hkt-transit")
	if want := [][]string{{"nno1--nag1", "nag1--myj1", "hij1--myj1", "hij1--hkt1"}}; !slices.EqualFunc(before, want, slices.Equal) {
		t.Errorf("nno-hkt-transit takes %v", before)
	}
	streams := map[traffic]*stream.Stream{}
	for _, f := range all {
		streams[f] = c.stream(f, time.Second)
		c.flows(streams[f], 100)
	}
	c.cut("nag1--myj1")
	c.settled()
	for f, s := range streams {
		c.await(fmt.Sprintf("%v to flow again", f), reaches(s.Received, s.Received()+100))
		s.Stop()
	}
	for intent, flows := range crossing {
		for _, f := range flows {
			c.onPath(intent, f)
		}
	}
	c.lossless("on the way back", all, func() {
		c.restore("nag1--myj1")
		c.await("the path to return", func() error {
			if now := c.paths("nno-hkt-transit"); !slices.EqualFunc(now, before, slices.Equal) {
				return fmt.Errorf("it is %v", now)
			}
			return nil
		})
		c.settled()
	})
}

// onPath demands that the packets of a flow are on the links of one path of the
// intent, and nowhere else.
func (c *cloud) onPath(intent string, f traffic) {
	c.t.Helper()
	i, err := c.Client.Intent(c.ctx, intent)
	c.must(err)
	var may [][]string
	for _, p := range i.Status.Paths {
		if p.Headend == f.node {
			may = append(may, slices.Sorted(slices.Values(p.Links)))
		}
	}
	tap, err := c.Lab.Tap()
	c.must(err)
	defer tap.Close()
	s := c.stream(f, time.Second)
	c.flows(s, 50)
	s.Stop()
	end := time.Now()
	from, to, links := netip.MustParseAddr(f.addr), netip.MustParseAddr(f.toAddr), map[string]bool{}
	buf := make([]byte, 1<<16)
	// Probes come all the time: some frame is later than the end.
	c.await("the tap to be empty", func() error {
		for {
			frame, ok, err := tap.Next(buf)
			if err != nil || frame.At.After(end) {
				return err
			}
			if !ok {
				return errors.New("no frame")
			}
			open, _ := headers.Dissect(frame.Bytes)
			if slices.ContainsFunc(open, func(h headers.Header) bool { return h.From == from && h.To == to }) {
				links[frame.Link] = true
			}
		}
	})
	on := slices.Sorted(maps.Keys(links))
	if !slices.ContainsFunc(may, func(path []string) bool { return slices.Equal(path, on) }) {
		c.t.Errorf("packets of %v are seen on %v, and the paths are %v", f, on, may)
	}
}

// The controller crashes, and a link between a router and an agent that no path
// takes fails while it is away: nothing is lost by either. When it is back it knows,
// and moves nothing.
func TestRoutersAlone(t *testing.T) {
	c := half(t)
	const spare = "nno1--osa1"
	var all []traffic
	before := map[string][][]string{}
	for intent, flows := range crossing {
		all = append(all, flows...)
		if before[intent] = c.paths(intent); slices.Contains(slices.Concat(before[intent]...), spare) {
			t.Fatalf("%s takes %s", intent, spare)
		}
	}
	c.lossless("without a controller", all, func() {
		c.must(c.KillController())
		target, err := c.Lab.Target(spare)
		c.must(err)
		_, err = c.Lab.Cut(c.ctx, target)
		c.must(err)
		c.must(c.StartController(c.ctx))
		c.await("the controller to know of the cut", func() error {
			l, err := c.Client.Link(c.ctx, spare)
			if err == nil && l.State != resource.LinkDown {
				err = fmt.Errorf("it is %s", l.State)
			}
			return err
		})
		c.settled()
	})
	for intent, paths := range before {
		if now := c.paths(intent); !slices.EqualFunc(now, paths, slices.Equal) {
			t.Errorf("%s was moved: %v", intent, now)
		}
	}
}
