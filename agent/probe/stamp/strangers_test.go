package stamp

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// TestStrangers: whatever comes from outside changes nothing at either end.
func TestStrangers(t *testing.T) {
	n := newNet(t, 0, 1000)
	n.run(100)
	before, counters := *n.r.peers[head].sessions[5], n.r.Counters
	sender := *n.s
	at := n.now
	reflected := func(what string, b []byte, from netip.Addr) {
		t.Helper()
		if a, ok := n.r.Reflect(b, from, n.tailTime(at), at); ok {
			t.Errorf("%s is answered: %+v", what, a)
		}
	}
	good := n.captured[len(n.captured)-1]
	reflected("a replay", good, head)
	reflected("an old replay", n.captured[5], head)
	reflected("a packet from elsewhere", good, netip.MustParseAddr("5f00:0:9::1"))
	for size := range len(good) {
		reflected("a truncated packet", good[:size], head)
	}
	reflected("a longer packet", append(bytes.Clone(good), 0), head)
	for i := range good {
		b := bytes.Clone(good)
		b[i] ^= 0x40
		reflected("a changed packet", b, head)
	}
	forged := bytes.Clone(good)
	Derive(bytes.Repeat([]byte{8}, 32), Tests, "a", "c").SealTest(forged, Test{Sequence: 1 << 20, SSID: 5, Life: 77, Return: backSID})
	reflected("a forged packet", forged, head)
	// The session is as it was, and the next packet is its next.
	if got := *n.r.peers[head].sessions[5]; got.highest != before.highest || got.next != before.next || got.life != before.life || got.seen != before.seen {
		t.Errorf("session was %+v and is %+v", before, got)
	}
	if n.r.Counters.Answered != counters.Answered || n.r.Counters.Challenged != counters.Challenged {
		t.Errorf("%+v", n.r.Counters)
	}
	// The sender's own packet thrown back to it, and garbage.
	n.home(good, at)
	n.home(forged, at)
	n.home(good[:50], at)
	if got := *n.s; got.next != sender.next || got.from != sender.from || got.count != sender.count || got.token != sender.token {
		t.Error("the sender has changed")
	}
	n.run(10)
	if there, back, _, _ := n.result(); there.LossPPM != 0 || back.LossPPM != 0 || there.Packets == 0 {
		t.Errorf("%+v, %+v", there, back)
	}
}

// TestOldLife: packets of an earlier life of the sender, captured and sent
// again, do not end the session of the present one; nor do they after the
// reflector began anew.
func TestOldLife(t *testing.T) {
	n := newNet(t, 0, 1000)
	n.run(100)
	old := n.captured
	n.s = NewSender(78, 0, 1000)
	n.run(100)
	session := n.r.peers[head].sessions[5]
	if session.life != 78 {
		t.Fatalf("session of life %d", session.life)
	}
	for range 2 {
		before := *session
		for _, b := range old {
			n.carry(b) // its answers reach the sender
		}
		if n.r.peers[head].sessions[5] != session || session.life != before.life || session.next != before.next {
			t.Fatalf("a packet of an old life changed the session: %+v", session)
		}
		n.run(20)
		n.restart()
		n.run(20)
		session = n.r.peers[head].sessions[5]
	}
	n.run(100)
	if there, back, _, loss := n.result(); there.LossPPM != 0 || back.LossPPM != 0 || loss == nodecfg.Beyond {
		t.Errorf("%+v, %+v, %q", there, back, loss)
	}
}

// TestReflectorBounded: a peer that asks for ever more sessions has a bounded
// number of them, and of answers that count nothing.
func TestReflectorBounded(t *testing.T) {
	n := newNet(t, 0, 0)
	b := make([]byte, Size(len(backSID)))
	answered := 0
	for round := range 2 {
		for ssid := range 3000 {
			at := time.Duration(round*3000+ssid) * 10 * time.Millisecond
			n.tests.SealTest(b, Test{SSID: uint16(ssid), Life: 1, Return: backSID})
			a, ok := n.r.Reflect(b, head, 0, at)
			if !ok {
				t.Fatal("not answered")
			}
			n.tests.SealTest(b, Test{Sequence: 1, SSID: uint16(ssid), Life: 1, Token: a.Reply.Token, Return: backSID})
			if _, ok := n.r.Reflect(b, head, 0, at); ok {
				answered++
			}
		}
	}
	if got := len(n.r.peers[head].sessions); got > maxSessions || answered != 6000 {
		t.Errorf("%d sessions, %d answers", got, answered)
	}
	challenged := n.r.Counters.Challenged
	for range 3 * maxChallenges { // all in one second
		n.tests.SealTest(b, Test{SSID: 9999, Life: 1, Return: backSID})
		n.r.Reflect(b, head, 0, time.Hour)
	}
	if got := n.r.Counters.Challenged - challenged; got != maxChallenges {
		t.Errorf("%d challenges in a second", got)
	}
}

// FuzzReflect: nothing that has no key is answered or remembered.
func FuzzReflect(f *testing.F) {
	b := make([]byte, Size(2))
	NewSealer([]byte("another")).SealTest(b, Test{Return: backSID})
	f.Add(b)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		n := newNet(t, 0, 0)
		if _, ok := n.r.Reflect(b, head, 0, 0); ok || len(n.r.peers[head].sessions) > 0 {
			t.Error("answered")
		}
		if _, ok := n.answers.OpenReply(b); ok {
			t.Error("opened")
		}
	})
}

// FuzzTLVs: of what is authentic nothing is read beyond its end, whatever its
// sender made of it.
func FuzzTLVs(f *testing.F) {
	for _, n := range []int{0, 1, 2} {
		b := make([]byte, Size(n))
		NewSealer(pair).SealTest(b, Test{Return: backSID[:n]})
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < Size(0) || len(b) > Size(MaxReturn) { // authentic has looked
			return
		}
		test, sids, ok := withTLVs(b, unrecognized)
		if ok && (len(sids)%sidLen != 0 || test.Return != nil) {
			t.Errorf("%d bytes of SIDs", len(sids))
		}
	})
}

func TestEstimate(t *testing.T) {
	for _, e := range []time.Duration{0, time.Nanosecond, time.Microsecond, 123 * time.Microsecond, 16 * time.Millisecond, 999 * time.Millisecond} {
		got, ok := Synced(e).Bound()
		if !ok || got < e || got > e+e/64+time.Microsecond {
			t.Errorf("%v became %v, %v", e, got, ok)
		}
	}
	for _, e := range []Estimate{Unsynced, Synced(time.Second), Synced(-1), 0, 0x8000, 0xffff, 0xc001} {
		if got, ok := e.Bound(); ok {
			t.Errorf("%#x says %v", uint16(e), got)
		}
	}
}
