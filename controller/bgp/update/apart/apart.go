// Package apart divides UPDATE messages for tests, which check what was written
// without the code that reads it in earnest. Malformed ones fail the test.
package apart

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"strings"
)

// T is what is needed of a testing.TB or a rapid.T.
type T interface {
	Helper()
	Fatalf(format string, args ...any)
}

// Message is an UPDATE (RFC 4271 section 4.3), divided.
type Message struct {
	Withdrawn, NLRI []byte
	// Order are the types of the path attributes, as they came.
	Order []uint8

	flags  map[uint8]byte
	values map[uint8][]byte
}

// Attribute returns the value of a path attribute, and whether it is there.
func (m Message) Attribute(of uint8) ([]byte, bool) {
	v, ok := m.values[of]
	return v, ok
}

// Flags are those of a path attribute without that of its length.
func (m Message) Flags(of uint8) byte { return m.flags[of] &^ 0x10 }

// Update divides an UPDATE, with or without the header of the message.
func Update(t T, b []byte) Message {
	t.Helper()
	if bytes.HasPrefix(b, bytes.Repeat([]byte{0xff}, 16)) {
		b = b[19:]
	}
	m := Message{flags: map[uint8]byte{}, values: map[uint8][]byte{}}
	m.Withdrawn, b = take(t, b)
	attributes, nlri := take(t, b)
	m.NLRI = nlri
	for b = attributes; len(b) > 0; {
		if len(b) < 4 {
			t.Fatalf("ends within a path attribute: %x", b)
		}
		flags, of, header, size := b[0], b[1], 3, int(b[2])
		if flags&0x10 != 0 {
			header, size = 4, int(binary.BigEndian.Uint16(b[2:]))
		}
		if _, twice := m.values[of]; twice || len(b) < header+size {
			t.Fatalf("path attribute %d is there twice or overruns: %x", of, b)
		}
		m.Order, m.flags[of], m.values[of] = append(m.Order, of), flags, b[header:header+size]
		b = b[header+size:]
	}
	return m
}

// take takes off what stands behind its length of two octets.
func take(t T, b []byte) (field, rest []byte) {
	t.Helper()
	if len(b) < 2 || len(b) < 2+int(binary.BigEndian.Uint16(b)) {
		t.Fatalf("ends within a field: %x", b)
	}
	end := 2 + int(binary.BigEndian.Uint16(b))
	return b[2:end], b[end:]
}

// Hex reads octets in hexadecimal, spaced as one likes.
func Hex(t T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return b
}
