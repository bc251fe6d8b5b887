package world_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/lab"
	"github.com/keiro-net/keiro/lab/kmes"
	"github.com/keiro-net/keiro/lab/world"
	"github.com/keiro-net/keiro/topology/clab"
)

const quantumIntent = "tyo-osa-quantum"

var quantum = traffic{"tyo1", "10.1.3.1", "osa1", "10.2.3.1"}

// interval is that between epochs here: short, so that a test sees many. A key
// is too old after 15 s then, and a store that lasts less than 30 s is low.
const interval = 2 * time.Second

// startQuantum starts a lab with KMEs, whose links make no key.
func startQuantum(t *testing.T, f *clab.File, stored int64) *cloud {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	w, err := world.Start(ctx, world.Options{
		File: f, Bin: binaries, Controller: []string{"-v", "--wait-to-restore", "50ms"},
		Agent: []string{"-v", "--rotate-every", interval.String()},
		KME:   kmes.Options{Stored: stored * 256, Agent: map[string]any{"poll": "100ms"}},
	})
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			for _, name := range []string{"controller", "agent-tyo1", "agent-osa1"} {
				t.Logf("end of the log of %s:\n%s", name, w.Log(name))
			}
		}
		if err := w.Close(ctx); err != nil && !errors.Is(err, lab.ErrNotUp) {
			t.Error(err)
		}
		cancel()
	})
	c := &cloud{World: w, t: t, ctx: ctx}
	for _, n := range f.Nodes {
		c.nodes = append(c.nodes, n.Name)
	}
	return c
}

func TestQuantum(t *testing.T) {
	c := startQuantum(t, jp12(t), 4000)
	began := time.Now()
	c.apply(c.document("jp12.topology.yaml"), c.document("quantum.yaml"))
	t.Log("up after", time.Since(began))
	c.lossless("quantum", []traffic{quantum, quantum.back()}, func() { time.Sleep(6 * time.Second) })
	tr, err := c.Client.Trace(c.ctx, quantumIntent)
	c.must(err)
	for _, p := range tr.Paths {
		t.Logf("%+v", p.Lane)
	}
	_ = fmt.Sprint
	_ = strings.Join
	var _ resource.Document
}
