package keying

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/lane"
	"github.com/keiro-net/keiro/keys/hybrid"
	"github.com/keiro-net/keiro/keys/hybrid/kem"
	"github.com/keiro-net/keiro/keys/rotate"
	"github.com/keiro-net/keiro/keys/secret"
)

// agent is a Keyer over loopback whose devices remember.
type agent struct {
	*Keyer
	devices *memories
	peer    Peer
}

func newAgent(b testing.TB, name string, at netip.Addr, params rotate.Params, quantum Quantum) *agent {
	b.Helper()
	id, err := hybrid.Generate(rand.Reader)
	must(b, err)
	a := &agent{devices: &memories{all: map[string]*memory{}}}
	a.Keyer, err = New(Options{
		Node: name, Identity: id, Dir: b.TempDir(), Listen: netip.AddrPortFrom(at, 0), Suite: kem.XWing,
		Params: params, Devices: a.devices, Quantum: quantum, Log: slog.New(slog.DiscardHandler),
	})
	must(b, err)
	a.peer = Peer{Node: name, Public: id.Public(), Addr: netip.MustParseAddrPort(a.conn.LocalAddr().String())}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = a.Run(ctx)
	}()
	b.Cleanup(func() {
		cancel()
		<-ended
	})
	return a
}

func memoryLanes(b testing.TB, far string, first, n int) []Lane {
	lanes := make([]Lane, n)
	for i := range lanes {
		lanes[i] = Lane{
			ID: rotate.Lane{Intent: "gold", Index: first + i}, Peer: far, Level: rotate.PQ, Interface: fmt.Sprintf("kr-w%d", first+i),
			Config: lane.Config{Private: random(b), Port: 1, Peer: lane.Peer{Public: lane.PublicKey{1}, Endpoint: netip.MustParseAddrPort("[::1]:1")}},
		}
	}
	return lanes
}

// fleet is a hub with pairs, and lanes on each; all have their first key.
func fleet(b testing.TB, pairs, lanes int) (hub *agent, far []*agent) {
	b.Helper()
	params := rotate.Every(rotate.DefaultInterval)
	params.Interval, params.MaxAge = 6*time.Hour, 24*time.Hour
	hub = newAgent(b, "hub", netip.MustParseAddr("127.0.0.1"), params, nil)
	var peers []Peer
	var all []Lane
	for i := range pairs {
		a := newAgent(b, fmt.Sprintf("n%04d", i), netip.AddrFrom4([4]byte{127, 1, byte(i >> 8), byte(i)}), params, nil)
		far = append(far, a)
		peers = append(peers, a.peer)
		all = append(all, memoryLanes(b, a.Node, i*lanes, lanes)...)
		must(b, a.Set([]Peer{hub.peer}, memoryLanes(b, "hub", i*lanes, lanes)))
	}
	must(b, hub.Set(peers, all))
	agreed(b, 1, hub, far)
	return hub, far
}

// agreed waits until all pairs have committed an epoch, on disk, and both ends
// of every lane have the same key of it.
func agreed(b testing.TB, epoch uint64, hub *agent, far []*agent) {
	b.Helper()
	end := time.Now().Add(2 * time.Minute)
	for ; ; time.Sleep(10 * time.Millisecond) {
		waits := slices.ContainsFunc(far, func(a *agent) bool { return a.Epoch(hub.Node) < epoch || hub.Epoch(a.Node) < epoch })
		if !waits && !slices.ContainsFunc(hub.Lanes(), func(l LaneState) bool { return l.Epoch < epoch || l.Phase != Open }) {
			break
		}
		if time.Now().After(end) {
			b.Fatalf("epoch %d: not all in time: %+v", epoch, hub.Counters())
		}
	}
	for _, a := range far {
		for _, l := range a.Lanes() {
			ours, theirs := hub.devices.device(l.Interface).preshared(), a.devices.device(l.Interface).preshared()
			if ours != theirs || ours == [secret.Size]byte{} {
				b.Fatalf("%s %s: two keys", a.Node, l.Interface)
			}
		}
	}
}

// BenchmarkExchange is one exchange of one lane after the other, both ends on
// this machine, over UDP on loopback and with two fsyncs on its disk.
func BenchmarkExchange(b *testing.B) {
	hub, far := fleet(b, 1, 1)
	epoch := hub.Epoch(far[0].Node)
	cpu := func() time.Duration {
		var u unix.Rusage
		must(b, unix.Getrusage(unix.RUSAGE_SELF, &u))
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before := cpu()
	for b.Loop() {
		epoch++
		hub.Rekey(far[0].Node, rotate.RotateNow{})
		for hub.Epoch(far[0].Node) < epoch || hub.Lanes()[0].Epoch < epoch {
			<-hub.Changes()
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "exchanges/s")
	b.ReportMetric(float64(b.N)/(cpu()-before).Seconds(), "exchanges/s/core") // of both ends together
}

// Benchmark10000Lanes re-keys 10,000 lanes, both ends of each on this machine.
func Benchmark10000Lanes(b *testing.B) {
	for _, c := range []struct{ pairs, lanes int }{{40, 250}, {1000, 10}} {
		b.Run(fmt.Sprintf("%dx%d", c.pairs, c.lanes), func(b *testing.B) {
			hub, far := fleet(b, c.pairs, c.lanes)
			epoch := uint64(1)
			for _, a := range far {
				epoch = max(epoch, a.Epoch("hub"))
			}
			for b.Loop() {
				epoch++
				if n := hub.Rotate("", rotate.RotateNow{}); n != c.pairs {
					b.Fatalf("%d pairs rotate", n)
				}
				agreed(b, epoch, hub, far)
			}
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/10000lanes")
			b.Logf("%+v", hub.Counters())
		})
	}
}

// BenchmarkSilence is how long a lane of real WireGuard carries on below its
// floor: from the Set that raises it until the device has no peer.
func BenchmarkSilence(b *testing.B) {
	_, a, far := newPair(b, 0)
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		set := func(n, far *node, level rotate.Level) {
			l := n.lane(far, 1, level)
			l.ID.Intent = fmt.Sprintf("gold-%d", i)
			n.set([]*node{far}, l)
		}
		set(a, far, rotate.PQ)
		set(far, a, rotate.PQ)
		eventually(b, "a key", func() bool {
			l := a.keyer.Lanes()
			return len(l) == 1 && l[0].Lane.Intent == fmt.Sprintf("gold-%d", i) && l[0].Phase == Open
		})
		a.silenced.Store(0)
		began := time.Now()
		set(a, far, rotate.QKD)
		eventually(b, "silence", func() bool { return a.silenced.Load() != 0 })
		took = append(took, time.Unix(0, a.silenced.Load()).Sub(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms/silence")
	b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "ms/worst")
}
