package world_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/keiro-net/keiro/lab"
	"github.com/keiro-net/keiro/lab/world"
	"github.com/keiro-net/keiro/topology/clab"
)

// BenchmarkRepairOSPF is what a user has without Keiro: the same lab, the same
// stream, the same kinds of cut, with OSPFv3 of BIRD 2 and its own defaults
// but for hellos every second. Carrier loss is seen by BIRD at once; what takes
// its time is that it computes once a second (`tick`).
func BenchmarkRepairOSPF(b *testing.B) {
	bird, err := exec.LookPath("bird")
	if err != nil {
		b.Skip("no bird to compare with: apt-get install bird2")
	}
	const cuts = 4 // each in a lab of its own: nothing of the one before is left in any kernel
	for b.Loop() {
		for n, where := range []string{"headend", "remote"} {
			var all campaign
			for range cuts {
				o := newOSPF(b, bird)
				o.cut([]string{o.path()[0], o.path()[1]}[n])
				all.outage, all.lost = append(all.outage, o.outage...), all.lost+o.lost
				o.must(o.Lab.Down(o.ctx))
			}
			fmt.Printf("%s: OSPF, %s link, %d cuts: outage p50 %.1f ms, at most %.1f ms; %.1f packets lost a cut\n",
				b.Name(), where, cuts, all.outage.percentile(50), all.outage.percentile(100), float64(all.lost)/cuts)
			b.ReportMetric(all.outage.percentile(50), "ospf-"+where+"-p50-ms")
			b.ReportMetric(all.outage.percentile(100), "ospf-"+where+"-max-ms")
		}
	}
	b.ReportMetric(0, "ns/op")
}

type ospf struct {
	campaign
	file *clab.File
}

// newOSPF brings the lab up with a bird in every node.
func newOSPF(b *testing.B, bird string) *ospf {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), 10*time.Minute)
	b.Cleanup(cancel)
	o := &ospf{file: jp12(b)}
	l, err := lab.Up(ctx, o.file, lab.Options{New: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := l.Down(context.WithoutCancel(ctx)); err != nil && !errors.Is(err, lab.ErrNotUp) {
			b.Error(err)
		}
	})
	o.campaign.b, o.cloud = b, &cloud{World: &world.World{Lab: l, Dir: l.Dir()}, t: b, ctx: ctx, rate: 1000}
	dir := b.TempDir()
	for n, node := range o.file.Nodes {
		config := filepath.Join(dir, node.Name+".conf")
		o.must(os.WriteFile(config, fmt.Appendf(nil, `
router id 10.255.0.%d;
protocol device { }
protocol kernel { scan time 1; ipv6 { export where source != RTS_DEVICE; }; }
protocol direct { ipv6; interface "lo"; }
protocol ospf v3 {
  ipv6 { export where source = RTS_DEVICE; };
  area 0 {
    interface "eth*" { type ptp; hello 1; };
  };
}
`, n+1), 0o600))
		o.must(l.In(node.Name, func() error {
			return os.WriteFile("/proc/sys/net/ipv6/conf/all/forwarding", []byte("1"), 0)
		}))
		cmd := exec.Command(bird, "-f", "-c", config, "-s", filepath.Join(dir, node.Name+".ctl"))
		o.must(l.Start(ctx, node.Name, cmd))
		go func() { _ = cmd.Wait() }() // the lab ends it
	}
	o.await("OSPF to find the shortest path", func() error {
		if n := len(o.path()); n != 2 {
			return fmt.Errorf("%d links", n)
		}
		return nil
	})
	return o
}

// path follows the routes to the end of gold6; nil where they do not lead there.
func (o *ospf) path() []string {
	var links []string
	for at := gold6.node; at != gold6.toNode && len(links) < 12; {
		var name string
		err := o.Lab.In(at, func() error {
			routes, err := netlink.RouteGet(net.ParseIP(gold6.toAddr))
			if err != nil || len(routes) == 0 {
				return errors.Join(err, os.ErrNotExist)
			}
			via, err := netlink.LinkByIndex(routes[0].LinkIndex)
			if err == nil {
				name = via.Attrs().Name
			}
			return err
		})
		if err != nil {
			return nil
		}
		for _, l := range o.file.Links {
			switch (clab.Endpoint{Node: at, Interface: name}) {
			case clab.Endpoint{Node: l.A.Node, Interface: l.A.Interface}:
				at, name = l.B.Node, ""
			case clab.Endpoint{Node: l.B.Node, Interface: l.B.Interface}:
				at, name = l.A.Node, ""
			default:
				continue
			}
			links = append(links, l.Traits.Name)
		}
		if name != "" {
			return nil
		}
	}
	return links
}

// cut cuts a link under a stream.
func (o *ospf) cut(link string) {
	o.b.Helper()
	target, err := o.Lab.Target("link:" + link)
	o.must(err)
	s := o.stream(gold6, 200*time.Millisecond)
	// A router may not speak again of its links within MinLSInterval, 5 s
	// (RFC 2328 appendix B); to cut just after the start would be unfair.
	o.flows(s, 6000)
	atCut := s.Sent()
	_, err = o.Lab.Cut(o.ctx, target)
	o.must(err)
	o.flows(s, 200)
	o.count(s.Stop(), atCut, math.MaxInt)
}
