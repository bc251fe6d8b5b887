package kme

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/keiro-net/keiro/keys/qkd"
)

// client is the one that Keiro uses, for an SAE at its KME.
func (w *world) client(t testing.TB, sae string, change func(*qkd.Config)) *qkd.Client {
	t.Helper()
	kme := w.homes[sae]
	c := qkd.Config{URL: w.urls[kme], KME: kme, SAE: sae, TLS: w.identity(t, sae).Client(), Timeout: 10 * time.Second}
	if change != nil {
		change(&c)
	}
	client, err := qkd.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func ids(keys []qkd.Key) (out []qkd.ID) {
	for _, k := range keys {
		out = append(out, k.ID)
	}
	return out
}

// wantSame fails unless both ends have the same keys in the same order.
func wantSame(t *testing.T, a, b []qkd.Key) {
	t.Helper()
	if len(a) != len(b) {
		t.Fatalf("%d keys and %d", len(a), len(b))
	}
	for i := range a {
		if a[i].ID != b[i].ID || !a[i].Secret.Equal(b[i].Secret) {
			t.Errorf("key %d differs: %v, %v", i, a[i].ID, b[i].ID)
		}
	}
}

// TestBothEnds: keys come to both ends alike, with GET and with POST, with TLS
// 1.3 and with 1.2, and the KME has that many less.
func TestBothEnds(t *testing.T) {
	for name, change := range map[string]func(*qkd.Config){
		"POST":    nil,
		"GET":     func(c *qkd.Config) { c.GET = true },
		"TLS 1.2": func(c *qkd.Config) { c.TLS.MaxVersion = tls.VersionTLS12 },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, chain())
			alice, dave := w.client(t, "alice", change), w.client(t, "dave", change)
			for number := 1; number <= 3; number++ {
				w.wait(3 * time.Second)
				sent, err := alice.EncKeys(t.Context(), "dave", qkd.Request{Number: number})
				if err != nil {
					t.Fatal(err)
				}
				backwards := ids(sent)
				slices.Reverse(backwards)
				slices.Reverse(sent)
				received, err := dave.DecKeys(t.Context(), "alice", backwards)
				if err != nil {
					t.Fatal(err)
				}
				wantSame(t, sent, received)
			}
			s, err := alice.Status(t.Context(), "dave")
			if err != nil {
				t.Fatal(err)
			}
			if s.SourceKME != "A" || s.TargetKME != "D" || s.Keys() != 10 || s.MaxAdditional != 8 || s.Capacity != 102 {
				t.Errorf("%+v", s)
			}
			if f := alice.Faults(); len(f) != 0 {
				t.Errorf("faults: %v", f)
			}
		})
	}
}

// TestMulticast: the same key for two slaves, and an id that needs escapes.
func TestMulticast(t *testing.T) {
	w := newWorld(t, chain())
	sent, err := w.client(t, "bob", nil).EncKeys(t.Context(), "al/ice&co?", qkd.Request{
		Additional: []string{"carol"},
		Mandatory:  []qkd.Extension{{Name: MaxRelays, Value: 0}},
		Optional:   []qkd.Extension{{Name: "abc_max_age", Value: map[string]int{"ms": 1}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, sae := range []string{"al/ice&co?", "carol"} {
		received, err := w.client(t, sae, nil).DecKeys(t.Context(), "bob", ids(sent))
		if err != nil {
			t.Fatal(err)
		}
		wantSame(t, sent, received)
	}
}

// TestRefusals: what a KME refuses comes with its code, text and details, is
// counted, and spends nothing.
func TestRefusals(t *testing.T) {
	w := newWorld(t, chain())
	alice, bob, carol := w.client(t, "alice", nil), w.client(t, "bob", nil), w.client(t, "carol", nil)
	sent, err := alice.EncKeys(t.Context(), "bob", qkd.Request{})
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		ask     func() error
		status  int
		message string
		details string
	}{
		"unsupported": {func() error {
			_, err := alice.EncKeys(t.Context(), "bob", qkd.Request{Mandatory: []qkd.Extension{{Name: "abc_x", Value: true}}})
			return err
		}, 400, qkd.MsgUnsupported, "[{extension_mandatory_unsupported abc_x is not supported}]"},
		"unmet": {func() error {
			_, err := alice.EncKeys(t.Context(), "carol", qkd.Request{Mandatory: []qkd.Extension{{Name: MaxRelays, Value: 0}}})
			return err
		}, 400, qkd.MsgUnmet, "[]"},
		"not found": {func() error {
			_, err := bob.DecKeys(t.Context(), "alice", []qkd.ID{{1}})
			return err
		}, 400, qkd.MsgNotFound, "[]"},
		"not named": {func() error {
			_, err := carol.DecKeys(t.Context(), "alice", ids(sent))
			return err
		}, 401, "", "[]"},
		"dry": {func() error {
			_, err := alice.EncKeys(t.Context(), "bob", qkd.Request{Number: 20})
			return err
		}, 503, "not enough keys in store", "[]"},
		"no such slave": {func() error {
			_, err := alice.Status(t.Context(), "nobody")
			return err
		}, 400, "the slave SAE is not known", "[]"},
	} {
		var e *qkd.Error
		if err := test.ask(); !errors.As(err, &e) || errors.Is(err, qkd.ErrSpent) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if e.Fault != qkd.Refused || e.Status != test.status || e.Message != test.message || fmt.Sprint(e.Details) != test.details {
			t.Errorf("%s: %d %q %v", name, e.Status, e.Message, e.Details)
		}
	}
	if alice.Faults()[qkd.Refused] != 4 || bob.Faults()[qkd.Refused] != 1 || carol.Faults()[qkd.Refused] != 1 {
		t.Errorf("counted: %v %v %v", alice.Faults(), bob.Faults(), carol.Faults())
	}
	// What was refused may be asked for again, here by him who may.
	received, err := bob.DecKeys(t.Context(), "alice", ids(sent))
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, sent, received)
}

// TestLies: each misbehaviour of a KME is refused by name, and the key is
// spent. Two are missing: odd-size, as the client asks for no such size, and
// any-sae, which he who is served by it cannot know; TestPlays shows them.
func TestLies(t *testing.T) {
	enc := func(c *qkd.Client) error {
		_, err := c.EncKeys(context.Background(), "bob", qkd.Request{Number: 2})
		return err
	}
	twice := func(c *qkd.Client) error { return errors.Join(enc(c), enc(c)) }
	status := func(c *qkd.Client) error { _, err := c.Status(context.Background(), "bob"); return err }
	for how, test := range map[Misbehaviour]struct {
		ask   func(*qkd.Client) error
		fault qkd.Fault
		spent bool
	}{
		ServeTwice:    {twice, qkd.Repeated, true},
		Hang:          {enc, qkd.TimedOut, true},
		Break:         {enc, qkd.Broken, true},
		Empty:         {enc, qkd.Refused, false},
		Garbage:       {enc, qkd.Garbled, true},
		Oversized:     {enc, qkd.Oversized, true},
		ShortKey:      {enc, qkd.Length, true},
		LongKey:       {enc, qkd.Length, true},
		OneMore:       {enc, qkd.Count, true},
		OneLess:       {enc, qkd.Count, true},
		StuckSource:   {enc, qkd.Repeated, true},
		ForeignStatus: {status, qkd.Foreign, false},
		OtherStatus: {func(c *qkd.Client) error {
			_, err := c.EncKeys(context.Background(), "nobody", qkd.Request{})
			return err
		}, qkd.Protocol, true},
	} {
		t.Run(string(how), func(t *testing.T) {
			w := newWorld(t, chain())
			alice := w.client(t, "alice", nil)
			if err := w.Misbehave("A", how); err != nil {
				t.Fatal(err)
			}
			err := test.ask(alice)
			var e *qkd.Error
			if !errors.As(err, &e) || e.Fault != test.fault || errors.Is(err, qkd.ErrSpent) != test.spent {
				t.Errorf("got %v", err)
			}
			if got := alice.Faults(); !maps.Equal(got, map[qkd.Fault]uint64{test.fault: 1}) {
				t.Errorf("counted %v", got)
			}
			if how == Hang && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("no deadline in %v", err)
			}
		})
	}
}

// TestLiesToSlaves: likewise at the other end. What was asked for is spent, so
// the client asks for it no second time, even when the KME is good again.
func TestLiesToSlaves(t *testing.T) {
	for how, fault := range map[Misbehaviour]qkd.Fault{
		WrongKeys: qkd.Foreign, Hang: qkd.TimedOut, Break: qkd.Broken, Garbage: qkd.Garbled, ShortKey: qkd.Length,
		OneMore: qkd.Count, StuckSource: qkd.Repeated, Oversized: qkd.Oversized,
	} {
		t.Run(string(how), func(t *testing.T) {
			w := newWorld(t, chain())
			bob := w.client(t, "bob", nil)
			sent, err := w.client(t, "alice", nil).EncKeys(t.Context(), "bob", qkd.Request{Number: 2})
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Misbehave("B", how, ServeTwice); err != nil {
				t.Fatal(err)
			}
			_, err = bob.DecKeys(t.Context(), "alice", ids(sent))
			var e *qkd.Error
			if !errors.As(err, &e) || e.Fault != fault || !errors.Is(err, qkd.ErrSpent) {
				t.Errorf("got %v", err)
			}
			if err := w.Misbehave("B", ServeTwice); err != nil {
				t.Fatal(err)
			}
			_, err = bob.DecKeys(t.Context(), "alice", ids(sent)[1:])
			if !errors.As(err, &e) || e.Fault != qkd.Repeated || !errors.Is(err, qkd.ErrSpent) {
				t.Errorf("asked again: %v", err)
			}
		})
	}
}

// TestIdentity: the client talks to no KME whose certificate is another's, of
// another host or of another authority, and a KME to no client without one.
func TestIdentity(t *testing.T) {
	w := newWorld(t, chain())
	stranger := newWorld(t, chain())
	for name, test := range map[string]struct {
		change func(*qkd.Config)
		fault  qkd.Fault
	}{
		"another KME":               {func(c *qkd.Config) { c.KME = "B" }, qkd.Identity},
		"another host":              {func(c *qkd.Config) { c.TLS.ServerName = "kme.example" }, qkd.Identity},
		"another authority":         {func(c *qkd.Config) { c.TLS.RootCAs = stranger.identity(t, "x").Authorities }, qkd.Identity},
		"nobody there":              {func(c *qkd.Config) { c.URL = "https://" + deadAddress(t) }, qkd.Unreachable},
		"a client of another world": {func(c *qkd.Config) { c.TLS.Certificates = stranger.identity(t, "alice").Client().Certificates }, qkd.Broken},
	} {
		t.Run(name, func(t *testing.T) {
			alice := w.client(t, "alice", test.change)
			_, err := alice.EncKeys(t.Context(), "bob", qkd.Request{})
			var e *qkd.Error
			if !errors.As(err, &e) || e.Fault != test.fault || errors.Is(err, qkd.ErrSpent) != (test.fault == qkd.Broken) {
				t.Errorf("got %v", err)
			}
			if got := alice.Faults(); !maps.Equal(got, map[qkd.Fault]uint64{test.fault: 1}) {
				t.Errorf("counted %v", got)
			}
		})
	}
	if bits, err := w.Stored("A", "B"); err != nil || bits != 2560 {
		t.Errorf("a key was handed out: %d, %v", bits, err)
	}
}

func deadAddress(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestOneKeyOneHolder: many goroutines at both ends, of a KME that serves
// keys twice. No key comes to two of them.
func TestOneKeyOneHolder(t *testing.T) {
	const askers = 16
	c := chain()
	c.Links[0] = Link{A: "A", B: "B", Capacity: 1 << 20, Stored: 1 << 20}
	for _, how := range [][]Misbehaviour{nil, {ServeTwice}} {
		t.Run(fmt.Sprint(how), func(t *testing.T) {
			w := newWorld(t, c)
			for _, kme := range []string{"A", "B"} {
				if err := w.Misbehave(kme, how...); err != nil {
					t.Fatal(err)
				}
			}
			alice, bob := w.client(t, "alice", nil), w.client(t, "bob", nil)
			sent, refusedEnc := holders(askers, func() ([]qkd.Key, error) {
				return alice.EncKeys(t.Context(), "bob", qkd.Request{Number: 2})
			})
			received, refusedDec := holders(askers, func() ([]qkd.Key, error) {
				return bob.DecKeys(t.Context(), "alice", ids(sent[:2]))
			})
			wantEnc := 0
			if how != nil {
				wantEnc = askers - 1 // the first container again, to all
			}
			if refusedEnc != wantEnc || refusedDec != askers-1 {
				t.Errorf("%d and %d of %d were refused", refusedEnc, refusedDec, askers)
			}
			for i, k := range sent {
				for _, other := range sent[:i] {
					if k.ID == other.ID || k.Secret.Equal(other.Secret) {
						t.Errorf("%v has two holders", k.ID)
					}
				}
			}
			wantSame(t, sent[:2], received)
		})
	}
}

// holders asks from so many goroutines at once, and tells what they hold and
// how many were refused because a key is spent.
func holders(askers int, ask func() ([]qkd.Key, error)) (keys []qkd.Key, refused int) {
	var mu sync.Mutex
	var all sync.WaitGroup
	for range askers {
		all.Go(func() {
			got, err := ask()
			mu.Lock()
			defer mu.Unlock()
			keys = append(keys, got...)
			if errors.Is(err, qkd.ErrSpent) {
				refused++
			}
		})
	}
	all.Wait()
	return keys, refused
}
