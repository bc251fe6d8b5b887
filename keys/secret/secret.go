// Package secret has the one type in which a secret travels through Keiro: 32
// bytes that print as [redacted] whatever prints them. It is pure, derives and
// encrypts nothing, and does no I/O. Every package that holds a secret calls it.
//
// Zero erases what is reachable. It cannot erase what the Go runtime copied
// before: a stack that grew, a register that was spilled.
package secret

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
)

// Size is the length of a secret in bytes.
const Size = 32

const redacted = "[redacted]"

// errSize does not say how many bytes came: they are a secret too.
var errSize = errors.New("secret: a key has 32 bytes")

// Key is a secret. Copies share the bytes, so Zero erases all of them. The zero
// value is no key.
//
// It holds a function, not the bytes: of a field that is not exported package
// fmt calls no method, and for a verb it does not know (%s of a pointer, say) it
// prints even what a pointer points at. Into a function nothing can look. It
// also makes == on keys an error of the compiler.
type Key struct{ cell func() *cell }

type cell struct {
	bytes [Size]byte
	full  bool // false once erased: 32 zero bytes must never pass for a key
}

func newKey(c *cell) Key { return Key{func() *cell { return c }} }

// New takes a copy of b, which must have Size bytes. The caller erases b.
func New(b []byte) (Key, error) {
	if len(b) != Size {
		return Key{}, errSize
	}
	c := &cell{full: true}
	copy(c.bytes[:], b)
	return newKey(c), nil
}

// Random reads a new key from rand.
func Random(rand io.Reader) (Key, error) {
	c := &cell{full: true}
	if _, err := io.ReadFull(rand, c.bytes[:]); err != nil {
		return Key{}, fmt.Errorf("secret: no randomness: %w", err)
	}
	return newKey(c), nil
}

// Present reports whether there is a key: neither the zero value nor erased.
func (k Key) Present() bool { return k.cell != nil && k.cell().full }

// Bytes are the secret itself, not a copy; nil where none is present.
func (k Key) Bytes() []byte {
	if !k.Present() {
		return nil
	}
	return k.cell().bytes[:]
}

// Zero erases the secret in all copies of k, and slices that Bytes returned.
func (k Key) Zero() {
	if k.cell != nil {
		*k.cell() = cell{}
	}
}

// Equal compares in constant time. What is not present equals nothing.
func (k Key) Equal(other Key) bool {
	return k.Present() && other.Present() && subtle.ConstantTimeCompare(k.Bytes(), other.Bytes()) == 1
}

// Format prints no secret, with any verb.
func (Key) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// MarshalText writes no secret; encoding/json, encoding/xml and log/slog use it.
func (Key) MarshalText() ([]byte, error) { return []byte(redacted), nil }
