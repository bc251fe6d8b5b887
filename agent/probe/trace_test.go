package probe

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

func trace(t *testing.T, p *Prober, cfg *nodecfg.Config) []nodecfg.TracePath {
	t.Helper()
	r := p.Trace(t.Context(), cfg, nodecfg.TraceRequest{ID: 7, Intent: "gold"})
	if r.ID != 7 || r.Error != "" || len(r.Paths) != len(cfg.Policies[0].Paths) {
		t.Fatalf("trace: %+v", r)
	}
	return r.Paths
}

// expect compares the nodes seen, "-" for none, and how the error ends.
func expect(t *testing.T, got nodecfg.TracePath, seen, problem string) {
	t.Helper()
	var hops []string
	for _, h := range got.Hops {
		switch {
		case h.Addr == "":
			hops = append(hops, "-")
		case h.RTTUS <= 0:
			t.Errorf("no time: %+v", h)
		default:
			hops = append(hops, h.Seen)
		}
	}
	if strings.Join(hops, " ") != seen {
		t.Errorf("want to see %s: %+v", seen, got)
	}
	if (problem == "") != (got.Error == "") || !strings.Contains(got.Error, problem) {
		t.Errorf("want error %q: %+v", problem, got)
	}
	if (got.RTTUS > 0) != (got.Error == "") {
		t.Errorf("round trip: %+v", got)
	}
}

func TestTrace(t *testing.T) {
	t.Parallel()
	w := line(t)
	p := w.prober()
	cfg := w.config(w.path("gold/0", 0, 1, 2, 3), w.path("gold/1", 0, 4, 2, 3))
	p.Set(cfg)
	start(t, p)
	for _, path := range cfg.Policies[0].Paths {
		await(t, p, path.Name, nodecfg.Up)
	}
	got := trace(t, p, cfg)
	expect(t, got[0], "n2 n3 n4", "")
	expect(t, got[1], "n5 n3 n4", "")

	// The node before the cut says so.
	w.down(2, 3)
	await(t, p, "gold/0", nodecfg.Down)
	await(t, p, "gold/1", nodecfg.Down)
	got = trace(t, p, cfg)
	expect(t, got[0], "n2 n3 -", "n3 (5f00:0:3:8001::1) answers: no route to destination")
	expect(t, got[1], "n5 n3 -", "n3 (5f00:0:3:8003::1) answers: no route to destination")
	w.up(2, 3)
	await(t, p, "gold/0", nodecfg.Up)

	// Dropped silently: what was seen is what there is.
	n := w.nodes[2]
	hole := &netlink.Route{Dst: host(nodecfg.EndX(n.locator, w.end(2, 3).id)), Type: unix.RTN_BLACKHOLE, Priority: 1}
	n.route(hole)
	got = trace(t, p, cfg)
	expect(t, got[0], "n2 - -", "the last node that answered: n2 (5f00:0:2:8001::1)")
	expect(t, got[1], "n5 - -", "the last node that answered: n5 (5f00:0:5:8001::1)")

	n.must(n.RouteDel(hole))
	// One path cannot be sent at all, the other can.
	cfg = w.config(cfg.Policies[0].Paths...)
	cfg.Links[0].Interface = "gone"
	got = trace(t, p, cfg)
	expect(t, got[0], "- - -", "interface gone: no such device")
	expect(t, got[1], "n5 n3 n4", "")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r := p.Trace(ctx, cfg, nodecfg.TraceRequest{Intent: "gold"}); !strings.Contains(r.Error, "context canceled") {
		t.Errorf("canceled: %+v", r)
	}
}

// TestTraceWhileDown: errors that the probes of a broken path bring about do
// not use up those that the trace needs, however long it has been broken.
func TestTraceWhileDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3, [2]int{0, 1}, [2]int{1, 2})
	p := w.prober()
	cfg := w.config(w.path("gold/0", 0, 1, 2))
	cfg.Probe.Interval = time.Millisecond
	p.Set(cfg)
	start(t, p)
	await(t, p, "gold/0", nodecfg.Up)
	w.down(1, 2)
	await(t, p, "gold/0", nodecfg.Down)
	sent := p.Counters().Sent
	eventually(t, "many probes refused", func() bool { return p.Counters().Sent > sent+300 })
	expect(t, trace(t, p, cfg)[0], "n2 -", "n2 (5f00:0:2:8001::1) answers: no route to destination")
}
