package probe

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/probe/stamp"
	"github.com/keiro-net/keiro/agent/probe/wire"
)

// BenchmarkCraft is what a probe costs without the kernel: made, sealed,
// opened again and judged.
func BenchmarkCraft(b *testing.B) {
	packet, err := wire.New(wire.Spec{Source: testHome, To: testHome, SIDs: testSIDs, From: 50000, At: 50000, Size: stamp.Len})
	if err != nil {
		b.Fatal(err)
	}
	s := newSealer()
	j := judge{state: nodecfg.CannotTell, interval: 10 * time.Millisecond, lost: 3, back: 3}
	now := time.Now()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		s.Seal(packet.Payload(), stamp.Test{Sequence: j.next, Sent: stamp.NTPOf(now), SSID: 1})
		packet.Seal()
		j.leave(time.Duration(i))
		st, ok := s.Open(packet.Payload())
		if !ok || !j.answer(st.Sequence, stamp.NTPOf(now).Sub(st.Sent)) {
			b.Fatal("not taken")
		}
	}
}

// BenchmarkProbe runs 100 paths of one link at 100 probes a second each, in
// real time; an operation is a probe. The CPU is that of the process, which in
// namespaces includes forwarding in all nodes.
func BenchmarkProbe(b *testing.B) {
	w := newWorld(b, 2, [2]int{0, 1})
	p := w.prober()
	paths := make([]nodecfg.Path, 100)
	for i := range paths {
		paths[i] = w.path(fmt.Sprintf("gold/%02d", i), 0, 1)
	}
	p.Set(w.config(paths...))
	start(b, p)
	for _, path := range paths {
		await(b, p, path.Name, nodecfg.Up)
	}
	b.ReportAllocs()
	b.ResetTimer()
	from, cpu, begin := p.Counters(), processTime(b), time.Now()
	for p.Counters().Answered < from.Answered+uint64(b.N) {
		time.Sleep(time.Millisecond)
	}
	elapsed, used := time.Since(begin), processTime(b)-cpu
	b.ReportMetric(float64(used.Nanoseconds())/float64(b.N), "cpu-ns/op")
	b.ReportMetric(100*used.Seconds()/elapsed.Seconds(), "%core")
	b.ReportMetric(float64(p.Counters().Lost-from.Lost), "lost")
}

// BenchmarkSend is the kernel's part of it alone: one probe handed over, all
// the way and back in this machine, and taken in.
func BenchmarkSend(b *testing.B) {
	w := newWorld(b, 2, [2]int{0, 1})
	p := w.prober()
	p.Set(w.config(w.path("gold/0", 0, 1)))
	now := time.Now()
	for p.Counters().Answered == 0 {
		now = now.Add(10 * time.Millisecond)
		if _, err := p.round(now); err != nil {
			b.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
	path := p.paths[0]
	b.ReportAllocs()
	for b.Loop() {
		p.load(path)
		if err := p.wire.Send(path.packet, path.by); err != nil {
			b.Fatal(err)
		}
		p.wire.Receive(p.wire.UDP(), func(wire.Arrived) {})
	}
}

// BenchmarkDetect makes a node further along drop silently what goes one way,
// and says how long it took until the path was called down.
func BenchmarkDetect(b *testing.B) {
	for _, interval := range []time.Duration{3 * time.Millisecond, 10 * time.Millisecond} {
		b.Run(interval.String(), func(b *testing.B) { benchmarkDetect(b, interval) })
	}
}

func benchmarkDetect(b *testing.B, interval time.Duration) {
	w := newWorld(b, 3, [2]int{0, 1}, [2]int{1, 2})
	p := w.prober()
	cfg := w.config(w.path("gold/0", 0, 1, 2))
	cfg.Probe.Interval = interval
	p.Set(cfg)
	start(b, p)
	await(b, p, "gold/0", nodecfg.Up)
	n := w.nodes[1]
	hole := &netlink.Route{Dst: host(nodecfg.EndX(n.locator, w.end(1, 2).id)), Type: unix.RTN_BLACKHOLE, Priority: 1}
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		time.Sleep(50*time.Millisecond + time.Duration(i%10)*time.Millisecond)
		begin := time.Now()
		n.route(hole)
		await(b, p, "gold/0", nodecfg.Down)
		took = append(took, time.Since(begin))
		n.must(n.RouteDel(hole))
		await(b, p, "gold/0", nodecfg.Up)
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}

// apart keeps this process on the first processor, and makes the second one
// handle what comes in by any link.
func (w *world) apart() {
	w.t.Helper()
	var before, first unix.CPUSet
	w.nodes[0].must(unix.SchedGetaffinity(0, &before))
	first.Set(0)
	w.affinity(&first)
	w.t.Cleanup(func() { w.affinity(&before) })
	for _, n := range w.nodes {
		n.in(func() error {
			if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
				return err
			}
			if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
				return err
			}
			if err := unix.Mount("sysfs", "/sys", "sysfs", 0, ""); err != nil {
				return err
			}
			for _, l := range n.links {
				if err := os.WriteFile("/sys/class/net/"+l.dev.Attrs().Name+"/queues/rx-0/rps_cpus", []byte("2"), 0); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

func (w *world) affinity(set *unix.CPUSet) {
	tasks, err := os.ReadDir("/proc/self/task")
	w.nodes[0].must(err)
	for _, task := range tasks {
		id, err := strconv.Atoi(task.Name())
		w.nodes[0].must(err)
		_ = unix.SchedSetaffinity(id, set) // a thread may have ended
	}
}

func processTime(b *testing.B) time.Duration {
	b.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkCost is what an agent's prober costs: the share of a core that this
// process uses, by getrusage, for paths of one link between two namespaces. What
// the kernel does for it in sending and receiving is in it. The forwarding is
// not, as it is not where nodes are machines: all threads are kept on one
// processor, and packets are handed to the other one (RPS).
func BenchmarkCost(b *testing.B) {
	for _, c := range []struct {
		paths             int
		interval, measure time.Duration
	}{
		{100, 100 * time.Millisecond, 0},
		{100, 100 * time.Millisecond, 100 * time.Millisecond},
		{1000, 10 * time.Millisecond, 0},
		{1000, 10 * time.Millisecond, 100 * time.Millisecond},
		{100, 3 * time.Millisecond, 0},
	} {
		b.Run(fmt.Sprintf("paths=%d/interval=%v/measure=%v", c.paths, c.interval, c.measure), func(b *testing.B) {
			w := newWorld(b, 2, [2]int{0, 1})
			w.apart()
			p := w.prober()
			paths := make([]nodecfg.Path, c.paths)
			for i := range paths {
				paths[i] = w.path(fmt.Sprintf("gold/%03d", i), 0, 1)
			}
			cfg := w.config(paths...)
			cfg.Probe.Interval = c.interval
			w.tests(cfg, c.measure)
			p.Set(cfg)
			start(b, p)
			if c.measure > 0 {
				far := w.reflector(cfg)
				start(b, far)
			}
			for _, path := range paths {
				await(b, p, path.Name, nodecfg.Up)
			}
			for b.Loop() {
				from, cpu, begin := p.Counters(), processTime(b), time.Now()
				time.Sleep(5 * time.Second) // what is measured is time
				elapsed, used := time.Since(begin), processTime(b)-cpu
				to := p.Counters()
				b.ReportMetric(100*used.Seconds()/elapsed.Seconds(), "%core")
				b.ReportMetric(float64(to.Sent-from.Sent)/elapsed.Seconds(), "probes/s")
				b.ReportMetric(float64(to.Lost-from.Lost), "lost")
			}
		})
	}
}
