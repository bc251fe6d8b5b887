package datagram

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/keiro-net/keiro/keys/hybrid"
)

func TestPartsRefused(t *testing.T) {
	good := func() []byte { return (&part{kind: hybrid.KindInit, parts: 1, payload: []byte("x")}).append(nil) }
	set := func(at int, v byte) []byte { d := good(); d[at] = v; return d }
	long := (&part{kind: hybrid.KindInit, parts: 1, payload: make([]byte, partSize+1)}).append(nil)
	for name, c := range map[string]struct {
		d    []byte
		want hybrid.Refusal
	}{
		"nothing":               {nil, hybrid.ErrMalformed},
		"half a header":         {good()[:20], hybrid.ErrMalformed},
		"a header only":         {good()[:datagramHeader], hybrid.ErrMalformed},
		"version 2":             {set(0, 2), hybrid.ErrVersion},
		"kind 0":                {set(1, 0), hybrid.ErrMalformed},
		"kind 6":                {set(1, 6), hybrid.ErrMalformed},
		"no parts":              {set(35, 0), hybrid.ErrMalformed},
		"part 1 of 1":           {set(34, 1), hybrid.ErrMalformed},
		"a short part in front": {set(35, 2), hybrid.ErrMalformed},
		"too many parts":        {(&part{kind: hybrid.KindInit, parts: maxParts + 1, payload: make([]byte, partSize)}).append(nil), hybrid.ErrMalformed},
		"too long":              {long, hybrid.ErrMalformed},
		"a cookie with bytes":   {append(challenge(hybrid.ID{}, Cookie{1}), 0), hybrid.ErrMalformed},
		"a cookie that is none": {challenge(hybrid.ID{}, Cookie{}), hybrid.ErrMalformed},
	} {
		if _, err := parsePart(c.d); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := parsePart(good()); err != nil {
		t.Error(err)
	}
	if _, err := Split([]byte("no message"), Cookie{}); err == nil {
		t.Error("split what is no message")
	}
	if _, err := Split(append(message(1, 0), make([]byte, hybrid.MaxMessage)...), Cookie{}); !errors.Is(err, hybrid.ErrMalformed) {
		t.Errorf("a message that is too long: %v", err)
	}
}

// FuzzReceive: whatever comes, with a good cookie, the inbox stays in bounds,
// and a part that is read is written the same.
func FuzzReceive(f *testing.F) {
	for _, d := range mustSplit(f, message(1, 1120), Cookie{1}) {
		f.Add(d, uint8(0))
	}
	f.Add(challenge(hybrid.ID{1}, Cookie{1}), uint8(1))
	cookies := testCookies(f)
	b := &Inbox{}
	now := start
	f.Fuzz(func(t *testing.T, d []byte, seconds uint8) {
		now = now.Add(time.Duration(seconds) * time.Second)
		p, err := parsePart(d)
		if err == nil && !bytes.Equal(p.append(nil), d) {
			t.Errorf("%x is read as %+v", d, p)
		}
		if err == nil {
			p.cookie = bake(cookies.Now, peer, p.id)
			d = p.append(nil)
		}
		a, _ := b.Receive(peer, d, now, cookies, nil)
		if len(a.Answer) > len(d) {
			t.Errorf("%d bytes answered with %d", len(d), len(a.Answer))
		}
		if held, bytes := b.Held(); held > inboxPerNet || bytes > inboxBytes {
			t.Errorf("%d messages, %d bytes", held, bytes)
		}
	})
}

// BenchmarkFlood is what a datagram of a flood costs.
func BenchmarkFlood(b *testing.B) {
	cookies, in := testCookies(b), &Inbox{}
	d := mustSplit(b, message(1, 1120), Cookie{})[0]
	for b.Loop() {
		_, _ = in.Receive(peer, d, start, cookies, nil)
	}
}
