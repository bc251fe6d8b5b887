package agent

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/floor"
	"github.com/keiro-net/keiro/agent/internal/testnet"
	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/message"
)

// A node takes its paths by BGP: packets flow, they follow what is announced,
// are stopped where nothing is valid, and nothing that is lost, be it the
// session or the agent, takes a path away.
func TestPoliciesByBGP(t *testing.T) {
	w := newSteered(t)
	dir := t.TempDir()
	controller := newCore(t, w.core)
	a := startHeaded(t, w.a, dir)
	a.in <- nodecfg.ToAgent{Config: w.a.cfg}
	a.report("reached", reached)
	w.all(controller, w.direct, w.detour)
	a.report("the direct path", active("gold/0"))
	packets := w.streams(t)
	packets.arrive(t, "over the direct path")
	detour := nodecfg.EndX(w.c.cfg.Locator, w.c.linkTo(w.b).ID)
	if n := w.c.count(t, detour); n != 0 {
		t.Errorf("c has seen %d packets", n)
	}
	w.ab.Cut() // the agent switches by itself
	a.report("the detour", active("gold/1"))
	packets.arrive(t, "over the detour")
	if n := w.c.count(t, detour); n == 0 {
		t.Error("c has seen nothing")
	}
	w.ab.Restore()
	a.report("the direct path again", active("gold/0"))

	controller.withdraw(w.direct)
	a.report("only the detour", activeAre("gold/1"))
	packets.arrive(t, "over the only path")
	controller.withdraw(w.detour)
	a.report("nothing is valid", says("its traffic is answered with unreachable: no candidate path of it has a segment list"))
	w.fenced(t)
	controller.path(w.direct)
	a.report("the direct path once more", activeAre("gold/0"))

	controller.Close() // as if for ever
	a.report("the session is lost", says("bgp peer core: it has no session"))
	packets.arrive(t, "without a session")
	answer := make(chan floor.Answer, 1)
	a.orders <- floor.Order{Status: true, Answer: answer}
	if r := (<-answer).Report; r == nil || !says("bgp peer core: it has no session")(r) || !active("gold/0")(r) {
		t.Errorf("the node's root is told %+v", r)
	}

	a.stop()
	a = startHeaded(t, w.a, dir)
	r := a.report("adopted", func(r *nodecfg.Report) bool { return reached(r) && active("gold/0")(r) })
	if !says("4 objects that it has said before are kept")(r) {
		t.Errorf("errors %v", r.Errors)
	}
	if n := a.kernel.ops.Load(); n != 0 {
		t.Errorf("%d operations on adoption, want none", n)
	}
	packets.arrive(t, "after a restart of the agent without a session")

	controller = newCore(t, w.core)
	controller.path(w.fence)
	w.routes(controller)
	controller.path(w.detour)
	a.report("the new one before the end of the old one", says("it is back and has not said everything again; 1 objects"))
	packets.arrive(t, "by what the peer has not said again")
	controller.complete()
	a.report("only what was said again", func(r *nodecfg.Report) bool { return activeAre("gold/1")(r) && says("")(r) })
	packets.arrive(t, "over the detour again")

	for _, r := range w.to {
		if err := controller.Withdraw("a", r.Family(), message.AppendPrefix(nil, r.Prefix)); err != nil {
			t.Fatal(err)
		}
	}
	a.report("nothing of it is left", func(r *nodecfg.Report) bool { return len(r.Paths) == 0 && reached(r) })
	want := w.a.cfg.Desired(nil)
	testnet.Eventually(t, "the kernel as before", func() bool { return w.a.see(t, want).State.String() == want.String() })
}

// In many changes of the path under a stream, each of which announces the new
// candidate path before it withdraws the old one, no datagram is lost and none
// arrives twice.
func TestNewCandidatesLoseNothing(t *testing.T) {
	w := newSteered(t)
	controller := newCore(t, w.core)
	a := startHeaded(t, w.a, t.TempDir())
	a.in <- nodecfg.ToAgent{Config: w.a.cfg}
	now, next := w.direct, w.detour
	w.all(controller, now)
	a.report("the direct path", active("gold/0"))
	w.streams(t).arrive(t, "before")
	var all []*flows
	sent, stop := make(chan int, 2), make(chan struct{})
	for i, from := range []netip.Addr{w.near.addr4, w.near.addr6} {
		f := newFlows(t, 16, w.near.host, from, w.far.host, []netip.Addr{w.far.addr4, w.far.addr6}[i])
		if err := f.send(0, 16); err != nil {
			t.Fatal(err)
		}
		all = append(all, f)
		go func() {
			number := 16
			defer func() { sent <- number }()
			for {
				select {
				case <-stop:
					return
				default:
					if err := f.send(number, number+window); err != nil {
						t.Error(err)
						return
					}
					number += window
				}
			}
		}()
	}
	var took []time.Duration
	const changes = 100
	for i := range changes {
		next.Distinguisher = uint32(10_000 + i)
		began := time.Now()
		controller.path(next)
		controller.withdraw(now)
		a.report(fmt.Sprint("active ", next.Name), activeAre(next.Name))
		took = append(took, time.Since(began))
		for _, f := range all {
			before := f.count()
			testnet.Eventually(t, "the stream goes on", func() bool { return f.count() >= before+window/2 })
		}
		now, next = next, now
	}
	close(stop)
	n, came := <-sent+<-sent, 0
	for i, f := range all {
		f.mu.Lock()
		for number, times := range f.seen {
			if times != 1 {
				t.Errorf("%s: datagram %d arrived %d times", families[i].name, number, times)
			}
		}
		came += len(f.seen)
		f.mu.Unlock()
	}
	if came != n {
		t.Errorf("of %d datagrams lost %d", n, n-came)
	}
	slices.Sort(took)
	t.Logf("%d changes under %d datagrams; from the announcement to the report half took %v, the slowest %v", changes, n, took[changes/2], took[changes-1])
}

// Of one candidate path with two segment lists both have their share.
func TestSpreadByBGP(t *testing.T) {
	w := newSteered(t)
	controller := newCore(t, w.core)
	a := startHeaded(t, w.a, t.TempDir())
	a.in <- nodecfg.ToAgent{Config: w.a.cfg}
	both := w.direct
	both.Name = "gold"
	both.SegmentLists = append(both.SegmentLists, w.detour.SegmentLists...)
	both.SegmentLists[0].Weight = ls.Some(uint32(3_000_000))
	both.SegmentLists[1].Weight = ls.Some(uint32(1_000_000))
	w.all(controller, both)
	a.report("both lists", activeAre("gold/0", "gold/1"))
	w.streams(t).arrive(t, "before")
	flows := newFlows(t, 400, w.near.host, w.near.addr6, w.far.host, w.far.addr6)
	detour := nodecfg.EndX(w.c.cfg.Locator, w.c.linkTo(w.b).ID)
	// A link whose carrier has just come takes packets a little later.
	testnet.Eventually(t, "of 3 datagrams of each of 400 flows about 300 take the detour", func() bool {
		before := w.c.count(t, detour)
		if err := flows.round(); err != nil {
			t.Fatal(err)
		}
		n := w.c.count(t, detour) - before
		return n > 3*50 && n < 3*150
	})
}

// What was encrypted once is not carried in the clear because BGP says so.
func TestFloorsHoldAgainstBGP(t *testing.T) {
	w := newSteered(t)
	dir := t.TempDir()
	encrypted := *w.a.cfg
	any4, any6 := netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	encrypted.Policies = []nodecfg.Policy{{Intent: "secret", ID: 5, Encryption: "pq", Traffic: []nodecfg.Selector{{From: any4, To: w.far.route4, Pref: 1}, {From: any6, To: w.far.route6, Pref: 1}}}}
	if err := encrypted.Validate(); err != nil {
		t.Fatal(err)
	}
	controller := newCore(t, w.core)
	a := startHeaded(t, w.a, dir)
	a.in <- nodecfg.ToAgent{Config: &encrypted}
	a.report("the floor", func(r *nodecfg.Report) bool { return len(r.Floors) == 1 && reached(r) })
	next := *w.a.cfg
	next.Revision = 2
	a.in <- nodecfg.ToAgent{Config: &next}
	w.all(controller, w.direct)
	r := a.report("fenced", func(r *nodecfg.Report) bool {
		return reached(r) && len(r.Paths) == 1 && len(r.Floors) == 1 && strings.Contains(r.Floors[0].Reason, `intent "gold" would carry it with none`)
	})
	if !r.Floors[0].Fenced || r.Paths[0].Active {
		t.Errorf("%+v %+v", r.Floors, r.Paths)
	}
	w.fenced(t)
}
