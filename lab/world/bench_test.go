package world_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/lab/stream"
)

// BenchmarkRepairHeadend cuts the headend's own link of the path in use.
func BenchmarkRepairHeadend(b *testing.B) {
	for b.Loop() {
		newCampaign(b).run(200, 0, false)
	}
}

// BenchmarkRepairRemote cuts a link further along: the agent there reports it
// and the controller tells the headend, or the headend's probes are lost,
// whichever is first.
func BenchmarkRepairRemote(b *testing.B) {
	for b.Loop() {
		newCampaign(b).run(60, -1, false)
	}
}

// BenchmarkRepairRemoteAlone is the same while the controller stands still.
func BenchmarkRepairRemoteAlone(b *testing.B) {
	for b.Loop() {
		newCampaign(b).run(60, -1, true)
	}
}

// campaign measures what cuts of a protected path cost.
type campaign struct {
	*cloud
	b     *testing.B
	hooks *receiver
	paths [][]string

	outage, report, probe, alert samples // milliseconds
	lost, lostAtRestore          int
	lostToMachine                int
	late                         time.Duration // how late the sender was at worst
}

func newCampaign(b *testing.B) *campaign {
	b.Helper()
	hooks := listen(b)
	c := &campaign{cloud: demo(b, "--alerting", hooks.alerting), b: b, hooks: hooks}
	c.paths = c.cloud.paths("tyo-osa-gold")
	return c
}

// run cuts the nth link of the path in use, counted from the end where n is
// negative, so many times.
func (c *campaign) run(cuts, n int, alone bool) {
	path := c.paths[0]
	link := path[(n+len(path))%len(path)]
	for range cuts {
		c.once(link, alone)
	}
	fmt.Printf("%s: link %s of %s, %d cuts: outage p50 %.1f ms, p99 %.1f ms; %.1f packets lost a cut, %d at all restorations\n",
		c.b.Name(), link, strings.Join(path, ", "), cuts, c.outage.percentile(50), c.outage.percentile(99), float64(c.lost)/float64(cuts), c.lostAtRestore)
	c.b.ReportMetric(c.outage.percentile(50), "outage-p50-ms")
	c.b.ReportMetric(c.outage.percentile(99), "outage-p99-ms")
	c.b.ReportMetric(float64(c.lost)/float64(cuts), "lost/cut")
	c.b.ReportMetric(float64(c.lostAtRestore)/float64(cuts), "lost/restore")
	c.b.ReportMetric(0, "ns/op")
	if !alone {
		fmt.Printf("  the controller knew after p50 %.1f ms, p99 %.1f ms; the alert was received after p50 %.1f ms, p99 %.1f ms\n",
			c.report.percentile(50), c.report.percentile(99), c.alert.percentile(50), c.alert.percentile(99))
		c.b.ReportMetric(c.alert.percentile(50), "alert-p50-ms")
		c.b.ReportMetric(c.alert.percentile(99), "alert-p99-ms")
	}
	if len(c.probe) > 0 {
		fmt.Printf("  probes of the headend said so in %d of %d cuts, after p50 %.1f ms, p99 %.1f ms\n",
			len(c.probe), cuts, c.probe.percentile(50), c.probe.percentile(99))
	}
	c.memory()
}

// once cuts and restores a link under a stream.
func (c *campaign) once(link string, alone bool) {
	c.b.Helper()
	target, err := c.Lab.Target("link:" + link)
	c.must(err)
	s := c.stream(gold, 200*time.Millisecond)
	c.flows(s, 50)
	agent, controller := c.logEnd("agent-tyo1"), c.logEnd("controller")
	if alone {
		c.must(unix.Kill(c.ControllerPID(), unix.SIGSTOP))
	}
	atCut, began := s.Sent(), time.Now()
	_, err = c.Lab.Cut(c.ctx, target)
	c.must(err)
	c.flows(s, 200)
	if alone {
		c.must(unix.Kill(c.ControllerPID(), unix.SIGCONT))
	}
	c.cut("link:" + link) // waits until the controller knows as well
	c.settled()
	c.await("the alert", func() error {
		hook, err := c.hooks.find("link:"+link, resource.Firing, began)
		if err == nil {
			c.alert.add(hook.at.Sub(began))
		}
		return err
	})
	if at, ok := c.logged("controller", controller, `event=LinkDown object=link:`+link); ok {
		c.report.add(at.Sub(began))
	}
	if at, ok := c.logged("agent-tyo1", agent, `path=tyo-osa-gold/0 from=up to=down`); ok {
		c.probe.add(at.Sub(began))
	}
	atRestore := s.Sent()
	c.restore("link:" + link)
	c.settled()
	c.await("the paths to be as before", func() error {
		if now := c.cloud.paths("tyo-osa-gold"); !equal(now, c.paths) {
			return fmt.Errorf("%v instead of %v", now, c.paths)
		}
		return nil
	})
	c.flows(s, 50)
	c.count(s.Stop(), atCut, atRestore)
}

// count takes in what became of a stream. All outages between cut and
// restoration are the cut's.
func (c *campaign) count(r *stream.Result, atCut, atRestore int) {
	c.late = max(c.late, time.Duration(r.LateMax)*time.Microsecond)
	var outage time.Duration
	for _, o := range r.Outages {
		switch {
		case o.First+o.Lost < atCut: // before anything was cut
			c.lostToMachine += o.Lost
		case o.First < atRestore:
			outage += time.Duration(o.Length) * time.Microsecond
			c.lost += o.Lost
		default:
			c.lostAtRestore += o.Lost
		}
	}
	c.outage.add(outage)
}

// memory reports what the processes hold after all that, and how busy the
// machine was: what a busy one adds is in the outages.
func (c *campaign) memory() {
	status, err := c.Lab.Status(c.ctx)
	c.must(err)
	most := 0.0
	for _, n := range status.Nodes {
		most = max(most, c.resident(c.AgentPID(n.Name)))
	}
	controller := c.resident(c.ControllerPID())
	fmt.Printf("  the machine: packets left up to %.1f ms late, %d were lost before a cut\n", float64(c.late)/1e6, c.lostToMachine)
	fmt.Printf("  memory: the largest of %d agents %.1f MB, the controller %.1f MB\n", len(status.Nodes), most, controller)
	c.b.ReportMetric(most, "agent-MB")
	c.b.ReportMetric(controller, "controller-MB")
}

var residentLine = regexp.MustCompile(`VmRSS:\s+(\d+) kB`)

func (c *campaign) resident(pid int) float64 {
	c.b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	c.must(err)
	var kilobytes int
	found := residentLine.FindSubmatch(text)
	_, err = fmt.Sscan(string(found[1]), &kilobytes)
	c.must(err)
	return float64(kilobytes) * 1024 / 1e6
}

func (c *campaign) logEnd(name string) int {
	c.b.Helper()
	info, err := os.Stat(filepath.Join(c.Dir, name+".log"))
	c.must(err)
	return int(info.Size())
}

var logTime = regexp.MustCompile(`^time=(\S+)`)

// logged is the time at which a process first logged a text since then.
func (c *campaign) logged(name string, since int, text string) (time.Time, bool) {
	c.b.Helper()
	log, err := os.ReadFile(filepath.Join(c.Dir, name+".log"))
	c.must(err)
	for line := range bytes.Lines(log[since:]) {
		if bytes.Contains(line, []byte(text)) {
			at, err := time.Parse(time.RFC3339, string(logTime.FindSubmatch(line)[1]))
			c.must(err)
			return at, true
		}
	}
	return time.Time{}, false
}

// samples are in milliseconds.
type samples []float64

func (s *samples) add(d time.Duration) { *s = append(*s, float64(d)/1e6) }

// percentile is the least that p percent do not exceed.
func (s samples) percentile(p int) float64 {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	return sorted[(len(sorted)*p+99)/100-1]
}
