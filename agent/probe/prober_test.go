package probe

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/probe/stamp"
	"github.com/keiro-net/keiro/agent/probe/wire"
)

// line has four nodes in a row, and a second way from the first to the third.
func line(t testing.TB) *world {
	return newWorld(t, 5, [2]int{0, 1}, [2]int{1, 2}, [2]int{2, 3}, [2]int{0, 4}, [2]int{4, 2})
}

// start runs the prober until the test ends.
func start(t testing.TB, p *Prober) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
	})
}

const patience = 20 * time.Second // of the tests, with a slow machine

// await waits until the path is in the state.
func await(t testing.TB, p *Prober, name string, want nodecfg.PathUp) nodecfg.PathState {
	t.Helper()
	timeout := time.After(patience)
	for {
		if s := stateOf(t, p, name); s.State == want {
			return s
		}
		select {
		case <-p.Changes():
		case <-timeout:
			t.Fatalf("path %s did not become %s: %+v, %+v", name, want, p.States(), p.Counters())
		}
	}
}

// eventually waits for what Changes does not tell.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

func stateOf(t testing.TB, p *Prober, name string) nodecfg.PathState {
	t.Helper()
	for _, s := range p.States() {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("no path %s", name)
	return nodecfg.PathState{}
}

func TestPathsUpDownAndBack(t *testing.T) {
	t.Parallel()
	w := line(t)
	p := w.prober()
	cfg := w.config(w.path("gold/0", 0, 1, 2, 3), w.path("gold/1", 0, 4, 2, 3), w.path("gold/2", 0, 1))
	p.Set(cfg)
	for _, s := range p.States() {
		if s.State != nodecfg.CannotTell || s.RTTUS != 0 {
			t.Errorf("before the first probe: %+v", s)
		}
	}
	start(t, p)
	for _, path := range cfg.Policies[0].Paths {
		if s := await(t, p, path.Name, nodecfg.Up); s.RTTUS <= 0 || s.Cause != "" {
			t.Errorf("%+v: want a round trip and no cause", s)
		}
	}
	// A link further along is cut: only the path over it is down.
	w.down(1, 2)
	if s := await(t, p, "gold/0", nodecfg.Down); s.Cause != nodecfg.DownByProbe {
		t.Errorf("cause %q", s.Cause)
	}
	for _, name := range []string{"gold/1", "gold/2"} {
		if s := stateOf(t, p, name); s.State != nodecfg.Up {
			t.Errorf("%+v: its links are all there", s)
		}
	}
	w.up(1, 2)
	await(t, p, "gold/0", nodecfg.Up)

	// A node drops silently what it should send on.
	n := w.nodes[2]
	n.route(&netlink.Route{Dst: host(nodecfg.EndX(n.locator, w.end(2, 3).id)), Type: unix.RTN_BLACKHOLE, Priority: 1})
	await(t, p, "gold/0", nodecfg.Down)
	await(t, p, "gold/1", nodecfg.Down)

	// The headend's own interface goes away: no other one is taken, though
	// the underlay has another way to the neighbour.
	own := w.nodes[0]
	own.must(own.LinkDel(w.end(0, 1).dev))
	own.route(&netlink.Route{Dst: ipNet(w.nodes[1].locator), Gw: nodecfg.Adjacency(w.nodes[4].locator, w.end(0, 4).far.id).AsSlice(),
		LinkIndex: w.end(0, 4).dev.Attrs().Index})
	await(t, p, "gold/2", nodecfg.Down)
}

// TestSetKeepsState: by name and way, not by position; no probing tells
// nothing.
func TestSetKeepsState(t *testing.T) {
	t.Parallel()
	w := line(t)
	p := w.prober()
	there, other := w.path("gold/0", 0, 1, 2, 3), w.path("gold/0", 0, 4, 2, 3)
	p.Set(w.config(there))
	start(t, p)
	await(t, p, "gold/0", nodecfg.Up)
	before := stateOf(t, p, "gold/0")

	cfg := w.config(w.path("a/0", 0, 1), there)
	cfg.Probe.Interval = 20 * time.Millisecond
	p.Set(cfg)
	got := p.States()
	if len(got) != 2 || got[0].Name != "a/0" || got[0].State != nodecfg.CannotTell {
		t.Errorf("the new path: %+v", got)
	}
	if after := stateOf(t, p, "gold/0"); after.State != nodecfg.Up || !after.Changed.Equal(before.Changed) {
		t.Errorf("the old path was %+v and is %+v", before, after)
	}
	p.Set(w.config(other))
	if s := stateOf(t, p, "gold/0"); s.State != nodecfg.CannotTell || len(p.States()) != 1 {
		t.Errorf("another way under the old name: %+v", p.States())
	}
	await(t, p, "gold/0", nodecfg.Up)

	none := w.config(other)
	none.Probe.Interval = 0
	p.Set(none)
	if s := stateOf(t, p, "gold/0"); s.State != nodecfg.CannotTell {
		t.Errorf("without probing: %+v", s)
	}
	p.Set(w.config(other))
	await(t, p, "gold/0", nodecfg.Up)

	lost, unlinked := other, other
	lost.Name, lost.Return = "gold/lost", nil
	unlinked.Name, unlinked.Link = "gold/unlinked", "no such link"
	p.Set(w.config(other, lost, unlinked))
	for _, name := range []string{"gold/lost", "gold/unlinked"} {
		if s := stateOf(t, p, name); s.State != nodecfg.CannotTell {
			t.Errorf("cannot be probed: %+v", s)
		}
	}
}

// TestWithoutOwnAddress: nothing could come home, so nothing is said.
func TestWithoutOwnAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2, [2]int{0, 1})
	n := w.nodes[0]
	lo, err := n.LinkByName("lo")
	n.must(err)
	n.must(n.AddrDel(lo, &netlink.Addr{IPNet: host(nodecfg.Loopback(n.locator))}))
	p := w.prober()
	cfg := w.config(w.path("gold/0", 0, 1))
	p.Set(cfg)
	now := time.Now()
	for range 200 {
		if _, err := p.round(now); err != nil {
			t.Fatal(err)
		}
		now = now.Add(10 * time.Millisecond)
	}
	if s := stateOf(t, p, "gold/0"); s.State != nodecfg.CannotTell || p.Counters() != (Counters{}) {
		t.Errorf("%+v, %+v", s, p.Counters())
	}
	if r := p.Trace(t.Context(), cfg, nodecfg.TraceRequest{Intent: "gold"}); r.Error == "" {
		t.Errorf("trace: %+v", r)
	}
	n.program()
	start(t, p)
	await(t, p, "gold/0", nodecfg.Up)
	// The locator changes, and with it all that the packets say.
	n.locator = netip.MustParsePrefix("5f00:0:77::/48")
	for _, n := range w.nodes {
		n.program()
	}
	for _, n := range w.nodes {
		w.underlay(n)
	}
	p.Set(w.config(w.path("gold/0", 0, 1)))
	await(t, p, "gold/0", nodecfg.Up)
}

// TestForgedPackets: what this prober did not send counts for nothing, and
// what it sent counts once.
func TestForgedPackets(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2, [2]int{0, 1})
	p := w.prober()
	p.Set(w.config(w.path("gold/0", 0, 1)))
	start(t, p)
	await(t, p, "gold/0", nodecfg.Up)
	before := p.Counters()

	p.mu.Lock()
	own := bytes.Clone(p.paths[0].packet.Bytes())
	home, port := p.home, p.wire.Port()
	p.mu.Unlock()
	inner := own[len(own)-stamp.Len-wire.UDPLen-wire.IPv6Len:]

	// From a neighbour, in our name and to our port, with another key.
	var stranger *wire.Socket
	w.nodes[1].in(func() (err error) {
		stranger, err = wire.Open()
		return err
	})
	defer stranger.Close()
	by, err := stranger.Exit(home, w.end(1, 0).dev.Attrs().Name)
	if err != nil {
		t.Fatal(err)
	}
	forged, err := wire.New(wire.Spec{Source: home, To: home, SIDs: testSIDs, From: port, At: port, Size: stamp.Len})
	if err != nil {
		t.Fatal(err)
	}
	newSealer().Seal(forged.Payload(), stamp.Test{Sequence: 1 << 20, SSID: 1})
	forged.Seal()
	for range 10 {
		if err := stranger.Send(wire.Raw(forged.Bytes()[len(own)-len(inner):]), by); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "10 forged packets refused", func() bool { return p.Counters().Refused == before.Refused+10 })
	// An own packet again.
	if err := stranger.Send(wire.Raw(inner), by); err != nil {
		t.Fatal(err)
	}
	eventually(t, "own packet twice", func() bool { return p.Counters().Late > before.Late })
	if s := stateOf(t, p, "gold/0"); s.State != nodecfg.Up {
		t.Errorf("%+v", s)
	}

	// On a path that is down neither brings it up.
	w.down(0, 1)
	await(t, p, "gold/0", nodecfg.Down)
	p.mu.Lock()
	for i := range uint32(20) {
		newSealer().Seal(forged.Payload(), stamp.Test{Sequence: p.paths[0].judge.next - i, SSID: p.paths[0].ssid})
		p.take(wire.Arrived{Data: forged.Payload(), At: time.Now()}, time.Now())
		p.take(wire.Arrived{Data: own[len(own)-stamp.Len:], At: time.Now()}, time.Now())
	}
	p.mu.Unlock()
	if s := stateOf(t, p, "gold/0"); s.State != nodecfg.Down {
		t.Errorf("%+v", s)
	}
}

// TestStarvedProber: rounds are called by hand, the answers are real. A round
// that comes 5 seconds late calls nothing lost; the ones after it do.
func TestStarvedProber(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2, [2]int{0, 1})
	p := w.prober()
	p.Set(w.config(w.path("gold/0", 0, 1)))
	now := time.Now()
	round := func(after time.Duration) {
		t.Helper()
		now = now.Add(after)
		if _, err := p.round(now); err != nil {
			t.Fatal(err)
		}
	}
	// answered waits for what was sent to be in the socket.
	answered := func() bool {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(p.wire.UDP()), Events: unix.POLLIN}}, 2)
		return n > 0 && err == nil
	}
	eventually(t, "up", func() bool {
		round(10 * time.Millisecond)
		answered()
		return stateOf(t, p, "gold/0").State == nodecfg.Up && stateOf(t, p, "gold/0").RTTUS < 5000
	})
	eventually(t, "an answer", func() bool { round(10 * time.Millisecond); return answered() })
	lost := p.Counters().Lost
	round(5 * time.Second)
	if s := stateOf(t, p, "gold/0"); s.State != nodecfg.Up || p.Counters().Lost != lost {
		t.Fatalf("late by 5 s, all answered: %+v, %+v", s, p.Counters())
	}
	w.down(0, 1)
	round(5 * time.Second)
	if s := stateOf(t, p, "gold/0"); s.State != nodecfg.Up {
		t.Fatalf("late by 5 s, one under way: %+v", s)
	}
	for range 6 {
		round(10 * time.Millisecond)
	}
	if s := stateOf(t, p, "gold/0"); s.State != nodecfg.Down {
		t.Fatalf("cut: %+v, %+v", s, p.Counters())
	}
}

func TestClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2, [2]int{0, 1})
	p := w.prober()
	cfg := w.config(w.path("gold/0", 0, 1))
	p.Set(cfg)
	p.Close()
	if err := p.Run(t.Context()); !errors.Is(err, errClosed) {
		t.Errorf("Run: %v", err)
	}
	want := nodecfg.TraceResult{ID: 3, Error: "trace of intent gold: prober is closed"}
	if got := p.Trace(t.Context(), cfg, nodecfg.TraceRequest{ID: 3, Intent: "gold"}); !reflect.DeepEqual(got, want) {
		t.Errorf("Trace: %+v", got)
	}
	want = nodecfg.TraceResult{ID: 4, Error: `node n1 has no path for intent "lead"`}
	if got := p.Trace(t.Context(), cfg, nodecfg.TraceRequest{ID: 4, Intent: "lead"}); !reflect.DeepEqual(got, want) {
		t.Errorf("Trace: %+v", got)
	}
}
