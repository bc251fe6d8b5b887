package world_test

import (
	"flag"
	"fmt"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"github.com/keiro-net/keiro/controller/api/resource"
)

var quietFor = flag.Duration("quiet", 10*time.Minute, "how long BenchmarkFalseAlarms waits for alarms that nothing has caused")

// BenchmarkFalseAlarms lets nothing happen in the lab of the examples, with
// lanes, while other processes want twice the processors that there are. An
// alert is a false one.
func BenchmarkFalseAlarms(b *testing.B) {
	for b.Loop() {
		hooks := listen(b)
		c := demo(b, "--alerting", hooks.alerting)
		c.apply(c.document("encrypted.yaml"))
		began := time.Now()
		for range 2 * runtime.NumCPU() {
			hog := exec.Command("sh", "-c", "while :; do :; done")
			c.must(hog.Start())
			b.Cleanup(func() {
				_ = hog.Process.Kill()
				_ = hog.Wait() // it was killed
			})
		}
		hooks.quiet(c, began, *quietFor)
		b.ReportMetric(0, "ns/op")
	}
}

// quiet waits that long and tells of each alert that came since.
func (r *receiver) quiet(c *cloud, since time.Time, long time.Duration) {
	c.t.Helper()
	select {
	case <-time.After(long):
	case <-c.ctx.Done():
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	alarms := 0
	for _, g := range r.got {
		if g.alert.Status == resource.Firing && !g.at.Before(since) {
			alarms++
			c.t.Errorf("%s after %v: %s", g.alert.Name, g.at.Sub(since).Round(time.Second), g.alert.Message)
		}
	}
	fmt.Printf("%s: %d false alarms in %v\n", c.t.Name(), alarms, long)
}
