package hybrid

import (
	"crypto/ed25519"
	"testing"
	"time"

	"github.com/cloudflare/circl/sign/mldsa/mldsa65"

	"github.com/keiro-net/keiro/keys/hybrid/kem"
	"github.com/keiro-net/keiro/keys/secret"
)

// BenchmarkExchange is what an exchange of one lane costs, on one core: both
// ends, each end, and beside them the primitives in it alone (one key pair, one
// encapsulation, one decapsulation, two signatures and two verifications of
// both kinds).
func BenchmarkExchange(b *testing.B) {
	for _, suite := range []kem.Suite{kem.XWing, kem.X25519MLKEM1024} {
		w := newWorld(b)
		w.suite, w.lanes = suite, []Lane{{"gold", 0, ""}}
		b.Run(suite.String(), func(b *testing.B) {
			var initiator, responder time.Duration
			for b.Loop() {
				i, r := w.timed(b)
				initiator, responder = initiator+i, responder+r
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "exchanges/s")
			b.ReportMetric(float64(b.N)/initiator.Seconds(), "initiator/s")
			b.ReportMetric(float64(b.N)/responder.Seconds(), "responder/s")
		})
		b.Run(suite.String()+"/primitives", func(b *testing.B) {
			for b.Loop() {
				w.primitives(b)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "exchanges/s")
		})
	}
}

// timed is an exchange with its messages encoded and decoded, and how long each
// end took for its part.
func (w *world) timed(b *testing.B) (initiator, responder time.Duration) {
	random, no, last := seeded(5), secret.Key{}, time.Now()
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

func (w *world) primitives(b *testing.B) {
	random := seeded(5)
	scheme, err := w.suite.Scheme()
	check(b, err)
	open, key, err := scheme.NewKey(random)
	check(b, err)
	_, ciphertext, err := scheme.Encapsulate(random, key)
	check(b, err)
	_, err = open(ciphertext)
	check(b, err)
	input := make([]byte, 32)
	for _, id := range []*Identity{w.aki, w.bea} {
		input[0]++
		classic, quantum := id.signClassic(input), make([]byte, mldsa65.SignatureSize)
		check(b, id.signQuantum(input, quantum))
		if !ed25519.Verify(id.public.ed, input, classic) || !mldsa65.Verify(&id.public.ml, input, nil, quantum) {
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
