package webhook

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/keiro-net/keiro/keys/sign"
)

// Scheme is how a webhook is signed: the word before the comma of a signature.
type Scheme string

// The schemes.
const (
	HMAC    Scheme = "v1"  // HMAC-SHA256, of Standard Webhooks
	Ed25519 Scheme = "v1a" // of Standard Webhooks
	Hybrid  Scheme = "v1h" // Ed25519 and ML-DSA-65 together, ours: keys/sign
)

// The prefixes of keys as text, of Standard Webhooks.
const (
	secretPrefix  = "whsec_" // base64 of 24 to 64 bytes
	privatePrefix = "whsk_"  // base64 of the seed and the public key, or of the seed alone
	publicPrefix  = "whpk_"  // base64 of the public key
)

const (
	minSecret = 24 // bytes, as the specification demands
	maxSecret = 64
	maxFile   = 64 << 10 // bytes of a file of keys
)

// hybridContext is what hybrid signatures are for: see keys/sign.
const hybridContext = "keiro webhook v1"

// Key signs webhooks. It prints as [redacted], everywhere.
type Key struct {
	verifier Verifier
	sign     func(content []byte) []byte // a function, so that nothing prints what it holds
	text     func() string
}

// Verifier checks what a Key signed.
type Verifier struct {
	Scheme Scheme
	// Name tells which key it is, without giving a secret away.
	Name   string
	verify func(content, signature []byte) bool
}

// Verifier of what the key signs.
func (k Key) Verifier() Verifier { return k.verifier }

// Scheme of the key.
func (k Key) Scheme() Scheme { return k.verifier.Scheme }

// Text is the key as it stands in a file: the secret itself.
func (k Key) Text() string { return k.text() }

// Generate makes a key of the scheme HMAC or Ed25519; package sign makes the others.
func Generate(scheme Scheme, random io.Reader) (Key, error) {
	seed := make([]byte, ed25519.SeedSize)
	defer clear(seed)
	if _, err := io.ReadFull(random, seed); err != nil {
		return Key{}, fmt.Errorf("make a webhook key: %w", err)
	}
	switch scheme {
	case HMAC:
		return ParseKey(secretPrefix + base64.StdEncoding.EncodeToString(seed))
	case Ed25519:
		return ParseKey(privatePrefix + base64.StdEncoding.EncodeToString(ed25519.NewKeyFromSeed(seed)))
	}
	return Key{}, fmt.Errorf("make a webhook key: of scheme %s there is none as one line of text", scheme)
}

// ParseKey reads one key that signs: whsec_ and base64 of 24 to 64 bytes, or
// whsk_ and base64 of 32 or 64. Errors do not repeat it.
func ParseKey(text string) (Key, error) {
	switch {
	case strings.HasPrefix(text, secretPrefix):
		secret, err := decode(text, secretPrefix)
		if err != nil {
			return Key{}, err
		}
		if len(secret) < minSecret || len(secret) > maxSecret {
			return Key{}, fmt.Errorf("bad webhook secret: want %d to %d bytes, not %d", minSecret, maxSecret, len(secret))
		}
		return hmacKey(secret), nil
	case strings.HasPrefix(text, privatePrefix):
		private, err := decode(text, privatePrefix)
		if err != nil {
			return Key{}, err
		}
		if len(private) != ed25519.SeedSize && len(private) != ed25519.PrivateKeySize {
			return Key{}, fmt.Errorf("bad webhook key: want %d or %d bytes after whsk_, not %d", ed25519.SeedSize, ed25519.PrivateKeySize, len(private))
		}
		key := ed25519.NewKeyFromSeed(private[:ed25519.SeedSize])
		if len(private) == ed25519.PrivateKeySize && !bytes.Equal(private, key) {
			return Key{}, errors.New("bad webhook key: what follows whsk_ is a private key and the public key of another")
		}
		return ed25519Key(key), nil
	case strings.HasPrefix(text, publicPrefix):
		return Key{}, errors.New("bad webhook key: whpk_ begins a public key, which signs nothing")
	}
	return Key{}, errors.New("bad webhook key: want whsec_ or whsk_ and base64")
}

func decode(text, prefix string) ([]byte, error) {
	key, err := base64.StdEncoding.Strict().DecodeString(text[len(prefix):])
	if err != nil {
		return nil, fmt.Errorf("bad webhook key: what follows %s is not base64", prefix)
	}
	return key, nil
}

func hmacKey(secret []byte) Key {
	mac := func(content []byte) []byte {
		h := hmac.New(sha256.New, secret)
		h.Write(content)
		return h.Sum(nil)
	}
	return Key{
		verifier: Verifier{HMAC, "a secret", func(content, signature []byte) bool { return hmac.Equal(signature, mac(content)) }},
		sign:     mac,
		text:     func() string { return secretPrefix + base64.StdEncoding.EncodeToString(secret) },
	}
}

func ed25519Key(private ed25519.PrivateKey) Key {
	return Key{
		verifier: ed25519Verifier(ed25519.PublicKey(private[ed25519.SeedSize:])),
		sign:     func(content []byte) []byte { return ed25519.Sign(private, content) },
		text:     func() string { return privatePrefix + base64.StdEncoding.EncodeToString(private) },
	}
}

func ed25519Verifier(public ed25519.PublicKey) Verifier {
	return Verifier{Ed25519, publicPrefix + base64.StdEncoding.EncodeToString(public),
		func(content, signature []byte) bool { return ed25519.Verify(public, content, signature) }}
}

// HybridKey signs with a key of package sign.
func HybridKey(key *sign.Key) Key {
	return Key{
		verifier: hybridVerifier(key.Public()),
		sign:     func(content []byte) []byte { return key.Sign(hybridContext, content) },
		text:     func() string { return string(key.MarshalPrivate()) },
	}
}

func hybridVerifier(public *sign.Public) Verifier {
	return Verifier{Hybrid, public.Fingerprint().String(),
		func(content, signature []byte) bool {
			return sign.Verify(public, hybridContext, content, signature) == nil
		}}
}

// ParseVerifier reads one key that verifies: whpk_ and base64 of 32 bytes, or
// what ParseKey reads.
func ParseVerifier(text string) (Verifier, error) {
	if !strings.HasPrefix(text, publicPrefix) {
		key, err := ParseKey(text)
		return key.verifier, err
	}
	public, err := decode(text, publicPrefix)
	if err != nil {
		return Verifier{}, err
	}
	if len(public) != ed25519.PublicKeySize {
		return Verifier{}, fmt.Errorf("bad webhook key: want %d bytes after whpk_, not %d", ed25519.PublicKeySize, len(public))
	}
	return ed25519Verifier(public), nil
}

// ReadKeys reads a file of keys that sign: one whsec_ or whsk_ a line, or a
// private key of `keiro key create`. All of them sign, so that a receiver can
// be moved from one to the next without a gap.
func ReadKeys(file string) ([]Key, error) {
	return readFile(file, ParseKeys)
}

// ParseKeys reads what a file of keys that sign holds.
func ParseKeys(text []byte) ([]Key, error) {
	if isPEM(text) {
		key, err := sign.ParsePrivate(text)
		if err != nil {
			return nil, err
		}
		return []Key{HybridKey(key)}, nil
	}
	return lines(text, ParseKey)
}

// ParseVerifiers reads a file of keys that verify: one whsec_, whpk_ or whsk_ a
// line, or public keys of `keiro key show`, or a private key of `keiro key create`.
func ParseVerifiers(text []byte) (all []Verifier, err error) {
	if !isPEM(text) {
		return lines(text, ParseVerifier)
	}
	if key, err := sign.ParsePrivate(text); err == nil {
		return []Verifier{hybridVerifier(key.Public())}, nil
	}
	keys, err := sign.ParsePublics(text)
	for _, key := range keys {
		all = append(all, hybridVerifier(key))
	}
	return all, err
}

func isPEM(text []byte) bool { return bytes.Contains(text, []byte("-----BEGIN ")) }

func readFile[T any](file string, parse func([]byte) ([]T, error)) ([]T, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read webhook keys: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	defer clear(text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read webhook keys: %w", err)
	case len(text) > maxFile:
		return nil, fmt.Errorf("%s: not a file of webhook keys: it is longer than %d bytes", file, maxFile)
	}
	keys, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return keys, nil
}

// lines reads one key a line; empty ones and comments do not count.
func lines[T any](text []byte, parse func(string) (T, error)) ([]T, error) {
	var keys []T
	for n, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, err := parse(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n+1, err)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.New("no webhook key in it")
	}
	return keys, nil
}

const redacted = "[redacted]"

// Format keeps the key out of every fmt verb.
func (Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText keeps the key out of JSON.
func (Key) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue keeps the key out of logs.
func (Key) LogValue() slog.Value { return slog.StringValue(redacted) }
