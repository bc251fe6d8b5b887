package keying

import (
	"crypto/rand"
	"encoding/binary"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/keys/hybrid"
	"github.com/keiro-net/keiro/keys/hybrid/datagram"
	"github.com/keiro-net/keiro/keys/hybrid/kem"
	"github.com/keiro-net/keiro/keys/rotate"
)

// refused is how often a node refused something for a reason.
func (n *node) refused(reason hybrid.Refusal) uint64 { return n.keyer.Counters().Refused[reason] }

// Whatever a third one sends, seen before, cut, of its own or turned round, in
// its own name or in a peer's: it is counted, and changes nothing.
func TestForeignDatagrams(t *testing.T) {
	t.Parallel()
	w := newLAN(t, "aki", "bea", "eve")
	a, b, eve := w.nodes[0], w.nodes[1], w.nodes[2]
	tap := w.tap()
	a.start()
	b.start()
	a.join(b, 1)
	b.join(a, 1)
	keyed(t, 1, a, b)
	a.keyer.Rekey(b.name, rotate.RotateNow{})
	keyed(t, 2, a, b)
	works(t, a, b, 1)
	flow := stream(a, b, 1, 1000)
	seen := tap.keyDatagrams()
	asB, asA := eve.forger(b.keyAddr(), a, b), eve.forger(a.keyAddr(), a, b)
	send := func(d keyDatagram, data []byte) {
		if d.from == a.addr {
			asA(b.keyAddr(), data)
		} else {
			asB(a.keyAddr(), data)
		}
	}
	all := func() (n uint64) {
		for _, k := range []*node{a, b} {
			c := k.keyer.Counters()
			for _, more := range c.Refused {
				n += more
			}
			p := c.Pairs
			n += p.Malformed + p.Foreign + p.Reflected + p.WrongEpoch + p.Unknown + p.Forged + p.Busy + p.Duplicate
		}
		return n
	}
	epoch := uint64(2)
	counted := func(what string, least uint64, do func()) {
		t.Helper()
		before := all()
		do()
		eventually(t, what+" is counted", func() bool { return all() >= before+least })
		if a.keyer.Epoch("bea") != epoch || b.keyer.Epoch("aki") != epoch {
			t.Errorf("%s: epochs %d and %d", what, a.keyer.Epoch("bea"), b.keyer.Epoch("aki"))
		}
	}

	// An old Init has b say, signed, which epoch it has reached, and so a begins
	// the next with it: the one thing that somebody on the path can bring about.
	before := all()
	for _, d := range seen {
		send(d, d.data)
	}
	eventually(t, "what was seen before is counted", func() bool { return all() >= before+4 })
	keyed(t, 3, a, b)
	epoch = 3
	cut := b.refused(hybrid.ErrMalformed) + a.refused(hybrid.ErrMalformed)
	counted("what is cut", uint64(len(seen)/2), func() {
		for i, d := range seen {
			send(d, d.data[:i*len(d.data)/len(seen)])
		}
	})
	// Of what was sent before some may be counted still, so each kind is waited for.
	eventually(t, "what is cut is malformed", func() bool {
		return b.refused(hybrid.ErrMalformed)+a.refused(hybrid.ErrMalformed) >= cut+uint64(len(seen)/2)
	})
	counted("what is turned round", 2, func() {
		for _, d := range seen { // from the one that it was sent to
			send(keyDatagram{from: d.to, to: d.from}, d.data)
		}
	})
	strangers := a.refused(ErrStranger)
	counted("what comes from no peer's address", uint64(len(seen)), func() {
		own := eve.UDP(eve.keyAddr())
		for _, d := range seen {
			_, err := own.WriteToUDPAddrPort(d.data, a.keyAddr())
			must(t, err)
		}
	})
	eventually(t, "every stranger is one", func() bool { return a.refused(ErrStranger) == strangers+uint64(len(seen)) })
	// What eve signs herself, in the name of b and with everything right but
	// the identity: she hears the cookie that is sent to b, as one on the path.
	pair, err := hybrid.NewPair(hybrid.Party{Node: "aki", Public: eve.id.Public()}, hybrid.Party{Node: "bea", Public: b.id.Public()})
	must(t, err)
	_, init, err := hybrid.Initiate(rand.Reader, eve.id, pair, kem.XWing, 9, []hybrid.Lane{{Intent: "gold", Index: 1}})
	must(t, err)
	counted("an Init of another identity", 2, func() {
		first, err := datagram.Split(hybrid.Encode(init), datagram.Cookie{})
		must(t, err)
		at := len(tap.keyDatagrams())
		asA(b.keyAddr(), first[0])
		var cookie datagram.Cookie
		eventually(t, "b asks for a cookie", func() bool {
			for _, d := range tap.keyDatagrams()[at:] {
				if d.from == b.addr && len(d.data) == cookieSize && hybrid.ID(d.data[2:18]) == init.ID {
					cookie = datagram.Cookie(d.data[18:34])
					return true
				}
			}
			return false
		})
		parts, err := datagram.Split(hybrid.Encode(init), cookie)
		must(t, err)
		for _, d := range parts {
			asA(b.keyAddr(), d)
		}
		eventually(t, "the identity is refused", func() bool { return b.refused(hybrid.ErrIdentity) == 1 })
	})
	if r := flow.Stop(); r.Lost() != 0 {
		t.Errorf("%+v", r)
	}
	a.keyer.Rekey(b.name, rotate.RotateNow{})
	keyed(t, 4, a, b)
}

// A flood of first messages in a peer's name leaves nothing: no goroutine, no
// exchange, no byte. In a stranger's name it is not even looked into.
func TestFlood(t *testing.T) {
	t.Parallel()
	w := newLAN(t, "aki", "bea", "eve")
	a, b, eve := w.nodes[0], w.nodes[1], w.nodes[2]
	b.start()
	b.join(a, 1)
	eventually(t, "b knows its peer", func() bool { return len(b.keyer.Lanes()) == 1 && b.keyer.Lanes()[0].Reason == "no key" })
	pair, err := hybrid.NewPair(hybrid.Party{Node: "aki", Public: a.id.Public()}, hybrid.Party{Node: "bea", Public: b.id.Public()})
	must(t, err)
	_, init, err := hybrid.Initiate(rand.Reader, a.id, pair, kem.XWing, 1, []hybrid.Lane{{Intent: "gold", Index: 1}})
	must(t, err)
	parts, err := datagram.Split(hybrid.Encode(init), datagram.Cookie{})
	must(t, err)
	const flood = 5000
	do := func(reason hybrid.Refusal, send func(to netip.AddrPort, d []byte)) {
		t.Helper()
		before, goroutines := b.keyer.Counters(), runtime.NumGoroutine()
		d := append([]byte(nil), parts[0]...)
		for i := range flood {
			binary.BigEndian.PutUint64(d[2:], uint64(i)+1) // another exchange each time
			send(b.keyAddr(), d)
			if i%50 == 49 {
				time.Sleep(time.Millisecond)
			}
		}
		sum := func() uint64 {
			r := b.keyer.Counters().Refused
			return r[reason] + r[ErrRate] + r[ErrBacklog]
		}
		was := before.Refused[reason] + before.Refused[ErrRate] + before.Refused[ErrBacklog]
		// A full socket loses some, before anybody could count them.
		eventually(t, "the flood is counted", func() bool { return sum()-was >= flood*9/10 })
		after := b.keyer.Counters()
		if after.Messages != 0 || after.Bytes != 0 || after.Refused[reason] == before.Refused[reason] {
			t.Errorf("after the flood: %+v", after)
		}
		// Other tests run as well and have goroutines by the dozen; one for each datagram would be thousands.
		if now := runtime.NumGoroutine(); now > goroutines+flood/20 {
			t.Errorf("%d goroutines, %d before", now, goroutines)
		}
		b.keyer.mu.Lock()
		queues := len(b.keyer.queues)
		b.keyer.mu.Unlock()
		if queues > 2 || after.Pairs.Busy+after.Pairs.Duplicate+after.Pairs.Committed != 0 {
			t.Errorf("%d queues, %+v", queues, after.Pairs)
		}
	}
	do(datagram.ErrCookie, eve.forger(a.keyAddr(), b))
	do(ErrStranger, eve.forger(eve.keyAddr(), b))
	// And who it was sent in the name of is served all the same.
	a.start()
	a.join(b, 1)
	keyed(t, 1, a, b)
}

// A peer with another identity than the one that is known never gets a key.
func TestAnotherIdentity(t *testing.T) {
	t.Parallel()
	w, a, b := newPair(t, 1)
	_ = w
	b.stop()
	known := b.id
	other, err := hybrid.Generate(rand.Reader)
	must(t, err)
	b.id = other
	b.start()
	b.join(a, 1)
	a.keyer.Rekey(b.name, rotate.RotateNow{})
	eventually(t, "its messages are refused", func() bool {
		return a.refused(hybrid.ErrIdentity)+b.refused(hybrid.ErrIdentity) >= 3 && a.keyer.Counters().Pairs.Abandoned >= 1
	})
	if a.keyer.Epoch("bea") != 1 || b.keyer.Epoch("aki") != 1 {
		t.Errorf("epochs %d and %d", a.keyer.Epoch("bea"), b.keyer.Epoch("aki"))
	}
	// The fleet says that this is the identity now: the epoch goes on.
	a.join(b, 1)
	keyed(t, 2, a, b)
	works(t, a, b, 1)
	if !strings.Contains(a.alarms(), IdentityChanged) {
		t.Error("no alarm says so")
	}
	// And the one before is nobody now.
	b.stop()
	b.id = known
	b.start()
	b.join(a, 1)
	before := a.refused(hybrid.ErrIdentity) + b.refused(hybrid.ErrIdentity)
	eventually(t, "the identity before is refused", func() bool { return a.refused(hybrid.ErrIdentity)+b.refused(hybrid.ErrIdentity) > before+2 })
	if a.keyer.Epoch("bea") != b.keyer.Epoch("aki") {
		t.Errorf("epochs %d and %d", a.keyer.Epoch("bea"), b.keyer.Epoch("aki"))
	}
}
