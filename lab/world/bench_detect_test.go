package world_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/keiro-net/keiro/controller/api/resource"
)

// BenchmarkDetect causes one trouble after the other, and measures when the
// controller knew and when a webhook receiver had the alert. docs/detection.md
// has the budgets.
func BenchmarkDetect(b *testing.B) {
	hooks := listen(b)
	c := demo(b, "--alerting", hooks.alerting, "--probe-interval", "3ms")
	for _, t := range c.troubles() {
		b.Run(t.name, func(b *testing.B) {
			for b.Loop() {
				d := &detection{cloud: c, hooks: hooks}
				for range times {
					d.once(t)
				}
				d.tell(b)
			}
		})
	}
}

// times is how often each trouble is caused.
const times = 20

// trouble is something that goes wrong.
type trouble struct {
	name  string
	alert string // its name
	cause func() (undo func())
}

// troubles are those that the lab of the examples can have.
func (c *cloud) troubles() []trouble {
	path := c.paths("tyo-osa-gold")[0]
	first, last := path[0], path[len(path)-1]
	return []trouble{
		{"local link down", resource.DegradedPath, c.broken(first)},
		{"remote link down", resource.DegradedPath, c.broken(last)},
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
