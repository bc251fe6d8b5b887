// Package sign has the signing keys of people and controllers: an operator
// signs waivers with one, a controller its alerts. A signature is Ed25519 and
// ML-DSA-65 over the same bytes and holds only where both hold. The signed
// bytes name what the signature is for and by whom it is, so that it is worth
// nothing anywhere else:
//
//	keiro signature v1 LF context LF fingerprint in hex LF message
//
// and the fingerprint is SHA-256 over the public key, so that a signature can
// be verified with sha256sum and openssl (docs/alerts.md shows how).
//
// The package is pure: it reads no file and no randomness of its own, decides
// nothing about who is trusted, and knows no agent's identity (keys/hybrid).
// The controller, its gate and the command line call it.
package sign

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/keiro-net/keiro/keys/sign/composite"
)

// SignatureSize is the length of a signature in bytes: Ed25519's 64, then
// ML-DSA-65's 3,309.
const SignatureSize = composite.SignatureSize

// MaxContext is the length in bytes that no context passes.
const MaxContext = 64

// The refusals of Verify, and of the parsers.
var (
	ErrMalformed = errors.New("malformed")       // truncated, too long, or not the form that this package writes
	ErrVersion   = errors.New("unknown version") // of a key's text form
	ErrSignature = errors.New("wrong signature") // of another key, context or message; or forged
)

// Fingerprint names a public key: SHA-256 over its bytes. Another value in
// either half is another key.
type Fingerprint [sha256.Size]byte

// String is the fingerprint in hexadecimal digits.
func (f Fingerprint) String() string { return hex.EncodeToString(f[:]) }

// ParseFingerprint reads what String gives.
func ParseFingerprint(text string) (f Fingerprint, err error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(f) {
		return f, fmt.Errorf("%w fingerprint: want %d hexadecimal digits", ErrMalformed, 2*len(f))
	}
	return Fingerprint(b), nil
}

// Public is the key that verifies.
type Public struct {
	keys  *composite.Public
	print Fingerprint
}

func newPublic(keys *composite.Public) *Public {
	return &Public{keys: keys, print: sha256.Sum256(keys.Bytes())}
}

// Fingerprint of the key.
func (p *Public) Fingerprint() Fingerprint { return p.print }

func (p *Public) String() string { return "key " + p.print.String() }

// Bytes are the Ed25519 key (32 bytes) and the ML-DSA-65 key (1,952).
func (p *Public) Bytes() []byte { return p.keys.Bytes() }

// Key is the key that signs. It prints as its fingerprint.
type Key struct {
	keys   *composite.Key
	public *Public
}

// Generate makes a key from 64 bytes of rand.
func Generate(rand io.Reader) (*Key, error) {
	keys, err := composite.Generate(rand)
	if err != nil {
		return nil, err
	}
	return newKey(keys), nil
}

func newKey(keys *composite.Key) *Key { return &Key{keys: keys, public: newPublic(keys.Public())} }

// Public half.
func (k *Key) Public() *Public { return k.public }

// Format prints the fingerprint, with any verb.
func (k *Key) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, k.public.String()) }

// Sign signs message for what context names, a constant of the caller such as
// "keiro waiver v1": no signature for one holds for another. A bad context
// (see CheckContext) is a mistake in the program and panics. The same message
// gets the same signature.
func (k *Key) Sign(context string, message []byte) []byte {
	if err := CheckContext(context); err != nil {
		panic(err)
	}
	return k.keys.Sign(k.public.input(context, message))
}

// Verify wants signature to be public's over message, for what context names.
func Verify(public *Public, context string, message, signature []byte) error {
	if err := CheckContext(context); err != nil {
		return err
	}
	if len(signature) != SignatureSize {
		return fmt.Errorf("%w signature of %d bytes, want %d", ErrMalformed, len(signature), SignatureSize)
	}
	if !public.keys.Verify(public.input(context, message), signature) {
		return ErrSignature
	}
	return nil
}

// input is what both halves sign. The fingerprint ties each to the other: a
// signature by one half is worth nothing beside another second half. A context
// has no line feed and a fingerprint one length, so no two triples are the same bytes.
func (p *Public) input(context string, message []byte) []byte {
	return fmt.Appendf(nil, "keiro signature v1\n%s\n%s\n%s", context, p.print, message)
}

// CheckContext wants 1 to MaxContext printable characters of ASCII.
func CheckContext(context string) error {
	if len(context) == 0 || len(context) > MaxContext {
		return fmt.Errorf("%w context of %d bytes, want 1 to %d", ErrMalformed, len(context), MaxContext)
	}
	for i := range len(context) {
		if context[i] < ' ' || context[i] > '~' {
			return fmt.Errorf("%w context: byte %d is no printable character of ASCII", ErrMalformed, i)
		}
	}
	return nil
}
