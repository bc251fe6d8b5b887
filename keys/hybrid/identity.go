package hybrid

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
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

// Fingerprint names a hybrid public identity: SHA-256 over both halves. Another
// value in either half is another identity.
type Fingerprint [sha256.Size]byte

func (f Fingerprint) String() string { return hex.EncodeToString(f[:]) }

// Public is the public half of an agent's long-term identity.
type Public struct {
	ed    ed25519.PublicKey
	ml    mldsa65.PublicKey
	bytes [PublicSize]byte
	print Fingerprint
}

// ParsePublic reads what Bytes gives.
func ParsePublic(b []byte) (*Public, error) {
	if len(b) != PublicSize {
		return nil, fmt.Errorf("%w: public identity of %d bytes, want %d", ErrMalformed, len(b), PublicSize)
	}
	p := &Public{}
	copy(p.bytes[:], b)
	p.ed = p.bytes[:ed25519.PublicKeySize]
	p.ml.Unpack((*[mldsa65.PublicKeySize]byte)(p.bytes[ed25519.PublicKeySize:]))
	vector.Settle()
	p.print = Fingerprint(frame("fingerprint").add("ed25519", p.ed).add("ml-dsa-65", p.bytes[ed25519.PublicKeySize:]).sum())
	return p, nil
}

// Bytes are the Ed25519 key (RFC 8032 section 5.1.5) and the ML-DSA-65 key
// (FIPS 204 algorithm 22).
func (p *Public) Bytes() []byte { return append([]byte(nil), p.bytes[:]...) }

// Fingerprint of the identity.
func (p *Public) Fingerprint() Fingerprint { return p.print }

func (p *Public) String() string { return "identity " + p.print.String() }

// verify wants both signatures right. It computes both always: which one was
// wrong is nobody's business.
func (p *Public) verify(purpose string, message, signature []byte) error {
	if len(signature) != SignatureSize {
		return ErrMalformed
	}
	input := p.input(purpose, message)
	classic := ed25519.Verify(p.ed, input, signature[:ed25519.SignatureSize])
	quantum := mldsa65.Verify(&p.ml, input, nil, signature[ed25519.SignatureSize:])
	vector.Settle()
	if !classic || !quantum {
		return ErrSignature
	}
	return nil
}

// input is what both halves sign. The fingerprint ties each to the other: a
// signature by one half is worth nothing beside another second half.
func (p *Public) input(purpose string, message []byte) []byte {
	sum := frame("signature").add("purpose", []byte(purpose)).add("signer", p.print[:]).add("message", message).sum()
	return sum[:]
}

// Identity is an agent's long-term identity with its secrets. It prints as its
// fingerprint.
type Identity struct {
	public      *Public
	edSeed      secret.Key
	mlSeed      secret.Key
	signClassic func(input []byte) []byte // functions, so that nothing prints what they hold
	signQuantum func(input, signature []byte) error
}

// Generate makes an identity from 64 bytes of rand.
func Generate(rand io.Reader) (*Identity, error) {
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
func fromSeeds(edSeed, mlSeed secret.Key) *Identity {
	ed := ed25519.NewKeyFromSeed(edSeed.Bytes())
	mlPublic, ml := mldsa65.NewKeyFromSeed((*[mldsa65.SeedSize]byte)(mlSeed.Bytes()))
	public, err := ParsePublic(append(append([]byte(nil), ed[ed25519.SeedSize:]...), mlPublic.Bytes()...))
	if err != nil {
		panic(err) // the sizes are constants
	}
	return &Identity{
		public: public, edSeed: edSeed, mlSeed: mlSeed,
		signClassic: func(input []byte) []byte { return ed25519.Sign(ed, input) },
		// Deterministic signing (FIPS 204 section 3.4): randomness comes in
		// as an argument only, and the same question gets the same answer.
		signQuantum: func(input, signature []byte) error { return mldsa65.SignTo(ml, input, nil, false, signature) },
	}
}

// Public half.
func (i *Identity) Public() *Public { return i.public }

// Format prints the fingerprint, with any verb.
func (i *Identity) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, i.public.String()) }

func (i *Identity) sign(purpose string, message []byte) []byte {
	input := i.public.input(purpose, message)
	signature := make([]byte, SignatureSize)
	copy(signature, i.signClassic(input))
	err := i.signQuantum(input, signature[ed25519.SignatureSize:])
	vector.Settle()
	if err != nil {
		panic(err) // only a context of over 255 bytes is one; ours is empty
	}
	return signature
}

// equal compares in constant time, for MACs and the like.
func equal(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }

// wipe erases what is no longer needed.
func wipe(secrets ...[]byte) {
	for _, s := range secrets {
		clear(s)
	}
}
