package datagram

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/keys/hybrid"
	"github.com/keiro-net/keiro/keys/secret"
)

var (
	start = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	peer  = netip.MustParseAddrPort("[2001:db8::1]:7000")
)

func mustKey(t testing.TB, n byte) secret.Key {
	t.Helper()
	k, err := secret.Random(rand.NewChaCha8([32]byte{n}))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func testCookies(t testing.TB) Cookies {
	t.Helper()
	return Cookies{Now: mustKey(t, 1), Before: mustKey(t, 2)}
}

// message is an encoded Reply with a ciphertext of n bytes: a length for every
// purpose. The size is not checked by the header.
func message(id byte, n int) []byte {
	return hybrid.Encode(&hybrid.Reply{
		Header:     hybrid.Header{ID: hybrid.ID{id}, Epoch: 1},
		Ciphertext: bytes.Repeat([]byte{id}, n), Signature: make([]byte, hybrid.SignatureSize),
	})
}

func mustSplit(t testing.TB, m []byte, c Cookie) [][]byte {
	t.Helper()
	d, err := Split(m, c)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// cookieFor asks for one as a sender would.
func cookieFor(t testing.TB, b *Inbox, from netip.AddrPort, datagram []byte, c Cookies) Cookie {
	t.Helper()
	a, err := b.Receive(from, datagram, start, c, nil)
	if !errors.Is(err, ErrCookie) || a.Answer == nil {
		t.Fatalf("%+v, %v", a, err)
	}
	got, err := new(Inbox).Receive(from, a.Answer, start, c, func(id hybrid.ID) bool { return id == a.ID })
	if err != nil {
		t.Fatal(err)
	}
	return got.Cookie
}

func TestAnyOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		cookies, b := testCookies(t), &Inbox{}
		m := message(1, rapid.IntRange(0, 2048).Draw(rt, "bytes"))
		parts := mustSplit(t, m, cookieFor(t, b, peer, mustSplit(t, m, Cookie{})[0], cookies))
		order := rapid.Permutation(parts).Draw(rt, "order")
		twice := rapid.SliceOfN(rapid.SampledFrom(order[:len(order)-1]), 0, 3).Draw(rt, "twice")
		for n, d := range append(append(append([][]byte{}, order[:len(order)-1]...), twice...), order[len(order)-1]) {
			if len(d) > MaxDatagram {
				rt.Fatalf("%d bytes", len(d))
			}
			a, err := b.Receive(peer, d, start, cookies, nil)
			if err != nil {
				rt.Fatal(err)
			}
			last := n == len(order)+len(twice)-1
			if last != (a.Message != nil) || last && !bytes.Equal(a.Message, m) {
				rt.Fatalf("after datagram %d: %d bytes", n, len(a.Message))
			}
		}
		if n, bytes := b.Held(); n != 0 || bytes != 0 {
			rt.Fatalf("%d messages, %d bytes are held", n, bytes)
		}
	})
}

// TestFlood: first messages without a cookie leave nothing and cost one MAC
// each; with a wrong one two. The answer is never longer than the question.
func TestFlood(t *testing.T) {
	const n = 10_000
	macs := 0
	cookies, b := testCookies(t), &Inbox{}
	cookies.bake = func(key secret.Key, from netip.AddrPort, id hybrid.ID) Cookie {
		macs++
		return bake(key, from, id)
	}
	datagram := bytes.Clone(mustSplit(t, message(1, 1120), Cookie{})[0])
	flood := func(wantMACs int) {
		t.Helper()
		macs = 0
		for i := range n {
			binary.BigEndian.PutUint32(datagram[2:], uint32(i))
			address := netip.AddrFrom16([16]byte{0x20, 1, 14: byte(i >> 8), 15: byte(i)})
			a, err := b.Receive(netip.AddrPortFrom(address, uint16(i)), datagram, start, cookies, nil)
			if !errors.Is(err, ErrCookie) || a.Message != nil || len(a.Answer) > len(datagram) {
				t.Fatalf("%d: %+v, %v", i, a, err)
			}
			if held, bytes := b.Held(); held != 0 || bytes != 0 || cap(b.open) != 0 {
				t.Fatalf("%d: %d messages, %d bytes are held", i, held, bytes)
			}
		}
		if macs != n*wantMACs {
			t.Errorf("%d MACs for %d datagrams", macs, n)
		}
	}
	flood(1)
	datagram[20] = 1 // a cookie, and not the right one
	flood(2)
}

// TestNoAmplification: for every datagram that is answered at all, down to the
// shortest.
func TestNoAmplification(t *testing.T) {
	cookies, b := testCookies(t), &Inbox{}
	for n := range MaxDatagram + 2 {
		for kind := range 256 {
			if kind > 6 && kind != int(kindCookie) && n > datagramHeader+2 {
				continue
			}
			d := make([]byte, n)
			if n > 1 {
				d[0], d[1] = version, byte(kind)
			}
			if n > 35 {
				d[35] = 1
			}
			a, _ := b.Receive(peer, d, start, cookies, nil)
			if len(a.Answer) > n {
				t.Fatalf("%d bytes of kind %d are answered with %d", n, kind, len(a.Answer))
			}
			if byte(kind) == byte(kindCookie) && a.Answer != nil {
				t.Fatal("a cookie is answered")
			}
		}
	}
}

func TestCookieIsForOneSenderOneExchangeAndOneTime(t *testing.T) {
	cookies := testCookies(t)
	m := message(1, 1120)
	cookie := cookieFor(t, &Inbox{}, peer, mustSplit(t, m, Cookie{})[0], cookies)
	part := mustSplit(t, m, cookie)[0]
	wrongBit := cookie
	wrongBit[15] ^= 1
	for name, c := range map[string]struct {
		from    netip.AddrPort
		d       []byte
		cookies Cookies
		good    bool
	}{
		"its own":             {peer, part, cookies, true},
		"in the next period":  {peer, part, Cookies{Now: mustKey(t, 9), Before: cookies.Now}, true},
		"two periods later":   {peer, part, Cookies{Now: mustKey(t, 9), Before: mustKey(t, 8)}, false},
		"after a restart":     {peer, part, Cookies{Now: mustKey(t, 9)}, false},
		"of another port":     {netip.AddrPortFrom(peer.Addr(), 7001), part, cookies, false},
		"of another address":  {netip.MustParseAddrPort("[2001:db8::2]:7000"), part, cookies, false},
		"of another exchange": {peer, mustSplit(t, message(2, 1120), cookie)[0], cookies, false},
		"with a wrong bit":    {peer, mustSplit(t, m, wrongBit)[0], cookies, false},
		"none":                {peer, mustSplit(t, m, Cookie{})[0], cookies, false},
	} {
		b := &Inbox{}
		_, err := b.Receive(c.from, c.d, start, c.cookies, nil)
		if (err == nil) != c.good || !c.good && !errors.Is(err, ErrCookie) {
			t.Errorf("%s: %v", name, err)
		}
		if held, _ := b.Held(); (held > 0) != c.good {
			t.Errorf("%s: %d held", name, held)
		}
	}
	// Without a key there is no good cookie, and none is made that all know.
	a, err := new(Inbox).Receive(peer, part, start, Cookies{}, nil)
	if !errors.Is(err, ErrCookie) || a.Answer != nil {
		t.Errorf("no key: %+v, %v", a, err)
	}
	// An IPv4 address is one, however the socket writes it.
	v4, mapped := netip.MustParseAddrPort("192.0.2.1:7000"), netip.MustParseAddrPort("[::ffff:192.0.2.1]:7000")
	if bake(cookies.Now, v4, hybrid.ID{}) != bake(cookies.Now, mapped, hybrid.ID{}) {
		t.Error("a mapped address is another")
	}
}

// TestOwnExchangeNeedsNoCookie: the name that this end drew is proof enough;
// any other is not.
func TestOwnExchangeNeedsNoCookie(t *testing.T) {
	cookies, b := testCookies(t), &Inbox{}
	m := message(5, 1120)
	mine := func(id hybrid.ID) bool { return id == hybrid.ID{5} }
	parts := mustSplit(t, m, Cookie{})
	for i, d := range parts {
		a, err := b.Receive(peer, d, start, cookies, mine)
		if err != nil || (i == len(parts)-1) != (a.Message != nil) {
			t.Fatal(i, err)
		}
	}
	if _, err := b.Receive(peer, mustSplit(t, message(6, 0), Cookie{})[0], start, cookies, mine); !errors.Is(err, ErrCookie) {
		t.Error(err)
	}
	if _, err := b.Receive(peer, challenge(hybrid.ID{6}, Cookie{1}), start, cookies, mine); !errors.Is(err, hybrid.ErrExchange) {
		t.Errorf("a cookie that nobody asked for: %v", err)
	}
}

// sender has a good cookie for everything it sends.
func send(t *testing.T, b *Inbox, c Cookies, from netip.AddrPort, m []byte, which int, now time.Time) error {
	t.Helper()
	_, h, err := hybrid.Peek(m)
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.Receive(from, mustSplit(t, m, bake(c.Now, from, h.ID))[which], now, c, nil)
	return err
}

func TestInboxIsBounded(t *testing.T) {
	cookies := testCookies(t)
	net64 := func(i int) netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte{0x20, 1, 4: byte(i >> 8), 5: byte(i), 15: 1}), 7000)
	}
	b := &Inbox{}
	for i := range inboxPerNet { // one network, several addresses in it
		from := netip.AddrPortFrom(netip.AddrFrom16([16]byte{0x20, 1, 15: byte(i)}), uint16(i))
		if err := send(t, b, cookies, from, message(byte(i), 1120), 0, start); err != nil {
			t.Fatal(i, err)
		}
	}
	if err := send(t, b, cookies, netip.AddrPortFrom(netip.AddrFrom16([16]byte{0x20, 1, 15: 200}), 1), message(200, 1120), 0, start); !errors.Is(err, ErrBusy) {
		t.Errorf("one network has more than %d: %v", inboxPerNet, err)
	}
	for i := inboxPerNet; i < inboxOpen; i++ {
		if err := send(t, b, cookies, net64(i), message(1, 1120), 0, start.Add(time.Second)); err != nil {
			t.Fatal(i, err)
		}
	}
	if err := send(t, b, cookies, net64(inboxOpen), message(1, 1120), 0, start.Add(2*time.Second)); !errors.Is(err, ErrBusy) {
		t.Errorf("more than %d messages: %v", inboxOpen, err)
	}
	// The oldest are dropped when their time is over, not before.
	if err := send(t, b, cookies, net64(inboxOpen), message(1, 1120), 0, start.Add(inboxAge-1)); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
	if err := send(t, b, cookies, net64(inboxOpen), message(1, 1120), 0, start.Add(inboxAge)); err != nil {
		t.Error(err)
	}
	held, bytes := b.Held()
	if want := inboxOpen - inboxPerNet + 1; held != want || bytes != want*partSize {
		t.Errorf("%d messages, %d bytes", held, bytes)
	}
}

// TestIPv4SendersAreApart: each IPv4 address has its own share, in the mapped
// form of a dual-stack socket too.
func TestIPv4SendersAreApart(t *testing.T) {
	cookies, b := testCookies(t), &Inbox{}
	for i := range inboxPerNet + 1 {
		from := netip.AddrPortFrom(netip.AddrFrom16(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}).As16()), 7000)
		if err := send(t, b, cookies, from, message(1, 1120), 0, start); err != nil {
			t.Fatal(i, err)
		}
	}
}

// TestBytesAreBounded: few messages with many parts each.
func TestBytesAreBounded(t *testing.T) {
	cookies, b := testCookies(t), &Inbox{}
	full := make([]byte, partSize)
	refused, sent := 0, 0
	for i := range 200 {
		from := netip.AddrPortFrom(netip.AddrFrom16([16]byte{0x20, 1, 5: byte(i), 15: 1}), 7000)
		id := hybrid.ID{byte(i)}
		for n := range maxParts - 1 {
			p := part{kind: hybrid.KindInit, id: id, cookie: bake(cookies.Now, from, id), index: uint8(n), parts: maxParts, payload: full}
			_, err := b.Receive(from, p.append(nil), start, cookies, nil)
			switch {
			case errors.Is(err, ErrBusy):
				refused++
			case err != nil:
				t.Fatal(err)
			}
			sent++
		}
	}
	if _, bytes := b.Held(); bytes > inboxBytes || refused == 0 || sent-refused != inboxBytes/partSize {
		t.Errorf("%d bytes, %d of %d refused", bytes, refused, sent)
	}
}

func TestConflicts(t *testing.T) {
	cookies := testCookies(t)
	id := hybrid.ID{1}
	cookie := bake(cookies.Now, peer, id)
	receive := func(b *Inbox, p part) (Arrival, error) {
		p.cookie, p.id = cookie, id
		return b.Receive(peer, p.append(nil), start, cookies, nil)
	}
	full := make([]byte, partSize)
	other := bytes.Clone(full)
	other[9] = 1
	first := part{kind: hybrid.KindInit, index: 0, parts: 3, payload: full}
	for name, second := range map[string]part{
		"other bytes": {kind: hybrid.KindInit, index: 0, parts: 3, payload: other},
		"more parts":  {kind: hybrid.KindInit, index: 1, parts: 4, payload: full},
	} {
		b := &Inbox{}
		if _, err := receive(b, first); err != nil {
			t.Fatal(err)
		}
		if _, err := receive(b, second); !errors.Is(err, ErrConflict) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A header that says another kind or exchange than the message in it.
	m := hybrid.Encode(&hybrid.Commit{Header: hybrid.Header{ID: id, Epoch: 1}})
	if _, err := receive(&Inbox{}, part{kind: hybrid.KindConfirm, parts: 1, payload: m}); !errors.Is(err, ErrConflict) {
		t.Errorf("another kind: %v", err)
	}
	m = hybrid.Encode(&hybrid.Commit{Header: hybrid.Header{ID: hybrid.ID{2}, Epoch: 1}})
	if _, err := receive(&Inbox{}, part{kind: hybrid.KindCommit, parts: 1, payload: m}); !errors.Is(err, ErrConflict) {
		t.Errorf("another exchange: %v", err)
	}
	if _, err := receive(&Inbox{}, part{kind: hybrid.KindCommit, parts: 1, payload: []byte("x")}); !errors.Is(err, hybrid.ErrVersion) {
		t.Errorf("no message: %v", err)
	}
}
