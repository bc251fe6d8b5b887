package hybrid

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/keiro-net/keiro/keys/sign/composite"
)

// Sizes in bytes: Ed25519 and ML-DSA-65, one after the other.
const (
	PublicSize    = composite.PublicSize    // 1,984
	SignatureSize = composite.SignatureSize // 3,373
)

// Fingerprint names a hybrid public identity: SHA-256 over both halves. Another
// value in either half is another identity.
type Fingerprint [sha256.Size]byte

func (f Fingerprint) String() string { return hex.EncodeToString(f[:]) }

// Public is the public half of an agent's long-term identity.
type Public struct {
	keys  *composite.Public
	print Fingerprint
}

// ParsePublic reads what Bytes gives.
func ParsePublic(b []byte) (*Public, error) {
	keys, err := composite.ParsePublic(b)
	if err != nil {
		return nil, refuse(err)
	}
	return newPublic(keys), nil
}

func newPublic(keys *composite.Public) *Public {
	return &Public{keys: keys, print: Fingerprint(
		frame("fingerprint").add("ed25519", keys.Classic()).add("ml-dsa-65", keys.Quantum()).sum())}
}

// refuse puts an error of composite into our words.
func refuse(err error) error {
	if errors.Is(err, composite.ErrVersion) {
		return fmt.Errorf("%w of an identity (%w)", ErrVersion, err)
	}
	return fmt.Errorf("%w: identity (%w)", ErrMalformed, err)
}

// Bytes are the Ed25519 key (RFC 8032 section 5.1.5) and the ML-DSA-65 key
// (FIPS 204 algorithm 22).
func (p *Public) Bytes() []byte { return p.keys.Bytes() }

// Fingerprint of the identity.
func (p *Public) Fingerprint() Fingerprint { return p.print }

func (p *Public) String() string { return "identity " + p.print.String() }

// verify wants both signatures right.
func (p *Public) verify(purpose string, message, signature []byte) error {
	if len(signature) != SignatureSize {
		return ErrMalformed
	}
	if !p.keys.Verify(p.input(purpose, message), signature) {
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
	keys   *composite.Key
	public *Public
}

// Generate makes an identity from 64 bytes of rand.
func Generate(rand io.Reader) (*Identity, error) {
	keys, err := composite.Generate(rand)
	if err != nil {
		return nil, err
	}
	return newIdentity(keys), nil
}

func newIdentity(keys *composite.Key) *Identity {
	return &Identity{keys: keys, public: newPublic(keys.Public())}
}

// Public half.
func (i *Identity) Public() *Public { return i.public }

// Format prints the fingerprint, with any verb.
func (i *Identity) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, i.public.String()) }

func (i *Identity) sign(purpose string, message []byte) []byte {
	return i.keys.Sign(i.public.input(purpose, message))
}

// privateBlock is the type of an identity's PEM block (RFC 7468).
const privateBlock = "KEIRO HYBRID PRIVATE IDENTITY"

// MarshalPrivate gives the identity with its secrets, for a file that only the
// agent may read. The caller erases the bytes.
func (i *Identity) MarshalPrivate() []byte { return i.keys.MarshalPrivate(privateBlock) }

// ParsePrivate reads what MarshalPrivate gives and nothing else. The caller
// erases the bytes. No error quotes any of them.
func ParsePrivate(text []byte) (*Identity, error) {
	keys, err := composite.ParsePrivate(privateBlock, text)
	if err != nil {
		return nil, refuse(err)
	}
	return newIdentity(keys), nil
}

// equal compares in constant time, for MACs and the like.
func equal(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }

// wipe erases what is no longer needed.
func wipe(secrets ...[]byte) {
	for _, s := range secrets {
		clear(s)
	}
}
