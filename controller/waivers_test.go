package controller

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/store"
	"github.com/keiro-net/keiro/controller/waiver"
	"github.com/keiro-net/keiro/keys/sign"
	"github.com/keiro-net/keiro/pathspec/gate"
)

func operator(t *testing.T, seed byte) *sign.Key {
	t.Helper()
	k, err := sign.Generate(rand.NewChaCha8([32]byte{seed}))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// A waiver lets through what it names and nothing else, across a restart, until
// it ends, is taken back, or its key is no operator's any more.
func TestWaiver(t *testing.T) {
	kept, clock := store.Memory(), &hand{}
	clock.set(0, 0)
	alice, mallory := operator(t, 1), operator(t, 2)
	file := filepath.Join(t.TempDir(), "operators")
	if err := os.WriteFile(file, append([]byte("# alice\n"), alice.Public().Marshal()...), 0o644); err != nil {
		t.Fatal(err)
	}
	trusted, err := ReadOperators(file)
	if err != nil {
		t.Fatal(err)
	}
	o := open(t, kept, clock)
	o.operators = trusted
	if _, err := o.apply(t, 0, ring, pair); err != nil {
		t.Fatal(err)
	}
	document := func(intent, what string, k *sign.Key) []byte {
		s, err := waiver.Sign(waiver.Waiver{Intent: intent, Characteristic: what, Reason: "splice", Issued: clock.read().Wall, Until: clock.read().Wall.Add(time.Hour)}, k)
		if err != nil {
			t.Fatal(err)
		}
		return waiver.Format(s)
	}
	drain := func(name string) error {
		_, err := o.Drain(t.Context(), resource.Drain{Kind: "link", Name: name})
		return err
	}
	_, err = o.Waive(t.Context(), document("gold", gate.Disjoint, mallory))
	refused(t, err, resource.Invalid, "none of the operators'")
	_, err = o.Waive(t.Context(), []byte(strings.Replace(string(document("gold", gate.Disjoint, alice)), "splice", "spice", 1)))
	refused(t, err, resource.Invalid, "altered")
	_, err = o.Waive(t.Context(), document("silver", gate.Disjoint, alice))
	refused(t, err, resource.NotFound, "no intent silver")
	_, err = o.Waive(t.Context(), []byte(pair))
	refused(t, err, resource.Invalid, "Waiver")
	if _, err := o.Waive(t.Context(), document("gold", gate.MaxDelay, alice)); err != nil {
		t.Fatal(err)
	}
	loses(t, "with a waiver of something else", drain("a--b"))
	if _, err := o.Waive(t.Context(), document("gold", gate.Disjoint, alice)); err != nil || !o.told("Waived") {
		t.Fatal(err)
	}
	if err := drain("a--b"); err != nil {
		t.Errorf("waived, and %v", err)
	}
	o.stop()

	o = open(t, kept, clock)
	if err := o.Undrain(t.Context(), "link", "a--b"); err != nil {
		t.Fatal(err)
	}
	loses(t, "where alice is no operator any more", drain("a--b"))
	o.operators = trusted
	if err := drain("a--b"); err != nil || len(o.Waivers()) != 2 {
		t.Errorf("after a restart: %v, %v", err, o.Waivers())
	}
	if err := o.Undrain(t.Context(), "link", "a--b"); err != nil {
		t.Fatal(err)
	}
	if err := o.Unwaive(t.Context(), "gold", gate.MaxDelay); err != nil || !o.told("WaiverDeleted") {
		t.Error(err)
	}
	refused(t, o.Unwaive(t.Context(), "gold", gate.MaxDelay), resource.NotFound, "no waiver")
	clock.set(time.Hour, time.Hour)
	loses(t, "over, and not yet cleared away", drain("a--b"))
	if _, err := o.look(t.Context()); err != nil || len(o.Waivers()) != 0 || !o.told("WaiverExpired") {
		t.Errorf("over: %v, %v", err, o.Waivers())
	}
}
