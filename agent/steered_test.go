package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/floor"
	"github.com/keiro-net/keiro/agent/headend"
	"github.com/keiro-net/keiro/agent/internal/testnet"
	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/bgp"
	"github.com/keiro-net/keiro/bgp/file"
	"github.com/keiro-net/keiro/bgp/fsm"
	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/bgp/rib"
	"github.com/keiro-net/keiro/bgp/route"
	"github.com/keiro-net/keiro/bgp/service"
	"github.com/keiro-net/keiro/bgp/srpolicy"
)

// The files of both ends: one link, TTL security and a password.
const (
	headendFile = `apiVersion: keiro/v1
kind: BGP
metadata: {name: a}
spec:
  as: 65000
  routerID: 10.0.0.3
  peers:
    - {name: core, address: "fd00::1", as: 65000, families: [ipv6-unicast, ipv4-unicast, ipv6-srpolicy], ttlSecurity: 1, passwordFile: secret}
`
	coreFile = `apiVersion: keiro/v1
kind: BGP
metadata: {name: core}
spec:
  as: 65000
  routerID: 10.0.0.1
  listen: ["[fd00::1]:179"]
  peers:
    - {name: a, address: "fd00::2", as: 65000, families: [ipv6-unicast, ipv4-unicast, ipv6-srpolicy], ttlSecurity: 1, passwordFile: secret, passive: true}
`
)

// speaks reads a file, for sockets in a namespace.
func speaks(t *testing.T, n *testnet.Namespace, text string) *file.File {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{"bgp.yaml": text, "secret": "very secret\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, err := file.Read(filepath.Join(dir, "bgp.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	f.Speaker.Log = slog.New(slog.DiscardHandler)
	soon := fsm.DefaultTimes // a second try does not take half a minute
	soon.ConnectRetry, soon.IdleHold, soon.IdleHoldMax = time.Second, 200*time.Millisecond, time.Second
	f.Speaker.Times = &soon
	f.Speaker.Sockets = func(do func() error) (err error) {
		n.Do(func() error {
			err = do()
			return nil
		})
		return err
	}
	return f
}

// core is the controller's end of the sessions.
type core struct {
	*bgp.Speaker
	t *testing.T
}

func newCore(t *testing.T, n *testnet.Namespace) *core {
	t.Helper()
	f := speaks(t, n, coreFile)
	s, err := bgp.New(t.Context(), f.Speaker)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if err := s.SetPeers(f.Sessions()); err != nil {
		t.Fatal(err)
	}
	return &core{s, t}
}

func (c *core) say(u message.Update, err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
	r := rib.Route{Family: u.Reach.Family, NLRI: u.Reach.NLRI, Attributes: u.Attributes}
	r.NextHop, _ = netip.AddrFromSlice(u.Reach.NextHop)
	if err := c.Announce("a", r); err != nil {
		c.t.Fatal(err)
	}
}

func (c *core) path(p srpolicy.CandidatePath) {
	c.t.Helper()
	c.say(srpolicy.Route{CandidatePath: p, Direct: true}.Announce(route.Session{LocalAS: 65000, LocalAddress: netip.MustParseAddr("fd00::1")}))
}

func (c *core) withdraw(p srpolicy.CandidatePath) {
	c.t.Helper()
	if err := c.Withdraw("a", p.Family(), srpolicy.AppendNLRI(nil, p.NLRI)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *core) complete() {
	c.t.Helper()
	for _, f := range []message.Family{message.IPv6Unicast, message.IPv4Unicast, message.IPv6SRPolicy} {
		if err := c.Complete("a", f); err != nil {
			c.t.Fatal(err)
		}
	}
}

// headed is a node that is a headend of SR Policies.
type headed struct {
	*running
	stop func() // the agent and its sessions
}

func startHeaded(t *testing.T, n *node, dir string) *headed {
	t.Helper()
	f := speaks(t, n.Namespace, headendFile)
	h, err := headend.New(t.Context(), headend.Options{Speaker: f.Speaker, Peers: f.Sessions(), Dir: dir, Log: f.Speaker.Log})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = h.Run(ctx)
	}()
	k := &counted{Handle: n.kernel}
	a := startRoutes(t, n, dir, k, nil, h)
	a.kernel = k
	out := &headed{running: a, stop: sync.OnceFunc(func() {
		a.stop()
		cancel()
		<-done
		h.Close()
	})}
	t.Cleanup(out.stop)
	return out
}

// steered is the triangle where a has its paths by BGP, with a host behind a and
// one behind b.
type steered struct {
	*triangle
	core      *testnet.Namespace
	near, far *site
	direct    srpolicy.CandidatePath
	detour    srpolicy.CandidatePath
	fence     srpolicy.CandidatePath
	to        service.Route
}

func newSteered(t *testing.T) *steered {
	t.Helper()
	w := &steered{triangle: layTriangle(t), core: testnet.New(t)}
	w.near, w.far = w.a.behind(t, 1, 1500), w.b.behind(t, 2, 1500)
	testnet.Cable(w.core, "a", w.a.Namespace, "core")
	address(t, w.core, "a", "fd00::1/64")
	address(t, w.a.Namespace, "core", "fd00::2/64")
	paths := w.a.cfg.Policies[0].Paths
	w.a.cfg.Policies = nil
	w.obey(t)
	w.direct, w.detour = w.candidate("gold/0", 1000, paths[0].Segments), w.candidate("gold/1", 999, paths[1].Segments)
	w.fence = w.candidate("gold/fence", 1, nil)
	w.fence.BindingSID = ls.Some(srpolicy.BindingSID{BindingSIDFlags: srpolicy.BindingSIDFlags{DropUponInvalid: true}})
	w.to = service.Route{Prefix: w.far.route6, NextHop: w.fence.Endpoint, Colors: []route.Color{{Value: w.fence.Color}},
		SID: ls.Some(service.SID{Addr: nodecfg.EndDT6(w.b.cfg.Locator), Behavior: ls.BehaviorEndDT6})}
	return w
}

func (w *steered) candidate(name string, preference uint32, sids []netip.Addr) srpolicy.CandidatePath {
	p := srpolicy.CandidatePath{NLRI: srpolicy.NLRI{Distinguisher: preference, Color: nodecfg.ColorBase + 1, Endpoint: nodecfg.Loopback(w.b.cfg.Locator)}}
	p.Name, p.PolicyName, p.Preference = name, "gold", ls.Some(preference)
	var list srpolicy.SegmentList
	for _, sid := range sids {
		list.Segments = append(list.Segments, srpolicy.Segment{SID: sid})
	}
	if len(sids) > 0 {
		p.SegmentLists = []srpolicy.SegmentList{list}
	}
	return p
}

// all is what the controller says: both paths, the fence and the route.
func (w *steered) all(c *core, paths ...srpolicy.CandidatePath) {
	for _, p := range append(paths, w.fence) {
		c.path(p)
	}
	c.say(w.to.Announce(route.Session{LocalAS: 65000}))
	c.complete()
}

func (w *steered) stream(t *testing.T) *flow {
	t.Helper()
	f := &flow{out: w.near.host.UDP(netip.AddrPortFrom(w.near.addr6, 0)), in: w.far.host.UDP(netip.AddrPortFrom(w.far.addr6, 0)), got: make(chan []byte, 1<<16)}
	f.listen()
	return f
}

// fenced waits until the headend answers that there is no way: the end of the
// policy's table, or the rule of a floor.
func (w *steered) fenced(t *testing.T) {
	t.Helper()
	out, to := w.a.UDP(netip.AddrPortFrom(hostA6, 0)), netip.AddrPortFrom(w.far.addr6, 9)
	testnet.Eventually(t, "the fence", func() bool {
		_, err := out.WriteToUDPAddrPort([]byte("leak"), to)
		return errors.Is(err, unix.EHOSTUNREACH) || errors.Is(err, unix.ENETUNREACH)
	})
}

func says(words string) func(*nodecfg.Report) bool {
	return func(r *nodecfg.Report) bool {
		for _, e := range r.Errors {
			if strings.Contains(e.Object+": "+e.Error, words) {
				return true
			}
		}
		return words == "" && len(r.Errors) == 0
	}
}

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
	packets := w.stream(t)
	packets.arrives(t, "over the direct path")
	detour := nodecfg.EndX(w.c.cfg.Locator, w.c.linkTo(w.b).ID)
	if n := w.c.count(t, detour); n != 0 {
		t.Errorf("c has seen %d packets", n)
	}
	w.ab.Cut() // the agent switches by itself
	a.report("the detour", active("gold/1"))
	packets.arrives(t, "over the detour")
	if n := w.c.count(t, detour); n == 0 {
		t.Error("c has seen nothing")
	}
	w.ab.Restore()
	a.report("the direct path again", active("gold/0"))

	controller.withdraw(w.direct)
	a.report("only the detour", activeAre("gold/1"))
	packets.arrives(t, "over the only path")
	controller.withdraw(w.detour)
	a.report("nothing is valid", says("its traffic is answered with unreachable: no candidate path of it has a segment list"))
	w.fenced(t)
	controller.path(w.direct)
	a.report("the direct path once more", activeAre("gold/0"))

	controller.Close() // as if for ever
	a.report("the session is lost", says("bgp peer core: it has no session"))
	packets.arrives(t, "without a session")
	answer := make(chan floor.Answer, 1)
	a.orders <- floor.Order{Status: true, Answer: answer}
	if r := (<-answer).Report; r == nil || !says("bgp peer core: it has no session")(r) || !active("gold/0")(r) {
		t.Errorf("the node's root is told %+v", r)
	}

	a.stop()
	a = startHeaded(t, w.a, dir)
	r := a.report("adopted", func(r *nodecfg.Report) bool { return reached(r) && active("gold/0")(r) })
	if !says("3 objects that it has said before are kept")(r) {
		t.Errorf("errors %v", r.Errors)
	}
	if n := a.kernel.ops.Load(); n != 0 {
		t.Errorf("%d operations on adoption, want none", n)
	}
	packets.arrives(t, "after a restart of the agent without a session")

	controller = newCore(t, w.core)
	controller.path(w.fence)
	controller.say(w.to.Announce(route.Session{LocalAS: 65000}))
	controller.path(w.detour)
	a.report("the new one before the end of the old one", says("it is back and has not said everything again; 1 objects"))
	packets.arrives(t, "by what the peer has not said again")
	controller.complete()
	a.report("only what was said again", func(r *nodecfg.Report) bool { return activeAre("gold/1")(r) && says("")(r) })
	packets.arrives(t, "over the detour again")

	if err := controller.Withdraw("a", message.IPv6Unicast, message.AppendPrefix(nil, w.to.Prefix)); err != nil {
		t.Fatal(err)
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
	w.stream(t).arrives(t, "before")
	flows := newFlows(t, 16, w.near.host, w.near.addr6, w.far.host, w.far.addr6)
	if err := flows.send(0, 16); err != nil {
		t.Fatal(err)
	}
	stop, sent := make(chan struct{}), make(chan int, 1)
	go func() {
		number := 16
		defer func() { sent <- number }()
		for {
			select {
			case <-stop:
				return
			default:
				if err := flows.send(number, number+window); err != nil {
					t.Error(err)
					return
				}
				number += window
			}
		}
	}()
	const changes = 100
	for i := range changes {
		next.Distinguisher = uint32(10_000 + i)
		controller.path(next)
		controller.withdraw(now)
		a.report(fmt.Sprint("active ", next.Name), activeAre(next.Name))
		before := flows.count()
		testnet.Eventually(t, "the stream goes on", func() bool { return flows.count() >= before+window/2 })
		now, next = next, now
	}
	close(stop)
	n := <-sent
	flows.mu.Lock()
	defer flows.mu.Unlock()
	for number, times := range flows.seen {
		if times != 1 {
			t.Errorf("datagram %d arrived %d times", number, times)
		}
	}
	if lost := n - len(flows.seen); lost != 0 {
		t.Errorf("of %d datagrams lost %d", n, lost)
	}
	t.Logf("%d changes under %d datagrams", changes, n)
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
	w.stream(t).arrives(t, "before")
	arrives := newFlows(t, 400, w.near.host, w.near.addr6, w.far.host, w.far.addr6)
	if err := arrives.round(); err != nil {
		t.Fatal(err)
	}
	detour := nodecfg.EndX(w.c.cfg.Locator, w.c.linkTo(w.b).ID)
	if n := int(w.c.count(t, detour)); n < 3*50 || n > 3*150 { // of 3 datagrams of each of 400 flows a quarter
		t.Errorf("%d of 1200 datagrams took the detour, want about 300", n)
	}
}

// What was encrypted once is not carried in the clear because BGP says so.
func TestFloorsHoldAgainstBGP(t *testing.T) {
	w := newSteered(t)
	dir := t.TempDir()
	encrypted := *w.a.cfg
	any6 := netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	encrypted.Policies = []nodecfg.Policy{{Intent: "secret", ID: 5, Encryption: "pq", Traffic: []nodecfg.Selector{{From: any6, To: w.far.route6, Pref: 1}}}}
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
