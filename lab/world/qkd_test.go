package world_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/lab/kme"
	"github.com/keiro-net/keiro/lab/kmes"
	"github.com/keiro-net/keiro/lab/world"
	"github.com/keiro-net/keiro/topology/clab"
)

const quantumIntent = "tyo-osa-quantum"

var quantum = traffic{"tyo1", "10.1.3.1", "osa1", "10.2.3.1"}

// The times of these tests: an epoch every two seconds, so that a key is too
// old after 15 s, and a store low that lasts less than 30 s.
const (
	every   = 2 * time.Second
	plenty  = 4000 // keys
	keyBits = 256
)

// startQuantum starts a lab whose QKD links have plenty of keys, and make no
// more.
func startQuantum(t *testing.T, f *clab.File) *cloud {
	t.Helper()
	c := startWith(t, world.Options{
		File: f, Agent: []string{"-v", "--rotate-every", every.String()},
		KME: kmes.Options{Stored: plenty * keyBits, Agent: map[string]any{"poll": "100ms"}},
	})
	c.rate = 200 // what counts is that no packet is lost, for many seconds
	for _, l := range f.Links {
		if l.Traits.QKD {
			c.must(c.KMEs.Network.SetRate(kmes.ID(l.A.Node), kmes.ID(l.B.Node), 0))
		}
	}
	return c
}

// store makes a QKD link have so many keys.
func (c *cloud) store(a, b string, keys int64) {
	c.t.Helper()
	c.must(c.KMEs.Network.SetStored(kmes.ID(a), kmes.ID(b), keys*keyBits))
}

// stored is how many keys a QKD link has.
func (c *cloud) stored(a, b string) int64 {
	c.t.Helper()
	bits, err := c.KMEs.Network.Stored(kmes.ID(a), kmes.ID(b))
	c.must(err)
	return bits / keyBits
}

// lanesOf are the lanes of an intent at its first headend, in the order of paths. No
// key in one is ever weaker than QKD.
func (c *cloud) lanesOf(intent string) []nodecfg.LaneState {
	c.t.Helper()
	trace, err := c.Client.Trace(c.ctx, intent)
	c.must(err)
	var lanes []nodecfg.LaneState
	for _, p := range trace.Paths {
		if p.Lane == nil {
			c.t.Fatalf("path %s has no lane", p.Name)
		}
		if p.Lane.Level != "qkd" && p.Lane.Level != "" {
			c.t.Fatalf("path %s has a key of level %s: %+v", p.Name, p.Lane.Level, p.Lane)
		}
		lanes = append(lanes, *p.Lane)
	}
	return lanes
}

// epochs waits until the first lane has a key of n more epochs, and returns how
// many more it has.
func (c *cloud) epochs(intent string, n uint64) uint64 {
	c.t.Helper()
	first := c.lanesOf(intent)[0].Epoch
	var more uint64
	c.await(fmt.Sprintf("%d more epochs", n), func() error {
		if more = c.lanesOf(intent)[0].Epoch - first; more < n {
			return fmt.Errorf("%d of them", more)
		}
		return nil
	})
	return more
}

// keyless waits until the controller says of a link's keys what is wanted; ""
// that they can be counted on.
func (c *cloud) keyless(link, want string) {
	c.t.Helper()
	c.await("link "+link+" without keys: "+want, func() error {
		links, err := c.Client.Links(c.ctx)
		for _, l := range links {
			if l.Name == link && (l.Keyless == "") == (want == "") && strings.Contains(l.Keyless, want) {
				return nil
			} else if l.Name == link {
				err = fmt.Errorf("it says %q", l.Keyless)
			}
		}
		return err
	})
}

// takes waits until the intent's packets take a path of these nodes.
func (c *cloud) takes(intent string, nodes ...string) {
	c.t.Helper()
	c.await("packets to take "+strings.Join(nodes, " "), func() error {
		i, err := c.Client.Intent(c.ctx, intent)
		if err != nil {
			return err
		}
		for _, p := range i.Status.Paths {
			if p.Active && p.Headend == nodes[0] {
				if slices.Equal(p.Nodes, nodes) {
					return nil
				}
				err = fmt.Errorf("they take %v", p.Nodes)
			}
		}
		return errors.Join(err, errors.New("not there"))
	})
}

// An intent that wants QKD keys gets one for each epoch. Before a link of it
// has none left its packets go another way, and none is lost. Before there is
// none at all that is said, and then its lane closes: it carries nothing rather
// than with a weaker key.
func TestQuantum(t *testing.T) {
	t.Parallel() // most of it is waiting for keys to be used up
	c := startQuantum(t, jp12(t))
	c.apply(c.document("jp12.topology.yaml"), c.edited("quantum.yaml", "    multiplicity: 2\n    disjoint: [link, node]\n", ""))
	south, north := []string{"tyo1", "nag1", "osa1"}, []string{"tyo1", "hcj1", "nno1", "knz1", "osa1"}
	c.takes(quantumIntent, south...)

	before := c.stored("tyo1", "nag1")
	epochs := c.epochs(quantumIntent, 3)
	if used := uint64(before - c.stored("tyo1", "nag1")); used < epochs || used > epochs+2 { // some are fetched for the next
		t.Errorf("%d epochs took %d keys over tyo1--nag1", epochs, used)
	}
	why, err := c.Client.Explain(c.ctx, quantumIntent)
	c.must(err)
	if len(why.KeyHolders) != 1 || !slices.Equal(why.KeyHolders[0].Possible, []string{"hcj1", "knz1", "nag1", "nno1"}) {
		t.Errorf("who sees the keys: %+v", why.KeyHolders)
	}

	c.lossless("a link that runs out of keys", []traffic{quantum, quantum.back()}, func() {
		c.store("tyo1", "nag1", 10)
		c.keyless("tyo1--nag1", "is low")
		c.takes(quantumIntent, north...)
		if c.stored("tyo1", "nag1") == 0 {
			t.Error("it had none left before its paths were elsewhere")
		}
		c.store("tyo1", "nag1", 0)
		c.keyless("tyo1--nag1", "is empty")
		c.epochs(quantumIntent, 2) // with keys of the other way
	})

	s := c.stream(quantum, time.Second)
	c.flows(s, 100)
	c.store("knz1", "osa1", 3)
	c.await("the lane to drain while it has keys", func() error {
		l := c.lanesOf(quantumIntent)[0]
		if !l.Open || !l.Draining || !strings.Contains(l.Reason, "QKD keys shared with osa1: the store is low") {
			return fmt.Errorf("%+v", l)
		}
		return nil
	})
	c.fires("KeyStoreLow", "pair:osa1~tyo1", true)
	c.flows(s, 100) // there is no other way
	c.await("no key to be left", func() error {
		if l := c.lanesOf(quantumIntent)[0]; !strings.Contains(l.Reason, "none is left") {
			return fmt.Errorf("%+v", l)
		}
		return nil
	})
	if l := c.lanesOf(quantumIntent)[0]; !l.Open {
		t.Errorf("closed while its key is good: %+v", l)
	}
	c.flows(s, 100)
	c.await("the lane to close when its key is too old", func() error {
		if l := c.lanesOf(quantumIntent)[0]; l.Open || !strings.Contains(l.Reason, "too old") {
			return fmt.Errorf("%+v", l)
		}
		return nil
	})
	c.sends(s, 100)
	silent := s.Received()
	c.sends(s, 200)
	if n := s.Received(); n != silent {
		t.Errorf("%d packets came through a closed lane", n-silent)
	}
	c.store("knz1", "osa1", plenty)
	c.flows(s, 100)
	s.Stop()
	c.fires("KeyStoreLow", "pair:osa1~tyo1", false)
	if l := c.lanesOf(quantumIntent)[0]; !l.Open || l.Level != "qkd" {
		t.Errorf("with keys again: %+v", l)
	}
}

// A KME that lies takes a lane no key that it has, and gives it none that is
// good for nothing. When it obeys the standard again there are new epochs.
func TestQuantumLies(t *testing.T) {
	t.Parallel() // most of it is waiting for keys to be used up
	c := startQuantum(t, jp12(t))
	c.apply(c.document("jp12.topology.yaml"), c.document("quantum.yaml"))
	c.lossless("KMEs that lie", []traffic{quantum, quantum.back()}, func() {
		// osa1 begins the exchanges, and so takes keys; tyo1 fetches the same.
		for _, lie := range []struct {
			node string
			how  kme.Misbehaviour
			told string
		}{
			{"osa1", kme.Hang, "enc_keys at KME \\\"kme-osa1\\\": timed-out"},
			{"osa1", kme.ServeTwice, "enc_keys at KME \\\"kme-osa1\\\": repeated"},
			{"osa1", kme.StuckSource, "enc_keys at KME \\\"kme-osa1\\\": repeated"},
			{"tyo1", kme.WrongKeys, "dec_keys at KME \\\"kme-tyo1\\\": foreign"},
			{"osa1", kme.ForeignStatus, "status at KME \\\"kme-osa1\\\": foreign"},
			{"osa1", kme.Empty, "enc_keys at KME \\\"kme-osa1\\\": refused (HTTP 503)"},
		} {
			had := c.said(lie.node, lie.told)
			c.must(c.KMEs.Network.Misbehave(kmes.ID(lie.node), lie.how))
			c.await(fmt.Sprintf("%s at %s to be noticed", lie.how, lie.node), func() error {
				if c.said(lie.node, lie.told) == had {
					return errors.New("not yet")
				}
				return nil
			})
			for _, l := range c.lanesOf(quantumIntent) {
				if !l.Open {
					t.Errorf("%s: %+v", lie.how, l)
				}
			}
			c.must(c.KMEs.Network.Misbehave(kmes.ID(lie.node)))
			c.epochs(quantumIntent, 1)
		}
	})
}

// said is how often an agent has logged a text.
func (c *cloud) said(node, text string) int {
	c.t.Helper()
	log, err := os.ReadFile(filepath.Join(c.Dir, "agent-"+node+".log"))
	c.must(err)
	return strings.Count(string(log), text)
}

// twoTails are a node with QKD links to two others, in one site.
const twoTails = `
name: tails
topology:
  nodes:
    h: {kind: linux, labels: {site: west, loopback: "10.1.3.1"}}
    t: {kind: linux, labels: {site: east, loopback: "10.2.3.1"}}
    u: {kind: linux, labels: {site: east}, exec: ["ip route add 10.2.3.1 via 192.0.2.1"]}
  links:
    - endpoints: ["h:eth1", "t:eth1"]
      vars: {delay: 1ms, srlgs: [], qkd: true}
    - endpoints: ["h:eth2", "u:eth1"]
      vars: {delay: 2ms, srlgs: [], qkd: true}
    - endpoints: ["t:eth2", "u:eth2"]
      ipv4: [192.0.2.1/30, 192.0.2.2/30]
      vars: {delay: 1ms, srlgs: []}
`

// Where an intent has lanes to two nodes, its packets leave the one whose keys
// run out while it still carries them, and none is lost.
func TestQuantumDrain(t *testing.T) {
	t.Parallel() // most of it is waiting for keys to be used up
	f, err := clab.Parse("tails.clab.yml", []byte(twoTails), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	f.Name = labName(t.Name())
	c := startQuantum(t, f)
	topo, err := c.Topology()
	c.must(err)
	c.apply(topo, resource.Document{Name: "sites.yaml", Data: []byte(`apiVersion: keiro/v1
kind: PathIntent
metadata: {name: sites}
spec:
  from: h
  to: east
  traffic: [{from: 10.1.3.0/24, to: 10.2.3.0/24}]
  require: {multiplicity: 2, disjoint: [node], encryption: qkd}
`)})
	c.takes("sites", "h", "t")
	c.lossless("a lane without keys", []traffic{{"h", "10.1.3.1", "t", "10.2.3.1"}}, func() {
		c.store("h", "t", 5)
		c.takes("sites", "h", "u")
		lane := c.lanesOf("sites")[0]
		if !lane.Open || !lane.Draining || !strings.Contains(lane.Reason, "QKD keys shared with t: the store is low") {
			t.Errorf("packets have left a lane that is %+v", lane)
		}
		c.keyless("h--t", "is low")
		c.await("it to close", func() error {
			if c.lanesOf("sites")[0].Open {
				return errors.New("open")
			}
			return nil
		})
		c.store("h", "t", plenty)
		c.takes("sites", "h", "t")
	})
}
