package hybrid

import (
	"io"
	"testing"
	"time"

	"github.com/keiro-net/keiro/keys/hybrid/kem"
	"github.com/keiro-net/keiro/keys/secret"
)

// BenchmarkExchange is what an exchange of one lane costs, in exchanges a
// second and core: both ends, each end, and in turn with them the primitives in
// it alone (one key pair, one encapsulation, one decapsulation, two signatures
// and two verifications of both kinds). ns/op is both ends and the primitives.
func BenchmarkExchange(b *testing.B) {
	for _, suite := range []kem.Suite{kem.XWing, kem.X25519MLKEM1024} {
		w := newWorld(b)
		w.suite, w.lanes = suite, []Lane{{"gold", 0, ""}}
		b.Run(suite.String(), func(b *testing.B) {
			var initiator, responder, primitives time.Duration
			// ML-DSA signs some messages in one turn, some in ten: every
			// exchange is another.
			random := seeded(5)
			for b.Loop() {
				i, r := w.timed(b, random)
				start := time.Now()
				w.primitives(b, random)
				initiator, responder, primitives = initiator+i, responder+r, primitives+time.Since(start)
			}
			n := float64(b.N)
			b.ReportMetric(n/(initiator+responder).Seconds(), "exchanges/s")
			b.ReportMetric(n/initiator.Seconds(), "initiator/s")
			b.ReportMetric(n/responder.Seconds(), "responder/s")
			b.ReportMetric(n/primitives.Seconds(), "primitives/s")
		})
	}
}

// timed is an exchange with its messages encoded and decoded, and how long each
// end took for its part.
func (w *world) timed(b *testing.B, random io.Reader) (initiator, responder time.Duration) {
	no, last := secret.Key{}, time.Now()
	ends := func(part *time.Duration) {
		now := time.Now()
		*part += now.Sub(last)
		last = now
	}
	i, init, err := Initiate(random, w.aki, w.pair, w.suite, w.epoch, w.lanes)
	check(b, err)
	wire := Encode(init)
	ends(&initiator)

	m, err := Decode(wire)
	check(b, err)
	r, reply, err := Respond(random, w.bea, w.pair, w.suite, w.epoch-1, m.(*Init))
	check(b, err)
	wire = Encode(reply)
	ends(&responder)

	m, err = Decode(wire)
	check(b, err)
	confirm, err := i.Finish(m.(*Reply), nil)
	check(b, err)
	wire = Encode(confirm)
	ends(&initiator)

	m, err = Decode(wire)
	check(b, err)
	lanes, err := r.Accept(m.(*Confirm))
	check(b, err)
	_, err = r.Key("gold", 0, no)
	check(b, err)
	commit, err := r.Commit(lanes)
	check(b, err)
	r.Zero()
	wire = Encode(commit)
	ends(&responder)

	m, err = Decode(wire)
	check(b, err)
	_, err = i.Committed(m.(*Commit))
	check(b, err)
	_, err = i.Key("gold", 0, no)
	check(b, err)
	i.Zero()
	ends(&initiator)
	return initiator, responder
}

func (w *world) primitives(b *testing.B, random io.Reader) {
	scheme, err := w.suite.Scheme()
	check(b, err)
	open, key, err := scheme.NewKey(random)
	check(b, err)
	_, ciphertext, err := scheme.Encapsulate(random, key)
	check(b, err)
	_, err = open(ciphertext)
	check(b, err)
	input := make([]byte, 32)
	_, err = random.Read(input)
	check(b, err)
	for _, id := range []*Identity{w.aki, w.bea} {
		if !id.public.keys.Verify(input, id.keys.Sign(input)) {
			b.Fatal("wrong signature")
		}
	}
}

func check(b *testing.B, err error) {
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkLane is what each further lane costs at one end.
func BenchmarkLane(b *testing.B) {
	key, err := newEpochKey(make([]byte, 32), Digest{}, 1, nil)
	check(b, err)
	qkd := mustKey(b, 1)
	b.Run("plain", func(b *testing.B) {
		for b.Loop() {
			_, _, err = key.derive(Lane{"gold", 1, ""}, secret.Key{})
		}
	})
	b.Run("QKD", func(b *testing.B) {
		for b.Loop() {
			_, _, err = key.derive(Lane{"gold", 1, "k"}, qkd)
		}
	})
	check(b, err)
}
