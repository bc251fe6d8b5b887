// Package kem has the two hybrid key encapsulations that a pair of agents can
// use: each is safe while X25519 or ML-KEM is. Primitives are circl's and the
// standard library's. It is pure, randomness is an argument, and package
// hybrid, which calls it, authenticates what is encapsulated.
package kem

import (
	"crypto/ecdh"
	"crypto/sha3"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/cloudflare/circl/kem/mlkem/mlkem1024"
	"github.com/cloudflare/circl/kem/xwing"

	"github.com/keiro-net/keiro/keys/hybrid/vector"
)

// Suite is how the epoch's secret is encapsulated. It is configured at both
// ends and never negotiated.
type Suite uint8

// The suites. All else is the same in both: SHA-256, HKDF, Ed25519, ML-DSA-65.
const (
	XWing           Suite = 1 // X25519 and ML-KEM-768, draft-connolly-cfrg-xwing-kem
	X25519MLKEM1024 Suite = 2 // X25519 and ML-KEM-1024, combined by hashing everything
)

func (s Suite) String() string {
	switch s {
	case XWing:
		return "X-Wing"
	case X25519MLKEM1024:
		return "X25519-ML-KEM-1024"
	}
	return fmt.Sprintf("suite %d", uint8(s))
}

// MarshalText writes what String gives.
func (s Suite) MarshalText() ([]byte, error) {
	if _, err := s.Scheme(); err != nil {
		return nil, err
	}
	return []byte(s.String()), nil
}

// UnmarshalText reads what MarshalText writes, in any case of letters.
func (s *Suite) UnmarshalText(text []byte) error {
	for _, known := range []Suite{XWing, X25519MLKEM1024} {
		if strings.EqualFold(string(text), known.String()) {
			*s = known
			return nil
		}
	}
	return fmt.Errorf("%w: %.40q: want %s or %s", ErrSuite, text, XWing, X25519MLKEM1024)
}

// Errors, for errors.Is.
var (
	ErrSuite  = errors.New("kem: unknown suite")
	ErrRefuse = errors.New("kem: bad key or ciphertext") // FIPS 203 section 7, RFC 7748 section 6.1
)

// Opener decapsulates. A tampered ciphertext gives another secret, not an
// error (implicit rejection). It is a function so that nothing prints the
// private key in it; the caller erases the secret.
type Opener func(ciphertext []byte) (shared []byte, err error)

// Scheme is a key encapsulation mechanism; sizes in bytes.
type Scheme struct {
	KeySize, CiphertextSize int
	keySeed, sealSeed       int // how much randomness the functions take
	generate                func(seed []byte) (Opener, []byte, error)
	seal                    func(key, seed []byte) (shared, ciphertext []byte, err error)
}

// Scheme of the suite; ErrSuite where there is none.
func (s Suite) Scheme() (Scheme, error) {
	switch s {
	case XWing:
		return Scheme{xwing.PublicKeySize, xwing.CiphertextSize, xwing.SeedSize, xwing.EncapsulationSeedSize,
			generateXWing, sealXWing}, nil
	case X25519MLKEM1024:
		return Scheme{mlkem1024.PublicKeySize + x25519Size, mlkem1024.CiphertextSize + x25519Size,
			mlkem1024.KeySeedSize + x25519Size, mlkem1024.EncapsulationSeedSize + x25519Size,
			generate1024, seal1024}, nil
	}
	return Scheme{}, fmt.Errorf("%w: %v", ErrSuite, s)
}

// NewKey makes a key pair of a seed from rand, which it erases.
func (s Scheme) NewKey(rand io.Reader) (Opener, []byte, error) {
	seed := make([]byte, s.keySeed)
	defer wipe(seed)
	if _, err := io.ReadFull(rand, seed); err != nil {
		return nil, nil, fmt.Errorf("kem: no randomness: %w", err)
	}
	defer vector.Settle()
	return s.generate(seed)
}

// Encapsulate makes a shared secret of 32 bytes and its ciphertext for the key,
// of a seed from rand, which it erases. The caller erases the secret.
func (s Scheme) Encapsulate(rand io.Reader, key []byte) (shared, ciphertext []byte, err error) {
	if len(key) != s.KeySize {
		return nil, nil, fmt.Errorf("%w: encapsulation key of %d bytes, want %d", ErrRefuse, len(key), s.KeySize)
	}
	seed := make([]byte, s.sealSeed)
	defer wipe(seed)
	if _, err := io.ReadFull(rand, seed); err != nil {
		return nil, nil, fmt.Errorf("kem: no randomness: %w", err)
	}
	defer vector.Settle()
	return s.seal(key, seed)
}

func generateXWing(seed []byte) (Opener, []byte, error) {
	private, public := xwing.DeriveKeyPair(seed)
	key := make([]byte, xwing.PublicKeySize)
	public.Pack(key)
	open := func(ciphertext []byte) ([]byte, error) {
		if len(ciphertext) != xwing.CiphertextSize {
			return nil, ErrRefuse
		}
		shared := make([]byte, xwing.SharedKeySize)
		private.DecapsulateTo(shared, ciphertext)
		vector.Settle()
		return shared, nil
	}
	return open, key, nil
}

func sealXWing(key, seed []byte) (shared, ciphertext []byte, err error) {
	shared, ciphertext, err = xwing.Encapsulate(key, seed)
	if err != nil { // the check of FIPS 203 section 7.2
		return nil, nil, fmt.Errorf("%w: %w", ErrRefuse, err)
	}
	return shared, ciphertext, nil
}

const x25519Size = 32

// label1024 separates the combination from any other over the same keys.
const label1024 = "keiro key epochs v1 X25519-ML-KEM-1024"

// combine1024 is the universal combiner of draft-irtf-cfrg-hybrid-kems: a hash
// over both secrets, both ciphertexts, both public keys and a label. All but
// the label, which is last, have a fixed length.
func combine1024(quantum, classic, ciphertext, key []byte) []byte {
	h := sha3.New256()
	for _, part := range [][]byte{quantum, classic, ciphertext, key, []byte(label1024)} {
		h.Write(part)
	}
	return h.Sum(nil)
}

// generate1024 takes the seeds d and z of FIPS 203 and an X25519 private key.
func generate1024(seed []byte) (Opener, []byte, error) {
	public, private := mlkem1024.NewKeyFromSeed(seed[:mlkem1024.KeySeedSize])
	static, err := ecdh.X25519().NewPrivateKey(seed[mlkem1024.KeySeedSize:])
	if err != nil {
		return nil, nil, err
	}
	key := make([]byte, mlkem1024.PublicKeySize, mlkem1024.PublicKeySize+x25519Size)
	public.Pack(key)
	key = append(key, static.PublicKey().Bytes()...)
	open := func(ciphertext []byte) ([]byte, error) {
		if len(ciphertext) != mlkem1024.CiphertextSize+x25519Size {
			return nil, ErrRefuse
		}
		classic, err := agree(static, ciphertext[mlkem1024.CiphertextSize:])
		if err != nil {
			return nil, err
		}
		quantum := make([]byte, mlkem1024.SharedKeySize)
		private.DecapsulateTo(quantum, ciphertext[:mlkem1024.CiphertextSize])
		vector.Settle()
		defer wipe(quantum, classic)
		return combine1024(quantum, classic, ciphertext, key), nil
	}
	return open, key, nil
}

// seal1024 takes the message of FIPS 203 and an X25519 private key as seed.
func seal1024(key, seed []byte) (shared, ciphertext []byte, err error) {
	var public mlkem1024.PublicKey
	if err := public.Unpack(key[:mlkem1024.PublicKeySize]); err != nil { // FIPS 203 section 7.2
		return nil, nil, fmt.Errorf("%w: %w", ErrRefuse, err)
	}
	ephemeral, err := ecdh.X25519().NewPrivateKey(seed[mlkem1024.EncapsulationSeedSize:])
	if err != nil {
		return nil, nil, err
	}
	classic, err := agree(ephemeral, key[mlkem1024.PublicKeySize:])
	if err != nil {
		return nil, nil, err
	}
	quantum := make([]byte, mlkem1024.SharedKeySize)
	ciphertext = make([]byte, mlkem1024.CiphertextSize, mlkem1024.CiphertextSize+x25519Size)
	public.EncapsulateTo(ciphertext, quantum, seed[:mlkem1024.EncapsulationSeedSize])
	ciphertext = append(ciphertext, ephemeral.PublicKey().Bytes()...)
	defer wipe(quantum, classic)
	return combine1024(quantum, classic, ciphertext, key), ciphertext, nil
}

// agree is X25519 (RFC 7748); a point of low order is refused (section 6.1).
func agree(private *ecdh.PrivateKey, public []byte) ([]byte, error) {
	point, err := ecdh.X25519().NewPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefuse, err)
	}
	shared, err := private.ECDH(point)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefuse, err)
	}
	return shared, nil
}

func wipe(secrets ...[]byte) {
	for _, s := range secrets {
		clear(s)
	}
}
