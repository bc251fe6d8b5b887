package agent

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

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
	to        []service.Route // of IPv4 and of IPv6
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
	for prefix, sid := range map[netip.Prefix]service.SID{
		w.far.route4: {Addr: nodecfg.EndDX4(w.b.cfg.Locator), Behavior: ls.BehaviorEndDT4},
		w.far.route6: {Addr: nodecfg.EndDT6(w.b.cfg.Locator), Behavior: ls.BehaviorEndDT6},
	} {
		w.to = append(w.to, service.Route{Prefix: prefix, NextHop: w.fence.Endpoint, Colors: []route.Color{{Value: w.fence.Color}}, NoAdvertise: true, SID: ls.Some(sid)})
	}
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
	w.routes(c)
	c.complete()
}

// routes are the colored ones, which lead traffic into the paths.
func (w *steered) routes(c *core) {
	for _, r := range w.to {
		c.say(r.Announce(route.Session{LocalAS: 65000, ExtendedNextHop: true}))
	}
}

// streams are from the host behind a to the one behind b, of both families.
type streams []*flow

func (w *steered) streams(t *testing.T) (both streams) {
	t.Helper()
	for i, from := range []netip.Addr{w.near.addr4, w.near.addr6} {
		to := []netip.Addr{w.far.addr4, w.far.addr6}[i]
		f := &flow{out: w.near.host.UDP(netip.AddrPortFrom(from, 0)), in: w.far.host.UDP(netip.AddrPortFrom(to, 0)), got: make(chan []byte, 1<<16)}
		f.listen()
		both = append(both, f)
	}
	return both
}

func (s streams) arrive(t *testing.T, what string) {
	t.Helper()
	for i, f := range s {
		f.arrives(t, families[i].name+" "+what)
	}
}

// fenced waits until the headend answers that there is no way: the end of the
// policy's table, or the rule of a floor.
func (w *steered) fenced(t *testing.T) {
	t.Helper()
	for i, to := range []netip.Addr{w.far.addr4, w.far.addr6} {
		out := w.a.UDP(netip.AddrPortFrom(families[i].from, 0))
		testnet.Eventually(t, "the fence of "+families[i].name, func() bool {
			_, err := out.WriteToUDPAddrPort([]byte("leak"), netip.AddrPortFrom(to, 9))
			return errors.Is(err, unix.EHOSTUNREACH) || errors.Is(err, unix.ENETUNREACH)
		})
	}
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
