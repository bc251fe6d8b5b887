package agent

import (
	"context"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/internal/testnet"
	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/sample"
)

// protect has all nodes look for the intent, over all their links.
func (w *triangle) protect() {
	traffic := append(w.a.cfg.Policies[0].Traffic, w.b.cfg.Policies[0].Traffic...)
	for _, n := range []*node{w.a, w.b, w.c} {
		p := nodecfg.Protected{Intent: "gold", Traffic: traffic}
		for _, l := range n.cfg.Links {
			p.Links = append(p.Links, l.Name)
		}
		n.cfg.Protected = []nodecfg.Protected{p}
	}
}

// startSampling runs an agent that samples, and its Config is obeyed.
func startSampling(t testing.TB, n *node) *running {
	t.Helper()
	s := sample.New(slog.New(slog.NewTextHandler(t.Output(), nil)), func(f func() error) (err error) {
		n.Do(func() error {
			err = f()
			return nil
		})
		return err
	})
	s.Hasten(100 * time.Millisecond)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		_ = s.Run(ctx)
		close(done)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		s.Close()
	})
	a := startOptions(t, n, t.TempDir(), n.kernel, func(o *Options) { o.Samples = s })
	a.in <- nodecfg.ToAgent{Config: n.cfg}
	a.report("it obeys", reached)
	return a
}

// leak is a Report of one, of the intent.
func leak(link, kind string) func(*nodecfg.Report) bool {
	return func(r *nodecfg.Report) bool {
		return len(r.Leaks) == 1 && r.Leaks[0].Intent == "gold" && r.Leaks[0].Link == link && r.Leaks[0].Kind == kind
	}
}

// told are the Reports that wait.
func (a *running) told() []*nodecfg.Report {
	var all []*nodecfg.Report
	for {
		select {
		case m := <-a.out:
			if m.Report != nil {
				all = append(all, m.Report)
			}
		default:
			return all
		}
	}
}

// While packets change between their paths as fast as it goes nothing is a leak;
// steering that somebody breaks is one, and what is readable that should not be.
func TestLeaks(t *testing.T) {
	w := layTriangle(t)
	w.protect()
	a, b, c := startSampling(t, w.a), startSampling(t, w.b), startSampling(t, w.c)
	w.flow(hostA4, hostB4).arrives(t, "IPv4")
	w.flow(hostA6, hostB6).arrives(t, "IPv6")
	flows := []*testnet.Flow{
		w.a.Flow(hostA4, w.b.Namespace, netip.AddrPortFrom(hostB4, 7001), 2000, "four"),
		w.b.Flow(hostB4, w.a.Namespace, netip.AddrPortFrom(hostA4, 7002), 500, "back"),
		w.a.Flow(hostA6, w.b.Namespace, netip.AddrPortFrom(hostB6, 7003), 500, "six"),
	}
	switches := 0
	for end := time.Now().Add(quiet); time.Now().Before(end); switches++ {
		down := [][]string{{"gold/0"}, {}}[switches%2]
		a.prober.say(down...)
		b.prober.say(down...)
		r := a.report("switched", active([]string{"gold/1", "gold/0"}[switches%2]))
		if len(r.Leaks) > 0 {
			t.Fatalf("leaks while all is well: %+v", r.Leaks)
		}
	}
	for i, f := range flows {
		if got := f.Stop(); got.Arrived < got.Sent/2 {
			t.Errorf("flow %d: %+v", i, got)
		}
	}
	t.Logf("%d switches in %s", switches, quiet)
	for _, n := range []*running{a, b, c} {
		for _, r := range n.told() {
			if len(r.Leaks) > 0 {
				t.Fatalf("leaks while all is well: %+v", r.Leaks)
			}
		}
	}

	// The agent of a is gone, and so are its rules.
	a.stop()
	for _, o := range w.a.see(t, w.a.cfg.Desired(nil)).State {
		if r, rule := o.(nodecfg.Rule); rule {
			if err := w.a.kernel.Apply(nodecfg.Op{Verb: nodecfg.Delete, Object: r}); err != nil {
				t.Fatal(err)
			}
		}
	}
	toC := w.a.linkTo(w.c)
	plain := func(to netip.Addr, n *node, via netip.Addr, dev string) {
		t.Helper()
		r := nodecfg.Route{Table: nodecfg.MainTable, To: netip.PrefixFrom(to, 128), Metric: 5, Via: via, Dev: dev}
		if err := n.kernel.Apply(nodecfg.Op{Verb: nodecfg.Add, Object: r}); err != nil {
			t.Fatal(err)
		}
	}
	plain(hostB6, w.a, nodecfg.Adjacency(w.c.cfg.Locator, toC.PeerID), toC.Interface)
	began := time.Now()
	f := w.a.Flow(hostA6, w.b.Namespace, netip.AddrPortFrom(hostB6, 7004), 100, "lost")
	r := c.report("steered into no path", leak("a--c", nodecfg.LeakOutside))
	t.Logf("told after %s: %+v", time.Since(began), r.Leaks)
	f.Stop()

	// What should be encrypted is not.
	w.b.cfg.Revision++
	p := &w.b.cfg.Protected[0]
	p.Encryption = "pq"
	b.prober.say("gold/0")
	b.in <- nodecfg.ToAgent{Config: w.b.cfg}
	f = w.b.Flow(hostB4, w.a.Namespace, netip.AddrPortFrom(hostA4, 7005), 100, "clear")
	b.report("readable", leak("b--c", nodecfg.LeakClear))
	f.Stop()
}

const quiet = 10 * time.Second
