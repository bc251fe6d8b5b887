package rpc

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// Secret is a string that shows itself only to Reveal: not to fmt, JSON or
// slog, not even as a field that they reach by reflection.
type Secret struct{ s *string }

// NewSecret hides s.
func NewSecret(s string) Secret { return Secret{&s} }

// Reveal returns the string.
func (s Secret) Reveal() string {
	if s.s == nil {
		return ""
	}
	return *s.s
}

const redacted = "redacted"

// Format implements fmt.Formatter, for every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText implements encoding.TextMarshaler.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue implements slog.LogValuer.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// Token lets one node enrol once. It also tells the agent whom to trust, so
// that it shows the token to nobody else.
type Token struct {
	ID     string            // public: names the token in logs
	Secret Secret            // 32 random bytes, base64url
	CA     [sha256.Size]byte // SHA-256 of the authority's certificate, DER
}

const (
	tokenVersion = "kr1"
	tokenIDLen   = 16 // hex digits
	sha256Len    = 43 // base64url digits of 32 bytes
)

// errToken says nothing of what it was given.
var errToken = errors.New("not an enrolment token: want kr1.ID.SECRET.CA, as `keiro token create` prints it")

// ParseToken reads what Reveal wrote.
func ParseToken(s string) (Token, error) {
	var t Token
	part := strings.Split(s, ".")
	if len(part) != 4 || part[0] != tokenVersion || len(part[1]) != tokenIDLen || len(part[2]) != sha256Len {
		return t, errToken
	}
	if id, err := hex.DecodeString(part[1]); err != nil || hex.EncodeToString(id) != part[1] {
		return t, errToken
	}
	if _, err := decode32(part[2]); err != nil {
		return t, errToken
	}
	ca, err := decode32(part[3])
	if err != nil {
		return t, errToken
	}
	return Token{ID: part[1], Secret: NewSecret(part[2]), CA: ca}, nil
}

func decode32(s string) (out [32]byte, err error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != len(out) || len(s) != sha256Len {
		return out, errToken
	}
	return [32]byte(b), nil
}

// NewToken makes a token of random bytes, which the caller brings.
func NewToken(id [8]byte, secret [32]byte, ca *x509.Certificate) Token {
	return Token{
		ID:     hex.EncodeToString(id[:]),
		Secret: NewSecret(base64.RawURLEncoding.EncodeToString(secret[:])),
		CA:     sha256.Sum256(ca.Raw),
	}
}

// IsZero reports that there is no token.
func (t Token) IsZero() bool { return t.ID == "" }

// Reveal returns the token as it is handed to the agent.
func (t Token) Reveal() string {
	return strings.Join([]string{tokenVersion, t.ID, t.Secret.Reveal(), base64.RawURLEncoding.EncodeToString(t.CA[:])}, ".")
}

// Format implements fmt.Formatter, for every verb.
func (t Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.redacted()) }

// MarshalText implements encoding.TextMarshaler.
func (t Token) MarshalText() ([]byte, error) { return []byte(t.redacted()), nil }

// LogValue implements slog.LogValuer.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.redacted()) }

func (t Token) redacted() string { return tokenVersion + "." + t.ID + "." + redacted }
