package stamp

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

var (
	head    = netip.MustParseAddr("5f00:0:1::1")
	backSID = []netip.Addr{netip.MustParseAddr("5f00:0:2:4001::"), netip.MustParseAddr("5f00:0:1:6::")}
	pair    = bytes.Repeat([]byte{9}, 32)
)

// net is a sender, a reflector and what is between them, in time that is only
// told.
type net struct {
	t               testing.TB
	now             time.Duration
	s               *Sender
	tests, answers  *Sealer
	r               *Reflector
	lose            func(test bool, n int) bool // of the nth packet of a direction
	there, back     time.Duration
	n               [2]int
	off             time.Duration // the tail's clock against the head's
	clocks          [2]Estimate
	steps           uint32
	headClock       time.Duration
	captured        [][]byte
	replies, ignore int
	lives           byte
}

// counting is no randomness, but another one each time.
func counting(n byte) func([]byte) {
	return func(b []byte) {
		for i := range b {
			n++
			b[i] = n
		}
	}
}

func newNet(t testing.TB, maxDelay time.Duration, maxLoss int64) *net {
	n := &net{t: t, s: NewSender(77, maxDelay, maxLoss), there: 4 * time.Millisecond, back: 6 * time.Millisecond,
		tests: Derive(pair, Tests, "a", "c"), answers: Derive(pair, Replies, "a", "c"), clocks: [2]Estimate{Unsynced, Unsynced}}
	n.restart()
	return n
}

// restart begins another life of the reflector.
func (n *net) restart() {
	n.lives++
	n.r = NewReflector("c", counting(n.lives))
	n.r.SetPeers([]Peer{{Node: "a", Addr: head, Key: pair}})
}

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func (n *net) headTime(at time.Duration) NTP { return NTPOf(epoch.Add(at + n.headClock)) }
func (n *net) tailTime(at time.Duration) NTP { return NTPOf(epoch.Add(at + n.off)) }

// send sends one packet, which is answered at once if it comes through.
func (n *net) send(up bool) {
	n.now += 100 * time.Millisecond
	test := n.s.Next(n.now, n.steps, up)
	test.Sent, test.Clock, test.SSID, test.Return = n.headTime(n.now), n.clocks[0], 5, backSID
	b := make([]byte, Size(len(backSID)))
	n.tests.SealTest(b, test)
	n.captured = append(n.captured, bytes.Clone(b))
	if n.n[0]++; n.lose != nil && n.lose(true, n.n[0]) {
		return
	}
	n.carry(b)
}

// carry brings a test packet to the reflector, and its answer back.
func (n *net) carry(b []byte) {
	arrived := n.now + n.there
	a, ok := n.r.Reflect(b, head, n.tailTime(arrived), arrived)
	if !ok {
		return
	}
	if a.To != head || len(b) != Size(len(a.Reply.Return)) {
		n.t.Fatalf("answer of %d SIDs to %v for %d bytes", len(a.Reply.Return), a.To, len(b))
	}
	const residence = 300 * time.Microsecond
	a.Reply.Sent, a.Reply.Clock = n.tailTime(arrived+residence), n.clocks[1]
	answer := make([]byte, len(b))
	a.Seal(answer)
	if n.n[1]++; n.lose != nil && n.lose(false, n.n[1]) {
		return
	}
	n.home(answer, n.now+n.there+residence+n.back)
}

func (n *net) home(answer []byte, at time.Duration) {
	r, ok := n.answers.OpenReply(answer)
	if !ok {
		n.ignore++
		return
	}
	if n.replies++; !n.s.Take(&r, n.headTime(at), at, n.steps) {
		n.ignore++
	}
}

func (n *net) result() (there, back nodecfg.Measured, delay, loss string) { return n.s.Result(n.now) }

func (n *net) run(packets int) {
	for range packets {
		n.send(true)
	}
}

// TestDirections: each loss is found where it was, and nowhere else.
func TestDirections(t *testing.T) {
	for name, c := range map[string]struct {
		lose        func(test bool, n int) bool
		there, back int64
	}{
		"none":         {nil, 0, 0},
		"there":        {func(test bool, n int) bool { return test && n%10 == 0 }, 100_000, 0},
		"back":         {func(test bool, n int) bool { return !test && n%10 == 0 }, 0, 100_000},
		"both":         {func(test bool, n int) bool { return n%10 == 0 || test && n%10 == 5 }, 200_000, 100_000},
		"bursts there": {func(test bool, n int) bool { return test && n%20 < 4 }, 200_000, 0},
	} {
		n := newNet(t, 0, 1000)
		n.lose = c.lose
		n.run(500)
		there, back, _, loss := n.result()
		near := func(got, want int64) bool { return got >= want-15_000 && got <= want+15_000 && (want > 0 || got == 0) }
		if there.Packets != 200 || !near(there.LossPPM, c.there) || !near(back.LossPPM, c.back) {
			t.Errorf("%s: there %+v, back %+v", name, there, back)
		}
		if want := c.there+c.back > 0; (loss == nodecfg.Beyond) != want {
			t.Errorf("%s: loss %q", name, loss)
		}
	}
}

// TestSilence: while no answer comes nobody knows who loses, so nothing is
// said; and a path that was down has not lost what it did not carry.
func TestSilence(t *testing.T) {
	n := newNet(t, 0, 1000)
	n.run(300)
	n.lose = func(test bool, _ int) bool { return !test }
	n.run(100)
	if there, _, delay, loss := n.result(); there.Packets != 0 || delay != "" || loss != "" {
		t.Errorf("after 10 s without an answer: %+v, %q, %q", there, delay, loss)
	}
	n = newNet(t, 0, 1000)
	n.run(300)
	n.lose = func(test bool, _ int) bool { return !test }
	n.run(2)
	n.s.Down()
	for range 50 {
		n.send(false)
	}
	n.lose = nil
	n.run(100)
	if there, back, _, loss := n.result(); there.LossPPM != 0 || back.LossPPM != 0 || loss == nodecfg.Beyond {
		t.Errorf("after it was down: %+v, %+v, %q", there, back, loss)
	}
}

// TestReflectorRestarts: what another life of the tail's agent did not answer is
// not held against the path, and it counts on.
func TestReflectorRestarts(t *testing.T) {
	n := newNet(t, 0, 1000)
	n.run(300)
	n.lose = func(test bool, _ int) bool { return test }
	n.run(30)
	n.lose = nil
	n.restart()
	n.run(300)
	there, back, _, loss := n.result()
	if there.LossPPM != 0 || back.LossPPM != 0 || loss == nodecfg.Beyond || there.Packets != 200 {
		t.Errorf("%+v, %+v, %q", there, back, loss)
	}
	if n.r.Counters.Challenged != 1 || n.r.Counters.Answered != 299 {
		t.Errorf("%+v", n.r.Counters)
	}
}

// TestDelays: without clocks that agree the round trip tells what it can, with
// them each direction.
func TestDelays(t *testing.T) {
	synced := [2]Estimate{Synced(100 * time.Microsecond), Synced(200 * time.Microsecond)}
	for name, c := range map[string]struct {
		there, back, off time.Duration
		clocks           [2]Estimate
		want             string
		synced           bool
	}{
		"short":                 {4, 5, 3600_000, [2]Estimate{Unsynced, Unsynced}, nodecfg.Within, false},
		"one may be beyond":     {4, 10, 0, [2]Estimate{Unsynced, Unsynced}, "", false},
		"one must be beyond":    {12, 13, -500, [2]Estimate{Unsynced, Unsynced}, nodecfg.Beyond, false},
		"synced, within":        {7, 9, 0, synced, nodecfg.Within, true},
		"synced, beyond there":  {11, 3, 0, synced, nodecfg.Beyond, true},
		"synced, beyond back":   {3, 11, 0, synced, nodecfg.Beyond, true},
		"only the head is":      {3, 11, 0, [2]Estimate{synced[0], Unsynced}, "", false},
		"only the tail is":      {3, 11, 0, [2]Estimate{Unsynced, synced[1]}, "", false},
		"within by a bad clock": {3, 2, 0, [2]Estimate{Synced(400 * time.Millisecond), synced[1]}, nodecfg.Within, false},
	} {
		n := newNet(t, 10*time.Millisecond, 0)
		n.there, n.back, n.off, n.clocks = c.there*time.Millisecond, c.back*time.Millisecond, c.off*time.Millisecond, c.clocks
		n.run(300)
		there, back, delay, _ := n.result()
		if delay != c.want || there.Synced != c.synced || back.Synced != c.synced {
			t.Errorf("%s: %q, %+v, %+v", name, delay, there, back)
		}
		if c.synced && max(there.DelayUS-int64(c.there)*1000, int64(c.there)*1000-there.DelayUS) > 1 {
			t.Errorf("%s: delay there %d", name, there.DelayUS)
		}
		if there.VariationUS > 1 || back.VariationUS > 1 {
			t.Errorf("%s: variation of what never varies: %+v, %+v", name, there, back)
		}
	}
}

// TestClockJumps: a clock of either end is set, forward and back. The round
// trip stays right, and the delay keeps its verdict and does not vary.
func TestClockJumps(t *testing.T) {
	for name, jump := range map[string]func(n *net, by time.Duration){
		"at the tail": func(n *net, by time.Duration) { n.off += by },
		"at the head": func(n *net, by time.Duration) { n.headClock += by; n.steps++ },
	} {
		for _, by := range []time.Duration{time.Hour, -time.Hour, 50 * time.Millisecond, -50 * time.Millisecond} {
			n := newNet(t, 15*time.Millisecond, 1000)
			n.run(300)
			for range 3 {
				jump(n, by)
				n.run(50)
			}
			there, back, delay, loss := n.result()
			if delay != nodecfg.Within || loss == nodecfg.Beyond || there.VariationUS > 1000 || back.VariationUS > 1000 {
				t.Errorf("%s by %v: %q, %q, %+v, %+v", name, by, delay, loss, there, back)
			}
		}
	}
	// One is set while a packet is on its way.
	n := newNet(t, 15*time.Millisecond, 1000)
	n.run(300)
	for range 20 {
		n.now += 100 * time.Millisecond
		test := n.s.Next(n.now, n.steps, true)
		test.Sent, test.SSID, test.Return = n.headTime(n.now), 5, backSID
		b := make([]byte, Size(len(backSID)))
		n.tests.SealTest(b, test)
		n.headClock += time.Hour
		n.steps++
		n.carry(b)
	}
	if there, back, delay, _ := n.result(); delay != nodecfg.Within || there.VariationUS > 1000 || back.VariationUS > 1000 {
		t.Errorf("%q, %+v, %+v", delay, there, back)
	}
}
