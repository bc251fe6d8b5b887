package world_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/core"
)

// TestDetect causes each trouble once, and wants its alert.
func TestDetect(t *testing.T) {
	c, hooks := watched(t)
	for _, trouble := range c.troubles() {
		t.Run(trouble.name, func(t *testing.T) {
			d := &detection{cloud: c, hooks: hooks}
			d.once(trouble)
			t.Logf("known after %.0f ms, alert received after %.0f ms", d.known[0], d.received[0])
		})
	}
}

// BenchmarkDetect causes each trouble many times, and measures when the
// controller knew and when a webhook receiver had the alert. docs/detection.md
// has the budgets.
func BenchmarkDetect(b *testing.B) {
	c, hooks := watched(b)
	for _, trouble := range c.troubles() {
		b.Run(trouble.name, func(b *testing.B) {
			for b.Loop() {
				d := &detection{cloud: c, hooks: hooks}
				for range 20 {
					d.once(trouble)
				}
				d.tell(b)
			}
		})
	}
}

// watched is the lab of the examples with a receiver of alerts, an intent that
// is close to its bound of delay, and a node whose guard only tells.
func watched(t testing.TB) (*cloud, *receiver) {
	t.Helper()
	hooks := listen(t)
	c := start(t, jp12(t), "--alerting", hooks.alerting, "--probe-interval", "3ms", "--agent-lost", "1s")
	c.apply(c.edited("jp12.topology.yaml", "{name: hcj1, site: hachioji, ", "{name: hcj1, site: hachioji, guard: alert, "), c.document("intents.yaml"),
		resource.Document{Name: "near.yaml", Data: []byte(`apiVersion: keiro/v1
kind: PathIntent
metadata: {name: near}
spec: {from: tyo1, to: hcj1, traffic: [{from: 10.1.9.0/24, to: 10.9.0.0/16}], require: {maxDelay: 2ms}}
`)})
	return c, hooks
}

// trouble is something that goes wrong.
type trouble struct {
	name  string
	alert string // its name
	cause func() (undo func())
}

// troubles are those that the lab of the examples can have.
func (c *cloud) troubles() []trouble {
	path := c.paths("tyo-osa-gold")[0] // over hcj1
	first, last := path[0], path[len(path)-1]
	return []trouble{
		{"local link down", core.PathSetLost, c.broken(first)},
		{"remote link down", core.DegradedPath, c.broken(last)},
		{"silent loss one way", core.DegradedPath, c.lossy(last, "knz1", 1e6)},
		{"loss of 1 percent", core.PathLossy, c.lossy(first, "tyo1", 10_000)},
		{"delay plus 5 ms", core.DelayExceeded, c.slow(first, 5*time.Millisecond)},
		{"route deleted", core.Drifted, c.routeless("tyo1")},
		{"rule deleted", core.Drifted, c.ruleless("tyo1")},
		{"another way taken", core.PathDeviates, c.astray("hcj1", "eth3", "eth1")},
		{"agent dead", core.AgentLost, c.agentless("spk1")},
	}
}

// detection is how soon one trouble is known, in milliseconds.
type detection struct {
	*cloud
	hooks           *receiver
	known, received samples
}

// once causes the trouble, waits for the alert, and for the end of both.
func (d *detection) once(t trouble) {
	d.t.Helper()
	began := time.Now()
	undo := t.cause()
	var hook received
	d.await("alert "+t.alert, func() (err error) {
		hook, err = d.hooks.named(t.alert, resource.Firing, began)
		return err
	})
	d.known.add(hook.alert.DetectedAt.Sub(began))
	d.received.add(hook.at.Sub(began))
	undo()
	d.await("the end of alert "+t.alert, func() error {
		n, err := d.firing()
		if err == nil && n > 0 {
			err = fmt.Errorf("%d alerts fire", n)
		}
		return err
	})
	d.settled()
}

func (d *detection) tell(b *testing.B) {
	fmt.Printf("%s, %d times: known after p50 %.1f ms, p99 %.1f ms; alert received after p50 %.1f ms, p99 %.1f ms\n", b.Name(), len(d.known),
		d.known.percentile(50), d.known.percentile(99), d.received.percentile(50), d.received.percentile(99))
	b.ReportMetric(d.known.percentile(50), "known-p50-ms")
	b.ReportMetric(d.known.percentile(99), "known-p99-ms")
	b.ReportMetric(d.received.percentile(50), "alert-p50-ms")
	b.ReportMetric(d.received.percentile(99), "alert-p99-ms")
	b.ReportMetric(0, "ns/op")
}

// firing is how many alerts fire.
func (c *cloud) firing() (int, error) {
	alerts, err := c.Client.Alerts(c.ctx)
	n := 0
	for _, a := range alerts {
		if a.Status == resource.Firing {
			n++
		}
	}
	return n, err
}
