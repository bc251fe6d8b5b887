package hybrid

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/keiro-net/keiro/keys/hybrid/kem"
	"github.com/keiro-net/keiro/keys/secret"
)

// TestTranscriptCoversInit changes every field of an Init: the hash differs
// each time. A field that is added to the message and not here is an error.
func TestTranscriptCoversInit(t *testing.T) {
	changes := map[string][]func(m *Init){
		"Header": {func(m *Init) { m.ID[0] ^= 1 }, func(m *Init) { m.Epoch++ }},
		"Suite":  {func(m *Init) { m.Suite = kem.X25519MLKEM1024 }},
		"From":   {func(m *Init) { m.From.Node += "x" }, func(m *Init) { m.From.Identity[0] ^= 1 }},
		"To":     {func(m *Init) { m.To.Node += "x" }, func(m *Init) { m.To.Identity[0] ^= 1 }},
		"Nonce":  {func(m *Init) { m.Nonce[31] ^= 1 }},
		"Key":    {func(m *Init) { m.Key[7] ^= 1 }},
		"Lanes": {
			func(m *Init) { m.Lanes = m.Lanes[:2] },
			func(m *Init) { m.Lanes[0].Intent += "x" },
			func(m *Init) { m.Lanes[0].Index++ },
			func(m *Init) { m.Lanes[1].KeyID += "x" },
			func(m *Init) { m.Lanes[0], m.Lanes[1] = m.Lanes[1], m.Lanes[0] },
		},
	}
	fields := reflect.TypeFor[Init]()
	if fields.NumField() != len(changes) || reflect.TypeFor[Header]().NumField() != 2 || reflect.TypeFor[Lane]().NumField() != 3 ||
		reflect.TypeFor[End]().NumField() != 2 {
		t.Error("a field has no change here")
	}
	sum := func(change func(m *Init)) Digest {
		w := newWorld(t)
		_, m := w.initiate()
		change(m)
		tr := frame("exchange")
		tr.addInit(m)
		return tr.sum()
	}
	seen := map[Digest]string{sum(func(*Init) {}): "none"}
	for field, list := range changes {
		if _, found := fields.FieldByName(field); !found {
			t.Errorf("no field %s", field)
		}
		for n, change := range list {
			d := sum(change)
			if other, twice := seen[d]; twice {
				t.Errorf("%s %d does not count (as %s)", field, n, other)
			}
			seen[d] = fmt.Sprint(field, n)
		}
	}
}

// TestFraming: moving a byte between neighbours, labels or values, is another
// transcript, and so is another kind.
func TestFraming(t *testing.T) {
	sums := map[Digest]int{}
	for n, tr := range []*transcript{
		frame("a"), frame("b"),
		frame("a").add("xy", []byte("z")), frame("a").add("x", []byte("yz")),
		frame("a").add("x", []byte("y")).add("z", nil), frame("a").add("x", nil).add("y", []byte("z")),
		frame("a").add("x", []byte("y")).add("", []byte("z")),
		frame("a").add("x", []byte("y")),
		frame("a").addUint("x", 'y'),
		// What would be the same without the length of a value, or of a label.
		frame("a").add("x", nil).add("y", nil), frame("a").add("x", []byte("\x00\x01y\x00\x00\x00\x00")),
		frame("a").add("x\x00\x00\x00\x00\x00\x00y", nil), frame("a").add("x\x00\x00\x00\x00\x00\x01y", nil),
	} {
		if other, twice := sums[tr.sum()]; twice {
			t.Errorf("%d is %d", n, other)
		}
		sums[tr.sum()] = n
	}
	a := frame("a")
	b := a.fork().add("x", nil)
	if a.sum() != frame("a").sum() || a.sum() == b.sum() {
		t.Error("a fork writes into its origin")
	}
}

// TestDerivation compares with values computed by another implementation
// (Python's hmac and hashlib, from docs/key-epochs.md).
func TestDerivation(t *testing.T) {
	fill := func(b byte) secret.Key {
		raw := make([]byte, secret.Size)
		for i := range raw {
			raw[i] = b
		}
		k, err := secret.New(raw)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	key, err := newEpochKey(append([]byte(nil), fill(5).Bytes()...), Digest(fill(2).Bytes()), 7, nil)
	if err != nil {
		t.Fatal(err)
	}
	plain, _, err := key.derive(Lane{"gold", 1, ""}, secret.Key{})
	if err != nil {
		t.Fatal(err)
	}
	mixed, check, err := key.derive(Lane{"gold", 1, "k-1"}, fill(3))
	if err != nil {
		t.Fatal(err)
	}
	m, err := key.mac(initiator, Digest(fill(4).Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, got, want string }{
		{"epoch key", hexOf(key.key.Bytes()), "a7fa076fe2d164c62d8cfd5ad9f41b15fbe76c2852c7621c859b8272da64c2c3"},
		{"lane", hexOf(plain.Bytes()), "0bb5e1abe98b42debe482ebe3d382f90e5e841ee14a2a9cba008a88f9bfcefd4"},
		{"lane with QKD", hexOf(mixed.Bytes()), "4c30982482937b2294f57dc0a9e31cda373d671d9b0897c4a0f4266d2c1f5468"},
		{"check", hexOf(check[:]), "1214a1e90fc26989927100dc7805ca409eefcce71be0add74906527702a19f1d"},
		{"MAC", hexOf(m[:]), "b5c06f4f413f1482172ee89b515545f6ace518878bcae0139d18ccb5fe646115"},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, c.got, c.want)
		}
	}
}

// TestEitherSecretCounts: with a QKD key the result changes with either secret
// alone, and with the QKD key's name, the lane and the epoch.
func TestEitherSecretCounts(t *testing.T) {
	derive := func(shared, qkd byte, l Lane, epoch uint64) [2]string {
		raw := make([]byte, 32)
		raw[0] = shared
		key, err := newEpochKey(raw, Digest{}, epoch, nil)
		if err != nil {
			t.Fatal(err)
		}
		if raw[0] != 0 {
			t.Error("the shared secret remains")
		}
		psk, check, err := key.derive(l, mustKey(t, qkd))
		if err != nil {
			t.Fatal(err)
		}
		return [2]string{hexOf(psk.Bytes()), hexOf(check[:])}
	}
	l := Lane{"gold", 1, "k"}
	seen := map[string]int{}
	for n, d := range [][2]string{
		derive(1, 1, l, 1), derive(2, 1, l, 1), derive(1, 2, l, 1), derive(1, 1, l, 2),
		derive(1, 1, Lane{"gold", 2, "k"}, 1), derive(1, 1, Lane{"golf", 1, "k"}, 1), derive(1, 1, Lane{"gold", 1, "l"}, 1),
	} {
		for _, s := range d {
			if other, twice := seen[s]; twice {
				t.Errorf("%d is %d", n, other)
			}
			seen[s] = n
		}
	}
}
