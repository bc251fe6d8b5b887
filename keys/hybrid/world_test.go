package hybrid

import (
	"encoding/hex"
	"math/rand/v2"
	"testing"

	"github.com/keiro-net/keiro/keys/hybrid/kem"
	"github.com/keiro-net/keiro/keys/secret"
)

// seeded is randomness that is the same every time.
func seeded(n byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{n}) }

func mustGenerate(t testing.TB, n byte) *Identity {
	t.Helper()
	i, err := Generate(seeded(n))
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func mustKey(t testing.TB, n byte) secret.Key {
	t.Helper()
	k, err := secret.Random(seeded(n))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func mustPair(t testing.TB, a, b Party) Pair {
	t.Helper()
	p, err := NewPair(a, b)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// world is two agents, aki who initiates and bea, with three lanes, the second
// of which has a QKD key.
type world struct {
	t        testing.TB
	aki, bea *Identity
	pair     Pair
	suite    kem.Suite
	epoch    uint64
	lanes    []Lane
	qkd      secret.Key
}

const keyID = "4a5e1e4b-aab8-4f8e-9d2c-7f3d0c9a1b22"

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, aki: mustGenerate(t, 1), bea: mustGenerate(t, 2), suite: kem.XWing, epoch: 7, qkd: mustKey(t, 3)}
	w.pair = mustPair(t, Party{"bea", w.bea.Public()}, Party{"aki", w.aki.Public()})
	w.lanes = []Lane{{"gold", 0, ""}, {"gold", 1, keyID}, {"silver", 0, ""}}
	return w
}

func (w *world) initiate() (*Initiation, *Init) {
	w.t.Helper()
	i, m, err := Initiate(seeded(10), w.aki, w.pair, w.suite, w.epoch, w.lanes)
	if err != nil {
		w.t.Fatal(err)
	}
	return i, m
}

func (w *world) respond(m *Init) (*Response, *Reply) {
	w.t.Helper()
	r, reply, err := Respond(seeded(11), w.bea, w.pair, w.suite, w.epoch-1, m)
	if err != nil {
		w.t.Fatal(err)
	}
	return r, reply
}

func (w *world) keys() map[string]secret.Key { return map[string]secret.Key{keyID: w.qkd} }

func (w *world) finish(i *Initiation, m *Reply) *Confirm {
	w.t.Helper()
	c, err := i.Finish(m, w.keys())
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// responderKeys derives bea's keys of the lanes.
func (w *world) responderKeys(r *Response, lanes []Lane) (keys []secret.Key) {
	w.t.Helper()
	for _, l := range lanes {
		qkd := secret.Key{}
		if l.KeyID != "" {
			qkd = w.qkd
		}
		k, err := r.Key(l.Intent, l.Index, qkd)
		if err != nil {
			w.t.Fatal(err)
		}
		keys = append(keys, k)
	}
	return keys
}

func (w *world) commit(r *Response, c *Confirm) (*Commit, []secret.Key) {
	w.t.Helper()
	lanes, err := r.Accept(c)
	if err != nil {
		w.t.Fatal(err)
	}
	keys := w.responderKeys(r, lanes)
	m, err := r.Commit(lanes)
	if err != nil {
		w.t.Fatal(err)
	}
	return m, keys
}

// initiatorKeys derives aki's keys of the lanes.
func (w *world) initiatorKeys(i *Initiation, lanes []Lane) (keys []secret.Key) {
	w.t.Helper()
	for _, l := range lanes {
		qkd := secret.Key{}
		if l.KeyID != "" {
			qkd = w.qkd
		}
		k, err := i.Key(l.Intent, l.Index, qkd)
		if err != nil {
			w.t.Fatal(err)
		}
		keys = append(keys, k)
	}
	return keys
}

// exchanged is everything of one exchange that went well.
type exchanged struct {
	i       *Initiation
	r       *Response
	init    *Init
	reply   *Reply
	confirm *Confirm
	commit  *Commit
	keys    []secret.Key
}

func (w *world) exchange() *exchanged {
	w.t.Helper()
	x := &exchanged{}
	x.i, x.init = w.initiate()
	x.r, x.reply = w.respond(x.init)
	x.confirm = w.finish(x.i, x.reply)
	var theirs []secret.Key
	x.commit, theirs = w.commit(x.r, x.confirm)
	lanes, err := x.i.Committed(x.commit)
	if err != nil {
		w.t.Fatal(err)
	}
	x.keys = w.initiatorKeys(x.i, lanes)
	if len(x.keys) != len(w.lanes) {
		w.t.Fatalf("%d keys", len(x.keys))
	}
	for n := range x.keys {
		if !x.keys[n].Equal(theirs[n]) {
			w.t.Fatalf("lane %v: the ends differ", w.lanes[n])
		}
	}
	return x
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }
