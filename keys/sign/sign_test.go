package sign

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cloudflare/circl/sign/mldsa/mldsa65"

	"github.com/keiro-net/keiro/keys/sign/composite"
)

const purpose = "keiro test v1"

// mustKey makes the same key for the same n.
func mustKey(t testing.TB, n byte) *Key {
	t.Helper()
	k, err := Generate(bytes.NewReader(append(bytes.Repeat([]byte{n}, 32), bytes.Repeat([]byte{n + 100}, 32)...)))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSignatureNeedsBothHalves(t *testing.T) {
	a, b := mustKey(t, 1), mustKey(t, 2)
	message := []byte("message")
	good, other := a.Sign(purpose, message), b.Sign(purpose, message)
	if err := Verify(a.Public(), purpose, message, good); err != nil {
		t.Fatal(err)
	}
	join := func(classic, quantum []byte) []byte {
		return append(bytes.Clone(classic[:ed25519.SignatureSize]), quantum[ed25519.SignatureSize:]...)
	}
	flip := func(at int) []byte {
		s := bytes.Clone(good)
		s[at] ^= 1
		return s
	}
	for name, signature := range map[string][]byte{
		"Ed25519 forged": flip(3), "ML-DSA forged": flip(ed25519.SignatureSize + 3), "ML-DSA's last byte": flip(SignatureSize - 1),
		"Ed25519 of another": join(other, good), "ML-DSA of another": join(good, other), "both of another": other,
		"of another context": a.Sign("keiro test v2", message), "of another message": a.Sign(purpose, []byte("massage")),
		"zeros": make([]byte, SignatureSize),
	} {
		if err := Verify(a.Public(), purpose, message, signature); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, signature := range [][]byte{nil, good[:ed25519.SignatureSize], good[:SignatureSize-1], append(bytes.Clone(good), 0)} {
		if err := Verify(a.Public(), purpose, message, signature); !errors.Is(err, ErrMalformed) {
			t.Errorf("%d bytes: %v", len(signature), err)
		}
	}
	// Halves of two keys, joined into a third: what either half signed for its
	// own key is worth nothing there.
	mixed, err := composite.ParsePublic(join2(a.Public().Bytes(), b.Public().Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if err := Verify(newPublic(mixed), purpose, message, join(good, other)); !errors.Is(err, ErrSignature) {
		t.Errorf("joined halves: %v", err)
	}
}

func join2(classic, quantum []byte) []byte {
	return append(bytes.Clone(classic[:ed25519.PublicKeySize]), quantum[ed25519.PublicKeySize:]...)
}

// TestByHand verifies a signature with the libraries alone, as somebody would
// who does not trust this package: the signed bytes are those of the package's
// comment.
func TestByHand(t *testing.T) {
	k := mustKey(t, 7)
	public, signature := k.Public().Bytes(), k.Sign(purpose, []byte("a\nb"))
	signed := fmt.Sprintf("keiro signature v1\n%s\n%x\na\nb", purpose, sha256.Sum256(public))
	if !ed25519.Verify(public[:32], []byte(signed), signature[:64]) {
		t.Error("Ed25519 does not hold")
	}
	var ml mldsa65.PublicKey
	if err := ml.UnmarshalBinary(public[32:]); err != nil {
		t.Fatal(err)
	}
	if !mldsa65.Verify(&ml, []byte(signed), nil, signature[64:]) {
		t.Error("ML-DSA-65 does not hold")
	}
}

// TestBoundaries: what ends one field cannot begin the next.
func TestBoundaries(t *testing.T) {
	k := mustKey(t, 1)
	for _, context := range []string{"", "two\nlines", "tab\t", "ümlaut", strings.Repeat("x", MaxContext+1)} {
		if err := Verify(k.Public(), context, nil, make([]byte, SignatureSize)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %v", context, err)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q was signed for", context)
				}
			}()
			k.Sign(context, nil)
		}()
	}
	if signature := k.Sign(strings.Repeat("x", MaxContext), nil); len(signature) != SignatureSize {
		t.Error(len(signature))
	}
}

func TestGenerateWithoutRandomness(t *testing.T) {
	for n := range 64 {
		if _, err := Generate(bytes.NewReader(make([]byte, n))); err == nil {
			t.Errorf("a key from %d bytes", n)
		}
	}
}

// TestPrintsNoSecret: whatever prints a key prints its fingerprint.
func TestPrintsNoSecret(t *testing.T) {
	k := mustKey(t, 1)
	want := k.Public().String()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		if got := fmt.Sprintf(verb, k); got != want {
			t.Errorf("%s: %.80s", verb, got)
		}
		if got := fmt.Sprintf(verb, struct{ K *Key }{k}); strings.Contains(got, strings.Repeat("01", 8)) || strings.Contains(got, strings.Repeat("1, ", 8)) {
			t.Errorf("%s of a struct: %.80s", verb, got)
		}
	}
}
