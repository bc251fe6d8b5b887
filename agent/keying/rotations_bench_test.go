package keying

import (
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/internal/testnet"
	"github.com/keiro-net/keiro/keys/rotate"
)

// The streams of BenchmarkRotations. Every key carries a share of each stream:
// not so much that WireGuard, which makes a session in 5 s at most, could use
// each key.
const (
	turns      = 200
	streamRate = 10_000
	perTurn    = 4_000
)

// payload fills a packet as far as the MTU of the lanes, 1,380, nearly lets.
var payload = strings.Repeat(marker, 1300/len(marker))

// BenchmarkRotations: 200 rotations under 10,000 packets per second through
// one lane, and through two, one in each direction; every 50th time both agents
// begin anew. Before it as many packets without a rotation: what a machine
// whose processors are busy loses by itself. A run counts where packets/s says
// that the streams were what they should be.
func BenchmarkRotations(b *testing.B) {
	for lanes := 1; lanes <= 2; lanes++ {
		for _, how := range []string{"still", "rotating"} {
			b.Run(fmt.Sprintf("lanes=%d/%s", lanes, how), func(b *testing.B) { rotations(b, lanes, how == "rotating") })
		}
	}
}

func rotations(b *testing.B, lanes int, rotating bool) {
	// The sources stand for other machines: whatever agents and receivers do
	// here, a sender whose thread runs must find a P free.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(8))
	_, aki, bea := newPair(b, lanes)
	for b.Loop() {
		before, began := testnet.Used(b), time.Now()
		var flows []*testnet.Flow
		for n := 1; n <= lanes; n++ {
			works(b, aki, bea, n)
			from, to := aki, bea
			if n%2 == 0 {
				from, to = to, from
			}
			flows = append(flows, from.Flow(from.inner(n), to.Namespace, netip.AddrPortFrom(to.inner(n), 9), streamRate, payload))
		}
		for n := range turns {
			if rotating {
				turn(b, n, lanes, aki, bea)
			}
			sent := flows[0].Sent() // the others send as many
			eventually(b, "packets to be sent", func() bool { return flows[0].Sent() >= sent+perTurn })
		}
		cores := testnet.Used(b).Since(before).Per(time.Since(began))
		var stopping sync.WaitGroup
		for i, flow := range flows {
			stopping.Go(func() {
				r := flow.Stop()
				b.Logf("lane %d: %+v", i+1, r)
				b.ReportMetric(float64(r.Sent)/r.Took.Seconds(), fmt.Sprintf("packets/s-%d", i+1))
				b.ReportMetric(float64(r.Lost()), fmt.Sprintf("lost-%d", i+1))
			})
		}
		stopping.Wait()
		for _, n := range []*node{aki, bea} {
			for id := 1; id <= lanes; id++ {
				s := n.Link(fmt.Sprintf("kr-w%d", id)).Attrs().Statistics
				b.Logf("%s, lane %d: %d packets sent, %d dropped by the interface", n.name, id, s.TxPackets, s.TxDropped)
			}
			b.Logf("%s: %s datagrams found a full buffer", n.name, overflowed(n))
		}
		b.Logf("%s; load average %s", cores, testnet.Busy(b))
	}
	b.ReportMetric(0, "ns/op")
}

// overflowed is how many datagrams came to a socket of the node that had no
// room: its helper, or the receiver, did not get a processor for too long.
func overflowed(n *node) (count string) {
	n.Do(func() error {
		all, err := os.ReadFile("/proc/thread-self/net/snmp6")
		_, line, _ := strings.Cut(string(all), "Udp6RcvbufErrors")
		count, _, _ = strings.Cut(strings.TrimSpace(line), "\n")
		return err
	})
	return count
}

func turn(b *testing.B, n, lanes int, aki, bea *node) {
	if n%50 == 49 {
		for _, node := range []*node{aki, bea} {
			node.stop()
			node.start()
		}
		aki.join(bea, lanes)
		bea.join(aki, lanes)
	}
	epoch := max(aki.keyer.Epoch("bea"), bea.keyer.Epoch("aki"))
	eventually(b, "a pair to rotate", func() bool { return aki.keyer.Rekey("bea", rotate.RotateNow{}) })
	keyed(b, epoch+1, aki, bea)
}
