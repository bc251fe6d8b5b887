// Package composite is a pair of keys, Ed25519 (RFC 8032) and ML-DSA-65 (FIPS
// 204), that sign together: a signature holds only where both halves hold, so
// whoever breaks one of the two algorithms has won nothing. keys/hybrid makes
// the identities of agents of it and keys/sign the keys of people and
// controllers; each says what the signed bytes mean, so that neither's
// signature is ever the other's. The package is pure and implements no primitive.
package composite

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"

	"github.com/cloudflare/circl/sign/mldsa/mldsa65"

	"github.com/keiro-net/keiro/keys/hybrid/vector"
	"github.com/keiro-net/keiro/keys/secret"
)

// Sizes in bytes: RFC 8032 and FIPS 204 (ML-DSA-65), one after the other.
const (
	PublicSize    = ed25519.PublicKeySize + mldsa65.PublicKeySize // 1,984
	SignatureSize = ed25519.SignatureSize + mldsa65.SignatureSize // 3,373
)

// The errors of what is parsed.
var (
	ErrMalformed = errors.New("malformed") // not the very form that this package writes
	ErrVersion   = errors.New("unknown version")
)

// Public is the public half of a Key.
type Public struct {
	ml    mldsa65.PublicKey
	bytes [PublicSize]byte
}

// ParsePublic reads what Bytes gives.
func ParsePublic(b []byte) (*Public, error) {
	if len(b) != PublicSize {
		return nil, fmt.Errorf("%w: public key of %d bytes, want %d", ErrMalformed, len(b), PublicSize)
	}
	p := &Public{}
	copy(p.bytes[:], b)
	p.ml.Unpack((*[mldsa65.PublicKeySize]byte)(p.Quantum()))
	vector.Settle()
	return p, nil
}

// Bytes are the Ed25519 key (RFC 8032 section 5.1.5) and the ML-DSA-65 key
// (FIPS 204 algorithm 22).
func (p *Public) Bytes() []byte { return append([]byte(nil), p.bytes[:]...) }

// Classic is the Ed25519 key, not a copy.
func (p *Public) Classic() []byte { return p.bytes[:ed25519.PublicKeySize] }

// Quantum is the ML-DSA-65 key, not a copy.
func (p *Public) Quantum() []byte { return p.bytes[ed25519.PublicKeySize:] }

// Verify reports whether both halves of a signature are right. It computes both
// always: which one was wrong is nobody's business. The caller has seen to it
// that input names p, for a half alone must be worth nothing beside another.
func (p *Public) Verify(input, signature []byte) bool {
	if len(signature) != SignatureSize {
		return false
	}
	classic := ed25519.Verify(p.Classic(), input, signature[:ed25519.SignatureSize])
	quantum := mldsa65.Verify(&p.ml, input, nil, signature[ed25519.SignatureSize:])
	vector.Settle()
	return classic && quantum
}

// Key is a pair of private keys. It prints as [redacted].
type Key struct {
	public      *Public
	edSeed      secret.Key
	mlSeed      secret.Key
	signClassic func(input []byte) []byte // functions, so that nothing prints what they hold
	signQuantum func(input, signature []byte) error
}

// Generate makes a key from 64 bytes of rand.
func Generate(rand io.Reader) (*Key, error) {
	ed, err := secret.Random(rand)
	if err != nil {
		return nil, err
	}
	ml, err := secret.Random(rand)
	if err != nil {
		return nil, err
	}
	return fromSeeds(ed, ml), nil
}

// fromSeeds expands the seeds of RFC 8032 section 5.1.5 and of FIPS 204
// algorithm 6 and keeps them.
func fromSeeds(edSeed, mlSeed secret.Key) *Key {
	ed := ed25519.NewKeyFromSeed(edSeed.Bytes())
	mlPublic, ml := mldsa65.NewKeyFromSeed((*[mldsa65.SeedSize]byte)(mlSeed.Bytes()))
	public, err := ParsePublic(append(append([]byte(nil), ed[ed25519.SeedSize:]...), mlPublic.Bytes()...))
	if err != nil {
		panic(err) // the sizes are constants
	}
	return &Key{
		public: public, edSeed: edSeed, mlSeed: mlSeed,
		signClassic: func(input []byte) []byte { return ed25519.Sign(ed, input) },
		// Deterministic signing (FIPS 204 section 3.4): randomness comes in
		// as an argument only, and the same question gets the same answer.
		signQuantum: func(input, signature []byte) error { return mldsa65.SignTo(ml, input, nil, false, signature) },
	}
}

// Public half.
func (k *Key) Public() *Public { return k.public }

// Format prints no secret, with any verb.
func (*Key) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[redacted]") }

// Sign signs input with both keys: the same input gets the same SignatureSize bytes.
func (k *Key) Sign(input []byte) []byte {
	signature := make([]byte, SignatureSize)
	copy(signature, k.signClassic(input))
	err := k.signQuantum(input, signature[ed25519.SignatureSize:])
	vector.Settle()
	if err != nil {
		panic(err) // only a context of over 255 bytes is one; ours is empty
	}
	return signature
}
