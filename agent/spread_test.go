package agent

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/internal/testnet"
	"github.com/keiro-net/keiro/agent/lane"
	"github.com/keiro-net/keiro/agent/nodecfg"
)

// share checks that about its part of the flows came by an interface: within
// six standard deviations of the binomial distribution, which one run in five
// hundred million exceeds.
func share(t *testing.T, what string, path map[uint32]int, dev int, part float64) {
	t.Helper()
	n := 0
	for _, d := range path {
		if d == dev {
			n++
		}
	}
	want := part * float64(len(path))
	if off := math.Abs(float64(n) - want); off > 6*math.Sqrt(want*(1-part)) {
		t.Errorf("%s: %d of %d flows, want about %.0f", what, n, len(path), want)
	}
	t.Logf("%s: %d of %d flows, %.0f expected", what, n, len(path), want)
}

func (w *triangle) spread(weights ...int) {
	for _, n := range []*node{w.a, w.b} {
		p := &n.cfg.Policies[0]
		p.Mode = nodecfg.Spread
		for i := range p.Paths {
			p.Paths[i].Weight = weights[i]
		}
	}
}

// Flows are spread by the weights of the paths, each on one path. Without a
// path its flows move and the others stay; when it is back all are where they
// were. A path without carrier is passed over by the kernel: nothing of ours
// runs then.
func TestSpread(t *testing.T) {
	for _, kind := range []string{"clear", "lanes"} {
		var w *triangle
		devs := []string{"eth1", "eth2"}
		if kind == "lanes" {
			var lanes map[string]lane.Device
			w, lanes = newEncryptedTriangle(t, 0)
			sessions(t, lanes)
			devs = []string{"kr-w1", "kr-w2"}
		} else {
			w = layTriangle(t)
		}
		w.spread(3, 1)
		w.obey(t)
		first, second := w.b.Link(devs[0]).Attrs().Index, w.b.Link(devs[1]).Attrs().Index
		for _, f := range families {
			t.Run(kind+" "+f.name, func(t *testing.T) {
				w.flow(f.from, f.to).arrives(t, "before")
				flows := w.flows(t, 400, f.from, f.to)
				before := flows.paths("all paths")
				share(t, "by "+devs[0], before, first, 3./4)
				share(t, "by "+devs[1], before, second, 1./4)

				only := func(what string, dev int) {
					t.Helper()
					for flow, d := range flows.paths(what) {
						if d != dev {
							t.Fatalf("%s: flow %d came by interface %d, want %d", what, flow, d, dev)
						}
					}
				}
				again := func(what string) {
					t.Helper()
					if after := flows.paths(what); !maps.Equal(before, after) {
						t.Errorf("%s: flows are not where they were", what)
					}
				}
				w.a.obey(t, "gold/0")
				only("without the first", second)
				w.a.obey(t, "gold/1")
				only("without the second", first)
				w.a.obey(t)
				again("with both")
				if kind == "lanes" { // of which the kernel knows no carrier
					return
				}
				var flow uint32 // one of the first path
				for before[flow] != first {
					flow++
				}
				w.ab.Cut()
				flows.until("the kernel passes over the first path", flow, second)
				only("cut", second)
				w.ab.Restore()
				flows.until("the kernel takes it again", flow, first)
				flows.calm("the link to be whole")
				again("restored")
			})
		}
	}
}

// In hundreds of switches under a stream no datagram is lost and none arrives
// twice, one path at a time or all of them: both lanes are open, so this is
// what a drain does. The stream is of a host behind the headend: of a process
// of the headend itself Linux may lose one, see docs/data-plane.md.
func TestSwitchingLosesAndDoublesNothing(t *testing.T) {
	for _, mode := range []nodecfg.Mode{nodecfg.Failover, nodecfg.Spread} {
		t.Run(fmt.Sprintf("mode %q", mode), func(t *testing.T) {
			w, lanes := newEncryptedTriangle(t, 0)
			sessions(t, lanes)
			near, far := w.a.behind(t, 1, 1500), w.b.behind(t, 2, 1500)
			w.carry(near, far, len(families))
			w.obey(t)
			both := []string{"gold/0"}
			if mode == nodecfg.Spread {
				w.spread(1, 1)
				w.obey(t)
				both = []string{"gold/0", "gold/1"}
			}
			a := start(t, w.a, t.TempDir())
			a.in <- nodecfg.ToAgent{Config: w.a.cfg}
			a.lanes.say("gold/0", "gold/1")
			a.report("both open", activeAre(both...))

			const switches = 200
			for i, f := range families {
				w.flow(f.from, f.to).arrives(t, "before")
				from, to := []netip.Addr{near.addr4, near.addr6}[i], []netip.Addr{far.addr4, far.addr6}[i]
				flows := newFlows(t, 16, near.host, from, far.host, to)
				if err := flows.send(0, 16); err != nil {
					t.Fatal(err)
				}
				stop := make(chan struct{})
				sent := make(chan int, 1)
				go func() {
					next := 16
					defer func() { sent <- next }()
					for {
						select {
						case <-stop:
							return
						default:
							if err := flows.send(next, next+window); err != nil {
								t.Error(err)
								return
							}
							next += window
						}
					}
				}()
				steps := []struct{ open, active []string }{
					{[]string{"gold/1"}, []string{"gold/1"}}, {[]string{"gold/0", "gold/1"}, both},
					{[]string{"gold/0"}, []string{"gold/0"}}, {[]string{"gold/0", "gold/1"}, both},
				}
				for i := range switches {
					step := steps[i%len(steps)]
					a.lanes.say(step.open...)
					a.report(fmt.Sprint("active ", step.active), activeAre(step.active...))
					before := flows.count()
					testnet.Eventually(t, "the stream goes on", func() bool { return flows.count() >= before+window/2 })
				}
				close(stop)
				n := <-sent
				flows.mu.Lock()
				for number, times := range flows.seen {
					if times != 1 {
						t.Errorf("%s: datagram %d arrived %d times", f.name, number, times)
					}
				}
				if lost := n - len(flows.seen); lost != 0 {
					t.Errorf("%s: of %d datagrams lost %d", f.name, n, lost)
				}
				t.Logf("%s: %d switches under %d datagrams, %d behind a later one of their flow", f.name, switches, n, flows.unsort)
				flows.mu.Unlock()
			}
		})
	}
}

// When a lane's interface vanishes its flows take the other lane: nothing of
// ours runs then.
func TestSpreadOutlivesAnInterface(t *testing.T) {
	w, _ := newEncryptedTriangle(t, 0)
	w.spread(1, 1)
	w.obey(t)
	for _, f := range families {
		w.flow(f.from, f.to).arrives(t, "before")
	}
	if err := w.a.Netlink().LinkDel(w.a.Link("kr-w1")); err != nil {
		t.Fatal(err)
	}
	second := w.b.Link("kr-w2").Attrs().Index
	for _, f := range families {
		flows := w.flows(t, 32, f.from, f.to)
		flows.until(f.name+" by the other lane", 0, second)
		for flow, dev := range flows.paths(f.name) {
			if dev != second {
				t.Errorf("%s: flow %d came by interface %d, want %d", f.name, flow, dev, second)
			}
		}
	}
}

// A lane that is closed carries nothing, even if what is to carry its flows
// cannot be installed: somebody has set the interface of the other one down.
func TestSpreadFailsClosed(t *testing.T) {
	w, _ := newEncryptedTriangle(t, 0)
	w.spread(1, 1)
	w.a.cfg.Guard = nodecfg.Alert // else it is set up again
	a := start(t, w.a, t.TempDir())
	a.in <- nodecfg.ToAgent{Config: w.a.cfg}
	a.lanes.say("gold/0", "gold/1")
	a.report("both open", activeAre("gold/0", "gold/1"))
	w.a.Down("kr-w2")
	a.lanes.say("gold/1")
	for _, f := range families {
		flow := w.flow(f.from, f.to)
		testnet.Eventually(t, f.name+": the fence", func() bool {
			_, err := flow.out.WriteToUDPAddrPort([]byte("leak"), flow.to)
			return errors.Is(err, unix.EHOSTUNREACH)
		})
	}
	w.a.Up("kr-w2")
	a.lanes.say("gold/0", "gold/1")
	a.report("both again", activeAre("gold/0", "gold/1"))
}

// sessions waits until all lanes have one: the first handshakes were sent
// before there was a way, and the next ones come after 5 s.
func sessions(t *testing.T, lanes map[string]lane.Device) {
	t.Helper()
	for name, d := range lanes {
		testnet.Eventually(t, "a session of "+name, func() bool {
			s, err := d.Status()
			return err == nil && !s.Handshake.IsZero()
		})
	}
}

// activeAre waits for exactly these paths to be active.
func activeAre(want ...string) func(*nodecfg.Report) bool {
	return func(r *nodecfg.Report) bool {
		var got []string
		for _, p := range r.Paths {
			if p.Active {
				got = append(got, p.Name)
			}
		}
		return slices.Equal(got, want)
	}
}
