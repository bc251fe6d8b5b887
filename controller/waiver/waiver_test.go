package waiver

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/keys/sign"
	"github.com/keiro-net/keiro/pathspec/gate"
)

var noon = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

func key(t testing.TB, seed byte) *sign.Key {
	t.Helper()
	k, err := sign.Generate(rand.NewChaCha8([32]byte{seed}))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func good() Waiver {
	return Waiver{Intent: "gold", Characteristic: gate.Disjoint, Reason: "ticket 4711: \"splice\"\nnear 大阪", Issued: noon, Until: noon.Add(48 * time.Hour)}
}

func signed(t testing.TB, w Waiver, k *sign.Key) Signed {
	t.Helper()
	s, err := Sign(w, k)
	if err != nil {
		t.Fatal(err)
	}
	read, err := Parse("w.yaml", Format(s))
	if err != nil || len(read) != 1 || read[0] != s {
		t.Fatalf("as a document: %+v, %v", read, err)
	}
	return read[0]
}

func TestVerify(t *testing.T) {
	ours, other := key(t, 1), key(t, 2)
	trusted := []*sign.Public{key(t, 3).Public(), ours.Public()}
	for _, c := range []struct {
		name  string
		key   *sign.Key
		alter func(*Signed)
		now   time.Duration
		want  string // "": it counts
	}{
		{"good", ours, func(*Signed) {}, 0, ""},
		{"a clock a little behind", ours, func(*Signed) {}, -time.Minute, ""},
		{"a clock far behind", ours, func(*Signed) {}, -time.Hour, "one of the clocks is wrong"},
		{"expired", ours, func(*Signed) {}, 48 * time.Hour, "it ended at 2026-12-03T12:00:00Z"},
		{"foreign", other, func(*Signed) {}, 0, "none of the operators'"},
		{"foreign, under our name", other, func(s *Signed) { s.Key = ours.Public().Fingerprint().String() }, 0, "wrong signature"},
		{"of another intent", ours, func(s *Signed) { s.Intent = "silver" }, 0, "altered"},
		{"of another characteristic", ours, func(s *Signed) { s.Characteristic = gate.MaxDelay }, 0, "altered"},
		{"longer", ours, func(s *Signed) { s.Until = s.Until.Add(time.Hour) }, 0, "altered"},
		{"another reason", ours, func(s *Signed) { s.Reason += "." }, 0, "altered"},
		{"no signature", ours, func(s *Signed) { s.Signature = "" }, 0, "malformed"},
		{"half a signature", ours, func(s *Signed) { s.Signature = s.Signature[:len(s.Signature)/2] }, 0, "sign it again"},
	} {
		s := signed(t, good(), c.key)
		c.alter(&s)
		err := s.Verify(trusted, noon.Add(c.now))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if err := signed(t, good(), ours).Verify(nil, noon); err == nil {
		t.Error("it counts where no operator does")
	}
}

func TestSignRefuses(t *testing.T) {
	for name, alter := range map[string]func(*Waiver){
		"no intent": func(w *Waiver) { w.Intent = "" }, "no reason": func(w *Waiver) { w.Reason = " " }, "a novel": func(w *Waiver) { w.Reason = strings.Repeat("x", maxReason+1) },
		"unknown": func(w *Waiver) { w.Characteristic = "beauty" }, "backwards": func(w *Waiver) { w.Until = w.Issued }, "for ever": func(w *Waiver) { w.Until = w.Issued.Add(MaxTerm + time.Second) },
	} {
		w := good()
		if alter(&w); w.check() == nil {
			t.Errorf("%s: signed", name)
		}
		if _, err := Sign(w, key(t, 1)); err == nil {
			t.Errorf("%s: signed", name)
		}
	}
}

func TestCovers(t *testing.T) {
	w := good()
	if !w.Covers(gate.Finding{Intent: "gold", Characteristic: gate.Disjoint}) || w.Covers(gate.Finding{Intent: "gold", Characteristic: gate.Reach}) ||
		w.Covers(gate.Finding{Intent: "silver", Characteristic: gate.Disjoint}) {
		t.Error("it covers something else")
	}
}

func FuzzParse(f *testing.F) {
	f.Add(Format(signed(f, good(), key(f, 1))))
	f.Add([]byte("kind: Waiver"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		all, _ := Parse("w.yaml", data)
		for _, s := range all {
			_ = s.Verify(nil, noon)
		}
	})
}
