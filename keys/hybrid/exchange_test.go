package hybrid

import (
	"bufio"
	"bytes"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/keys/hybrid/kem"
	"github.com/keiro-net/keiro/keys/secret"
)

var rewrite = flag.Bool("golden", false, "rewrite testdata/golden.txt: the wire changes, and with it its version")

// TestGolden compares every byte of two exchanges with those of the file.
func TestGolden(t *testing.T) {
	var got bytes.Buffer
	// What testdata/verify.py needs to follow: the public identities, the QKD
	// key and, as the randomness is known, the seed of the initiator's key.
	w := newWorld(t)
	random := make([]byte, 16+NonceSize+96)
	if _, err := seeded(10).Read(random); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&got, "input aki %x\ninput bea %x\n", w.aki.Public().Bytes(), w.bea.Public().Bytes())
	fmt.Fprintf(&got, "input qkd %x\ninput seed %x\n", w.qkd.Bytes(), random[16+NonceSize:])
	for _, suite := range []kem.Suite{kem.XWing, kem.X25519MLKEM1024} {
		w := newWorld(t)
		w.suite = suite
		x := w.exchange()
		nudge, err := NewNudge(w.bea, w.pair, 41)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range []Message{x.init, x.reply, x.confirm, x.commit, nudge} {
			fmt.Fprintf(&got, "%v kind-%d %x\n", suite, m.Kind(), Encode(m))
		}
		for n, l := range w.lanes {
			fmt.Fprintf(&got, "%v %s/%d %s\n", suite, l.Intent, l.Index, hexOf(x.keys[n].Bytes()))
		}
	}
	if *rewrite {
		if err := os.WriteFile("testdata/golden.txt", got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/golden.txt")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		g, h := bufio.NewScanner(&got), bufio.NewScanner(bytes.NewReader(want))
		g.Buffer(nil, 1<<20)
		h.Buffer(nil, 1<<20)
		for g.Scan() && h.Scan() {
			if g.Text() != h.Text() {
				t.Fatalf("got  %.200s...\nwant %.200s...", g.Text(), h.Text())
			}
		}
		t.Fatal("more or fewer lines")
	}
}

// TestPair: the names alone say who initiates, whoever is named first.
func TestPair(t *testing.T) {
	w := newWorld(t)
	aki, bea := Party{"aki", w.aki.Public()}, Party{"bea", w.bea.Public()}
	for _, p := range []Pair{mustPair(t, aki, bea), mustPair(t, bea, aki)} {
		if !p.Initiates("aki") || p.Initiates("bea") || p.Initiates("eve") {
			t.Errorf("%v", p)
		}
	}
	for _, bad := range []Party{{"", w.aki.Public()}, {"a b", w.aki.Public()}, {"aki", nil}} {
		if _, err := NewPair(bad, bea); !errors.Is(err, ErrPeer) {
			t.Errorf("%q: %v", bad.Node, err)
		}
	}
}

func TestLanesHaveKeysOfTheirOwn(t *testing.T) {
	w := newWorld(t)
	first := w.exchange().keys
	w.epoch++
	second := w.exchange().keys
	all := slices.Concat(first, second)
	for i := range all {
		for j := range i {
			if all[i].Equal(all[j]) {
				t.Errorf("keys %d and %d are the same", i, j)
			}
		}
	}
}

// TestNoKeyBeforeProof: neither end gives a key before the other has proven
// itself, or one that is not committed.
func TestNoKeyBeforeProof(t *testing.T) {
	w := newWorld(t)
	i, m := w.initiate()
	r, reply := w.respond(m)
	wantNone := func(when string, k secret.Key, err error) {
		t.Helper()
		if err == nil || k.Present() {
			t.Errorf("a key %s", when)
		}
	}
	k, err := i.Key("gold", 0, secret.Key{})
	wantNone("after Init", k, err)
	k, err = r.Key("gold", 0, secret.Key{})
	wantNone("after Reply", k, err)
	if _, err := r.Commit(nil); !errors.Is(err, ErrSpent) {
		t.Errorf("a commit before the confirm: %v", err)
	}
	c := w.finish(i, reply)
	k, err = i.Key("gold", 0, secret.Key{})
	wantNone("after Confirm", k, err)
	lanes, err := r.Accept(c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Commit(lanes); !errors.Is(err, ErrLanes) {
		t.Errorf("lanes committed without a key: %v", err)
	}
	if _, err := r.Key("gold", 9, secret.Key{}); !errors.Is(err, ErrLanes) {
		t.Errorf("an unknown lane: %v", err)
	}
	w.responderKeys(r, lanes[:1])
	commit, err := r.Commit(lanes[:1])
	if err != nil {
		t.Fatal(err)
	}
	if got, err := i.Committed(commit); err != nil || len(got) != 1 || got[0] != lanes[0] {
		t.Fatal(got, err)
	}
	w.initiatorKeys(i, lanes[:1])
	k, err = i.Key("silver", 0, secret.Key{})
	wantNone("of a lane that is not committed", k, err)
}

// TestLyingKME: the two ends were given different QKD keys of one name. That
// lane is refused, the others go on.
func TestLyingKME(t *testing.T) {
	w := newWorld(t)
	i, m := w.initiate()
	r, reply := w.respond(m)
	lanes, err := r.Accept(w.finish(i, reply))
	if err != nil {
		t.Fatal(err)
	}
	if k, err := r.Key("gold", 1, mustKey(t, 250)); !errors.Is(err, ErrMismatch) || k.Present() {
		t.Errorf("another QKD key: %v", err)
	}
	if k, err := r.Key("gold", 1, secret.Key{}); !errors.Is(err, ErrQKD) || k.Present() {
		t.Errorf("no QKD key: %v", err)
	}
	if k, err := r.Key("gold", 0, w.qkd); !errors.Is(err, ErrQKD) || k.Present() {
		t.Errorf("a QKD key that was not asked for: %v", err)
	}
	if _, err := r.Commit(lanes); !errors.Is(err, ErrLanes) {
		t.Errorf("the lane is committed: %v", err)
	}
	w.responderKeys(r, []Lane{lanes[0], lanes[2]})
	commit, err := r.Commit([]Lane{lanes[2], lanes[0]})
	if err != nil {
		t.Fatal(err)
	}
	got, err := i.Committed(commit)
	if err != nil || len(got) != 2 || got[0] != lanes[0] || got[1] != lanes[2] {
		t.Errorf("%v, %v", got, err)
	}
}

// TestZero: an exchange that is erased gives nothing more.
func TestZero(t *testing.T) {
	w := newWorld(t)
	i, m := w.initiate()
	r, reply := w.respond(m)
	c := w.finish(i, reply)
	lanes, err := r.Accept(c)
	if err != nil {
		t.Fatal(err)
	}
	keys := w.responderKeys(r, lanes)
	inner := []secret.Key{i.key.key, r.key.key}
	i.Zero()
	r.Zero()
	for _, k := range inner {
		if k.Present() {
			t.Error("the epoch's key remains")
		}
	}
	if _, err := r.Key("gold", 0, secret.Key{}); !errors.Is(err, ErrSpent) {
		t.Error(err)
	}
	if _, err := r.Commit(lanes); !errors.Is(err, ErrSpent) {
		t.Error(err)
	}
	if _, err := i.Committed(&Commit{Header: i.head, Taken: make([]bool, 3)}); !errors.Is(err, ErrSpent) {
		t.Error(err)
	}
	if !keys[0].Present() {
		t.Error("a lane's key was erased with the exchange")
	}
	j, m := w.initiate()
	_, reply = w.respond(m)
	j.Zero()
	if _, err := j.Finish(reply, w.keys()); !errors.Is(err, ErrSpent) || j.open != nil {
		t.Error("the private key remains: ", err)
	}
}

// TestStatePrintsNoSecret: with a verb that fmt knows or not.
func TestStatePrintsNoSecret(t *testing.T) {
	w := newWorld(t)
	x := w.exchange()
	file, _ := pem.Decode(w.aki.MarshalPrivate())
	secrets := [][]byte{x.i.key.key.Bytes(), x.keys[0].Bytes(), w.qkd.Bytes(), file.Bytes[1:33], file.Bytes[33:]}
	type nested struct {
		hidden any
		id     *Identity
		byVal  Identity
	}
	for _, v := range []any{x.i, x.r, *x.i, *x.r, w.aki, *w.aki, nested{x.i, w.aki, *w.aki}, &nested{*x.r, w.aki, *w.aki}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q", "%z"} {
			printed := fmt.Sprintf(verb, v)
			for n, s := range secrets {
				for _, form := range []string{hexOf(s[:4]), strings.ToUpper(hexOf(s[:4])), fmt.Sprintf("%d %d %d", s[0], s[1], s[2]),
					fmt.Sprintf("0x%x, 0x%x, 0x%x", s[0], s[1], s[2]), string(s[:6])} {
					if strings.Contains(printed, form) {
						t.Fatalf("%s of %T shows secret %d as %q", verb, v, n, form)
					}
				}
			}
		}
	}
	if got := fmt.Sprintf("%s", w.aki); got != "identity "+w.aki.Public().Fingerprint().String() {
		t.Error(got)
	}
}

// TestNoRandomness: a reader that ends gives an error, at every length.
func TestNoRandomness(t *testing.T) {
	w := newWorld(t)
	_, m := w.initiate()
	enough := make([]byte, 200)
	for n := range 16 + 32 + 32 {
		if _, _, err := Initiate(bytes.NewReader(enough[:n]), w.aki, w.pair, w.suite, 1, nil); err == nil {
			t.Fatalf("initiated with %d bytes", n)
		}
	}
	for n := range 32 + 64 {
		if _, _, err := Respond(bytes.NewReader(enough[:n]), w.bea, w.pair, w.suite, 0, m); err == nil {
			t.Fatalf("responded with %d bytes", n)
		}
	}
	for n := range 64 {
		if _, err := Generate(bytes.NewReader(enough[:n])); err == nil {
			t.Fatalf("an identity of %d bytes", n)
		}
	}
}
