package hybrid

import (
	"errors"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/keys/hybrid/kem"
	"github.com/keiro-net/keiro/keys/secret"
)

// refusal is a message on its way, damaged or misused, and why it is refused.
type refusal struct {
	name string
	want Refusal
	try  func(w *world) error
}

func finishes(damage func(w *world, m *Reply)) func(w *world) error {
	return func(w *world) error {
		i, init := w.initiate()
		_, reply := w.respond(init)
		good := clone(reply).(*Reply)
		damage(w, reply)
		_, err := i.Finish(reply, w.keys())
		w.stands(err, func() error { _, err := i.Finish(good, w.keys()); return err })
		return err
	}
}

func accepts(damage func(w *world, m *Confirm)) func(w *world) error {
	return func(w *world) error {
		i, init := w.initiate()
		r, reply := w.respond(init)
		m := w.finish(i, reply)
		good := clone(m).(*Confirm)
		damage(w, m)
		_, err := r.Accept(m)
		w.stands(err, func() error { _, err := r.Accept(good); return err })
		return err
	}
}

func commits(damage func(w *world, m *Commit)) func(w *world) error {
	return func(w *world) error {
		i, init := w.initiate()
		r, reply := w.respond(init)
		m, _ := w.commit(r, w.finish(i, reply))
		good := clone(m).(*Commit)
		damage(w, m)
		_, err := i.Committed(m)
		w.stands(err, func() error { _, err := i.Committed(good); return err })
		return err
	}
}

// stands: after a refusal the right message is still taken.
func (w *world) stands(refused error, right func() error) {
	w.t.Helper()
	if refused == nil {
		return
	}
	if err := right(); err != nil {
		w.t.Errorf("after %v the right message is refused: %v", refused, err)
	}
}

func clone(m Message) Message {
	c, err := Decode(Encode(m))
	if err != nil {
		panic(err)
	}
	return c
}

func answers(damage func(w *world, m *Init)) func(w *world) error {
	return func(w *world) error {
		_, m := w.initiate()
		damage(w, m)
		_, _, err := Respond(seeded(11), w.bea, w.pair, w.suite, w.epoch-1, m)
		return err
	}
}

// unnoticed damages the Init in a way that the responder cannot see: the
// initiator sees it, for the Reply is signed over what came.
func unnoticed(damage func(m *Init)) func(w *world) error {
	return func(w *world) error {
		i, m := w.initiate()
		sent := clone(m).(*Init)
		damage(sent)
		_, reply := w.respond(sent)
		reply.ID = m.ID
		_, err := i.Finish(reply, w.keys())
		return err
	}
}

var refusals = []refusal{
	{"init of an old epoch", ErrEpoch, answers(func(w *world, m *Init) { m.Epoch = w.epoch - 1 })},
	{"init without a next epoch", ErrEpoch, answers(func(w *world, m *Init) { m.Epoch = MaxEpoch + 1 })},
	{"init of another suite", ErrSuite, answers(func(w *world, m *Init) { m.Suite = kem.X25519MLKEM1024 })},
	{"init of no suite", ErrSuite, answers(func(w *world, m *Init) { m.Suite = 9 })},
	{"init from a stranger", ErrPeer, answers(func(w *world, m *Init) { m.From.Node = "eve" })},
	{"init to a stranger", ErrPeer, answers(func(w *world, m *Init) { m.To.Node = "eve" })},
	{"init in the wrong direction", ErrRole, answers(func(w *world, m *Init) { m.From, m.To = m.To, m.From })},
	{"init of another fleet's initiator", ErrIdentity, answers(func(w *world, m *Init) { m.From.Identity[0] ^= 1 })},
	{"init to another fleet's responder", ErrIdentity, answers(func(w *world, m *Init) { m.To.Identity[31] ^= 1 })},
	{"init with swapped identities", ErrIdentity, answers(func(w *world, m *Init) {
		m.From.Identity, m.To.Identity = m.To.Identity, m.From.Identity
	})},
	{"init with lanes out of order", ErrLanes, answers(func(w *world, m *Init) { m.Lanes[0], m.Lanes[2] = m.Lanes[2], m.Lanes[0] })},
	{"init with a lane twice", ErrLanes, answers(func(w *world, m *Init) { m.Lanes[1] = m.Lanes[0] })},
	{"init with a QKD key for two lanes", ErrLanes, answers(func(w *world, m *Init) { m.Lanes[0].KeyID = keyID })},
	{"init with a short key", ErrKEM, answers(func(w *world, m *Init) { m.Key = m.Key[1:] })},
	{"init with a key that is not reduced", ErrKEM, answers(func(w *world, m *Init) { m.Key[0], m.Key[1] = 0xff, 0xff })},
	{"init reflected", ErrRole, func(w *world) error {
		_, m := w.initiate()
		_, _, err := Respond(seeded(1), w.aki, w.pair, w.suite, 0, m)
		return err
	}},

	{"init's nonce damaged", ErrSignature, unnoticed(func(m *Init) { m.Nonce[0] ^= 1 })},
	{"init's key replaced", ErrSignature, unnoticed(func(m *Init) {
		s, _ := m.Suite.Scheme()
		_, m.Key, _ = s.NewKey(seeded(99)) // a man in the middle's own
	})},
	{"init's name damaged", ErrSignature, unnoticed(func(m *Init) { m.ID[0] ^= 1 })},
	{"init's lane dropped", ErrSignature, unnoticed(func(m *Init) { m.Lanes = m.Lanes[:2] })},
	{"init's lane renamed", ErrSignature, unnoticed(func(m *Init) { m.Lanes[2].Intent = "zinc" })},
	{"init's lane renumbered", ErrSignature, unnoticed(func(m *Init) { m.Lanes[2].Index = 5 })},
	{"init's QKD key removed", ErrSignature, unnoticed(func(m *Init) { m.Lanes[1].KeyID = "" })},
	{"init's QKD key replaced", ErrSignature, unnoticed(func(m *Init) { m.Lanes[1].KeyID = "other" })},
	{"init's QKD key moved to another lane", ErrSignature, unnoticed(func(m *Init) {
		m.Lanes[0].KeyID, m.Lanes[1].KeyID = m.Lanes[1].KeyID, ""
	})},

	{"reply of another exchange", ErrExchange, finishes(func(w *world, m *Reply) { m.ID[0] ^= 1 })},
	{"reply of another epoch", ErrEpoch, finishes(func(w *world, m *Reply) { m.Epoch++ })},
	{"reply's nonce damaged", ErrSignature, finishes(func(w *world, m *Reply) { m.Nonce[0] ^= 1 })},
	{"reply's ciphertext damaged", ErrSignature, finishes(func(w *world, m *Reply) { m.Ciphertext[9] ^= 1 })},
	{"reply's Ed25519 signature damaged", ErrSignature, finishes(func(w *world, m *Reply) { m.Signature[0] ^= 1 })},
	{"reply's ML-DSA signature damaged", ErrSignature, finishes(func(w *world, m *Reply) { m.Signature[64] ^= 1 })},
	{"reply's signature cut", ErrMalformed, finishes(func(w *world, m *Reply) { m.Signature = m.Signature[:64] })},
	{"reply's MAC damaged", ErrMAC, finishes(func(w *world, m *Reply) { m.MAC[31] ^= 1 })},
	{"reply signed by somebody else", ErrSignature, finishes(func(w *world, m *Reply) {
		m.Signature = mustGenerate(w.t, 66).sign(forReply, []byte("x"))
	})},
	{"reply of an earlier exchange", ErrSignature, func(w *world) error {
		old := w.exchange().reply
		i, m, err := Initiate(seeded(77), w.aki, w.pair, w.suite, w.epoch, w.lanes)
		if err != nil {
			w.t.Fatal(err)
		}
		old.ID = m.ID
		_, err = i.Finish(old, w.keys())
		return err
	}},
	{"reply twice", ErrSpent, func(w *world) error {
		x := w.exchange()
		_, err := x.i.Finish(x.reply, w.keys())
		return err
	}},
	{"reply of a responder with another key", ErrMAC, func(w *world) error {
		// bea's signature is right, but whoever made the MAC lacks the key: as
		// if the signature had been obtained for a ciphertext of others.
		i, m := w.initiate()
		_, reply := w.respond(m)
		reply.MAC = mac(make([]byte, 32), Digest{})
		_, err := i.Finish(reply, w.keys())
		return err
	}},
	{"finish without the QKD key", ErrQKD, func(w *world) error {
		i, m := w.initiate()
		_, reply := w.respond(m)
		_, err := i.Finish(reply, map[string]secret.Key{"other": w.qkd})
		return err
	}},
	{"finish with no QKD keys", ErrQKD, func(w *world) error {
		i, m := w.initiate()
		_, reply := w.respond(m)
		_, err := i.Finish(reply, nil)
		return err
	}},

	{"confirm of another exchange", ErrExchange, accepts(func(w *world, m *Confirm) { m.ID[15] ^= 1 })},
	{"confirm of another epoch", ErrEpoch, accepts(func(w *world, m *Confirm) { m.Epoch-- })},
	{"confirm's check damaged", ErrSignature, accepts(func(w *world, m *Confirm) { m.Checks[0][0] ^= 1 })},
	{"confirm's check dropped", ErrSignature, accepts(func(w *world, m *Confirm) { m.Checks = nil })},
	{"confirm's Ed25519 signature damaged", ErrSignature, accepts(func(w *world, m *Confirm) { m.Signature[63] ^= 1 })},
	{"confirm's ML-DSA signature damaged", ErrSignature, accepts(func(w *world, m *Confirm) { m.Signature[SignatureSize-70] ^= 1 })},
	{"confirm's MAC damaged", ErrMAC, accepts(func(w *world, m *Confirm) { m.MAC[0] ^= 0x80 })},
	{"confirm with the reply's signature", ErrSignature, func(w *world) error {
		i, m := w.initiate()
		r, reply := w.respond(m)
		c := w.finish(i, reply)
		c.Signature, c.MAC = reply.Signature, reply.MAC // reflected
		_, err := r.Accept(c)
		return err
	}},
	{"confirm of an earlier exchange", ErrSignature, func(w *world) error {
		old := w.exchange().confirm
		_, m, err := Initiate(seeded(77), w.aki, w.pair, w.suite, w.epoch, w.lanes)
		if err != nil {
			w.t.Fatal(err)
		}
		r, _ := w.respond(m)
		old.ID = m.ID
		_, err = r.Accept(old)
		return err
	}},
	{"confirm twice", ErrSpent, func(w *world) error {
		x := w.exchange()
		_, err := x.r.Accept(x.confirm)
		return err
	}},
	{"confirm by an impostor with the initiator's name and fingerprint", ErrSignature, func(w *world) error {
		eve := mustGenerate(w.t, 66)
		mask := *eve.public
		mask.print = w.aki.public.print
		eve.public = &mask
		lie := mustPair(w.t, Party{"aki", eve.public}, Party{"bea", w.bea.Public()})
		i, m, err := Initiate(seeded(67), eve, lie, w.suite, w.epoch, w.lanes)
		if err != nil {
			w.t.Fatal(err)
		}
		r, reply := w.respond(m)
		c, err := i.Finish(reply, w.keys()) // she has the key: the MAC is right
		if err != nil {
			w.t.Fatal(err)
		}
		_, err = r.Accept(c)
		return err
	}},

	{"commit of another exchange", ErrExchange, commits(func(w *world, m *Commit) { m.ID[3] ^= 1 })},
	{"commit of another epoch", ErrEpoch, commits(func(w *world, m *Commit) { m.Epoch++ })},
	{"commit's MAC damaged", ErrMAC, commits(func(w *world, m *Commit) { m.MAC[7] ^= 1 })},
	{"commit's lane withdrawn", ErrMAC, commits(func(w *world, m *Commit) { m.Taken[0] = false })},
	{"commit with the confirm's MAC", ErrMAC, func(w *world) error {
		i, m := w.initiate()
		r, reply := w.respond(m)
		c := w.finish(i, reply)
		commit, _ := w.commit(r, c)
		commit.MAC = c.MAC // reflected
		_, err := i.Committed(commit)
		return err
	}},
	{"commit before the reply", ErrSpent, func(w *world) error {
		i, m := w.initiate()
		_, err := i.Committed(&Commit{Header: m.Header, Taken: make([]bool, 3)})
		return err
	}},
	{"commit twice", ErrSpent, func(w *world) error {
		x := w.exchange()
		_, err := x.i.Committed(x.commit)
		return err
	}},
	{"a second commit", ErrSpent, func(w *world) error {
		_, err := w.exchange().r.Commit(nil)
		return err
	}},

	{"nudge's epoch damaged", ErrExchange, nudges(func(m *Nudge) { m.Epoch++ })},
	{"nudge's epoch damaged, and its name with it", ErrSignature, nudges(func(m *Nudge) {
		m.Epoch++
		d := m.digest()
		m.ID = ID(d[:])
	})},
	{"nudge's Ed25519 signature damaged", ErrSignature, nudges(func(m *Nudge) { m.Signature[5] ^= 1 })},
	{"nudge's ML-DSA signature damaged", ErrSignature, nudges(func(m *Nudge) { m.Signature[500] ^= 1 })},
	{"nudge of a stranger", ErrPeer, nudges(func(m *Nudge) { m.From.Node = "eve" })},
	{"nudge of another fleet", ErrIdentity, nudges(func(m *Nudge) { m.From.Identity[0] ^= 1 })},
	{"nudge turned around", ErrRole, nudges(func(m *Nudge) { m.From, m.To = m.To, m.From })},
	{"nudge by the initiator", ErrRole, func(w *world) error { _, err := NewNudge(w.aki, w.pair, 1); return err }},
	{"nudge at the responder", ErrRole, func(w *world) error {
		m, err := NewNudge(w.bea, w.pair, 1)
		if err != nil {
			w.t.Fatal(err)
		}
		_, err = Nudged(w.bea, w.pair, m)
		return err
	}},

	{"initiate as the responder", ErrRole, func(w *world) error {
		_, _, err := Initiate(seeded(1), w.bea, w.pair, w.suite, w.epoch, nil)
		return err
	}},
	{"initiate epoch 0", ErrEpoch, func(w *world) error {
		_, _, err := Initiate(seeded(1), w.aki, w.pair, w.suite, 0, nil)
		return err
	}},
	{"initiate a lane twice", ErrLanes, func(w *world) error {
		_, _, err := Initiate(seeded(1), w.aki, w.pair, w.suite, 1, []Lane{{"a", 0, ""}, {"a", 0, "k"}})
		return err
	}},
	{"initiate too many lanes", ErrLanes, func(w *world) error {
		_, _, err := Initiate(seeded(1), w.aki, w.pair, w.suite, 1, make([]Lane, MaxLanes+1))
		return err
	}},
	{"initiate with no suite", ErrSuite, func(w *world) error {
		_, _, err := Initiate(seeded(1), w.aki, w.pair, 0, 1, nil)
		return err
	}},
	{"pair with oneself", ErrPeer, func(w *world) error {
		_, err := NewPair(Party{"a", w.aki.Public()}, Party{"a", w.bea.Public()})
		return err
	}},
	{"pair of one identity", ErrPeer, func(w *world) error {
		_, err := NewPair(Party{"a", w.aki.Public()}, Party{"b", w.aki.Public()})
		return err
	}},
}

func nudges(damage func(m *Nudge)) func(w *world) error {
	return func(w *world) error {
		m, err := NewNudge(w.bea, w.pair, 41)
		if err != nil {
			w.t.Fatal(err)
		}
		if last, err := Nudged(w.aki, w.pair, m); err != nil || last != 41 {
			w.t.Fatal(last, err)
		}
		damage(m)
		last, err := Nudged(w.aki, w.pair, m)
		if last != 0 {
			w.t.Error("a refused nudge says an epoch")
		}
		return err
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range refusals {
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			err := c.try(newWorld(t))
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if Reason(err) != c.want {
				t.Errorf("counted as %q", Reason(err))
			}
		})
	}
}
