package agent

import (
	"context"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/internal/testnet"
	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/probe/way"
)

// startWays runs a prober of ways on a node.
func startWays(t testing.TB, n *node) *way.Prober {
	t.Helper()
	var p *way.Prober
	n.Do(func() (err error) {
		p, err = way.New(slog.New(slog.NewTextHandler(t.Output(), nil)))
		return err
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		_ = p.Run(ctx)
		close(done)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		p.Close()
	})
	return p
}

// startProving runs an agent for a, beside b and c whose kernels obey and whose
// agents are gone, and waits until both paths are proven.
func startProving(t *testing.T, w *triangle) *running {
	t.Helper()
	w.a.cfg.Probe = nodecfg.Probe{Interval: 10 * time.Millisecond, Lost: 3, Back: 3}
	p := startWays(t, w.a)
	a := startOptions(t, w.a, t.TempDir(), w.a.kernel, func(o *Options) { o.Ways = p })
	a.in <- nodecfg.ToAgent{Config: w.a.cfg}
	return a
}

func ways(direct, detour string) func(*nodecfg.Report) bool {
	return func(r *nodecfg.Report) bool {
		return len(r.Paths) == 2 && r.Paths[0].Way == direct && r.Paths[1].Way == detour
	}
}

// Somebody leads the SID of a node that packets pass somewhere else: they still
// arrive, and the way is not what the path says.
func TestWayIsProven(t *testing.T) {
	w := newTriangle(t)
	a := startProving(t, w)
	a.report("both paths proven", ways(nodecfg.Proven, nodecfg.Proven))

	endX := nodecfg.EndX(w.c.cfg.Locator, w.c.linkTo(w.b).ID)
	toA := w.c.linkTo(w.a)
	lead := func(next netip.Addr, dev string) time.Time {
		r := nodecfg.Route{Table: nodecfg.MainTable, To: netip.PrefixFrom(endX, 128), Metric: 1024, Dev: dev,
			Encap: nodecfg.Seg6Local{Action: "End.X", NextHop: next, Count: true}}
		if err := w.c.kernel.Apply(nodecfg.Op{Verb: nodecfg.Replace, Object: r}); err != nil {
			t.Fatal(err)
		}
		return time.Now()
	}
	at := lead(nodecfg.Adjacency(w.a.cfg.Locator, toA.PeerID), toA.Interface)
	r := a.report("the detour deviates", ways(nodecfg.Proven, nodecfg.Deviates))
	t.Logf("told after %v: %s", time.Since(at), r.Paths[1].Deviation)
	if got, want := r.Paths[1].Deviation, "after c they come to a over link a--c, not to b over link b--c"; got != want {
		t.Errorf("deviation %q, want %q", got, want)
	}

	toB := w.c.linkTo(w.b)
	at = lead(nodecfg.Adjacency(w.b.cfg.Locator, toB.PeerID), toB.Interface)
	a.report("the detour is proven again", ways(nodecfg.Proven, nodecfg.Proven))
	t.Logf("proven again after %v", time.Since(at))

	// A link that is down is no deviation, and what is restored is proven anew.
	w.ab.Cut()
	a.report("the direct path has no way", func(r *nodecfg.Report) bool {
		return r.Paths[0].Way == "" && r.Paths[1].Way == nodecfg.Proven
	})
	w.ab.Restore()
	for r := range reports(a, ways(nodecfg.Proven, nodecfg.Proven)) {
		for _, p := range r.Paths {
			if p.Way == nodecfg.Deviates {
				t.Fatalf("after the link was down: %+v", p)
			}
		}
	}
}

// reports yields what the agent says until want holds.
func reports(a *running, want func(*nodecfg.Report) bool) func(func(*nodecfg.Report) bool) {
	return func(yield func(*nodecfg.Report) bool) {
		done := false
		for !done && yield(a.report("a report", func(r *nodecfg.Report) bool {
			done = want(r)
			return true
		})) {
		}
	}
}

// A node without in-band OAM on the path, or one where somebody else uses it,
// proves nothing, and says why.
func TestWayIsUnknown(t *testing.T) {
	w := layTriangle(t)
	const foreign = "/proc/sys/net/ipv6/conf/eth2/ioam6_id"
	w.c.Do(func() error { return os.WriteFile(foreign, []byte("77"), 0) })
	for _, n := range []*node{w.a, w.b} {
		n.obey(t)
	}
	c := start(t, w.c, t.TempDir())
	c.in <- nodecfg.ToAgent{Config: w.c.cfg}
	r := c.report("it obeys", reached)
	if len(r.Errors) != 1 || !strings.Contains(r.Errors[0].Error, "net/ipv6/conf/eth2/ioam6_id is 77 by somebody else") {
		t.Errorf("errors: %v", r.Errors)
	}
	a := startProving(t, w)
	a.report("only the direct path is proven", ways(nodecfg.Proven, ""))

	// Left to Keiro, it is proven as well, with no word from anybody.
	w.c.Do(func() error { return os.WriteFile(foreign, []byte("65535"), 0) })
	w.c.cfg.Revision++
	c.in <- nodecfg.ToAgent{Config: w.c.cfg}
	c.report("no error", func(r *nodecfg.Report) bool { return r.Reached && len(r.Errors) == 0 })
	a.report("both paths proven", ways(nodecfg.Proven, nodecfg.Proven))

	// What was Keiro's is put right again.
	w.c.Do(func() error { return os.WriteFile(foreign, []byte("78"), 0) })
	w.c.cfg.Revision++
	c.in <- nodecfg.ToAgent{Config: w.c.cfg}
	testnet.Eventually(t, "the number of the link again", func() bool {
		return w.c.see(t, w.c.cfg.Desired(nil)).State.Has(nodecfg.Sysctl{Name: "net/ipv6/conf/eth2/ioam6_id", Value: "2"})
	})
}
