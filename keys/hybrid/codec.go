package hybrid

import (
	"encoding/binary"
	"fmt"

	"github.com/keiro-net/keiro/keys/hybrid/kem"
)

// version of the wire format. Another is refused: there is nothing to
// negotiate and so nothing to downgrade.
const version = 1

// MaxMessage is the length in bytes that no message passes: an Init of MaxLanes
// with the longest names.
const MaxMessage = 40 << 10

// Encode gives the bytes of a message that this package made or decoded.
func Encode(m Message) []byte {
	h := m.Head()
	w := append([]byte{version, byte(m.Kind())}, h.ID[:]...)
	w = binary.BigEndian.AppendUint64(w, h.Epoch)
	switch m := m.(type) {
	case *Init:
		w = append(w, byte(m.Suite))
		w = appendEnd(appendEnd(w, m.From), m.To)
		w = append(append(w, m.Nonce[:]...), m.Key...) // the suite tells the key's length
		w = binary.BigEndian.AppendUint16(w, uint16(len(m.Lanes)))
		for _, l := range m.Lanes {
			w = binary.BigEndian.AppendUint32(appendText(w, l.Intent), l.Index)
			w = appendText(w, l.KeyID)
		}
	case *Reply:
		w = append(w, m.Nonce[:]...)
		w = append(binary.BigEndian.AppendUint16(w, uint16(len(m.Ciphertext))), m.Ciphertext...)
		w = append(append(w, m.Signature...), m.MAC[:]...)
	case *Confirm:
		w = binary.BigEndian.AppendUint16(w, uint16(len(m.Checks)))
		for _, c := range m.Checks {
			w = append(w, c[:]...)
		}
		w = append(append(w, m.Signature...), m.MAC[:]...)
	case *Commit:
		w = binary.BigEndian.AppendUint16(w, uint16(len(m.Taken)))
		w = append(append(w, packBits(m.Taken)...), m.MAC[:]...)
	case *Nudge:
		w = append(appendEnd(appendEnd(w, m.From), m.To), m.Signature...)
	}
	return w
}

func appendText(w []byte, s string) []byte { return append(append(w, byte(len(s))), s...) }

func appendEnd(w []byte, e End) []byte { return append(appendText(w, e.Node), e.Identity[:]...) }

// packBits puts the first bit highest and fills the last byte with zeros.
func packBits(bits []bool) []byte {
	b := make([]byte, (len(bits)+7)/8)
	for i, bit := range bits {
		if bit {
			b[i/8] |= 0x80 >> (i % 8)
		}
	}
	return b
}

// Peek reads what a message says it is. Nothing is known yet of the rest.
func Peek(b []byte) (Kind, Header, error) {
	r := &reader{b: b}
	if v := r.take(1); v != nil && v[0] != version {
		return 0, Header{}, fmt.Errorf("%w %d", ErrVersion, v[0])
	}
	kind := Kind(r.u8())
	h := Header{ID: ID(r.array16()), Epoch: r.u64()}
	r.check(KindInit <= kind && kind <= KindNudge)
	r.check(h.Epoch <= MaxEpoch && (h.Epoch > 0 || kind == KindNudge))
	if r.bad || len(b) > MaxMessage {
		return 0, Header{}, fmt.Errorf("%w of kind %d, %d bytes", ErrMalformed, kind, len(b))
	}
	return kind, h, nil
}

const headerSize = 1 + 1 + 16 + 8

// Decode reads a message and refuses what Encode would not write: every byte
// counts, and of two encodings one at most is a message.
func Decode(b []byte) (Message, error) {
	kind, h, err := Peek(b)
	if err != nil {
		return nil, err
	}
	r := &reader{b: b[headerSize:]}
	var m Message
	switch kind {
	case KindInit:
		m = r.init(h)
	case KindReply:
		m = &Reply{Header: h, Nonce: r.array32(), Ciphertext: r.sized(maxKEMBytes), Signature: r.take(SignatureSize), MAC: r.array32()}
	case KindConfirm:
		m = &Confirm{Header: h, Checks: r.checks(), Signature: r.take(SignatureSize), MAC: r.array32()}
	case KindCommit:
		m = &Commit{Header: h, Taken: r.bits(), MAC: r.array32()}
	case KindNudge:
		m = &Nudge{Header: h, From: r.end(), To: r.end(), Signature: r.take(SignatureSize)}
	}
	if r.bad || len(r.b) > 0 {
		return nil, fmt.Errorf("%w of kind %d, %d bytes", ErrMalformed, kind, len(b))
	}
	return m, nil
}

// reader takes bytes off the front. After a shortage everything it gives is
// zero and bad stays set, so that callers ask once, at the end.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) check(ok bool) { r.bad = r.bad || !ok }

// take gives a copy, so that a message does not keep a datagram alive.
func (r *reader) take(n int) []byte {
	if r.bad || n > len(r.b) {
		r.bad = true
		return nil
	}
	b := append([]byte(nil), r.b[:n]...)
	r.b = r.b[n:]
	return b
}

func (r *reader) array16() (a [16]byte) { copy(a[:], r.take(16)); return a }
func (r *reader) array32() (a [32]byte) { copy(a[:], r.take(32)); return a }

func (r *reader) uint(n int) (v uint64) {
	for _, c := range r.take(n) {
		v = v<<8 | uint64(c)
	}
	return v
}

func (r *reader) u8() byte    { return byte(r.uint(1)) }
func (r *reader) u64() uint64 { return r.uint(8) }

func (r *reader) count(most int) int {
	n := int(r.uint(2))
	r.check(n <= most)
	return n
}

func (r *reader) sized(most int) []byte { return r.take(r.count(most)) }

// text reads what is at least `least` and at most `most` visible ASCII
// characters.
func (r *reader) text(least, most int) string {
	s := string(r.take(int(r.u8())))
	r.check(isText(s, least, most))
	return s
}

func isText(s string, least, most int) bool {
	for i := range len(s) {
		if s[i] < '!' || s[i] > '~' {
			return false
		}
	}
	return least <= len(s) && len(s) <= most
}

func (r *reader) end() End { return End{Node: r.text(1, MaxName), Identity: r.array32()} }

func (r *reader) init(h Header) *Init {
	m := &Init{Header: h, Suite: kem.Suite(r.u8())}
	s, err := m.Suite.Scheme()
	r.check(err == nil)
	m.From, m.To = r.end(), r.end()
	m.Nonce, m.Key = r.array32(), r.take(s.KeySize)
	for range r.count(MaxLanes) {
		if r.bad {
			break
		}
		m.Lanes = append(m.Lanes, Lane{r.text(1, MaxName), uint32(r.uint(4)), r.text(0, MaxKeyID)})
	}
	r.check(checkLanes(m.Lanes) == nil)
	return m
}

func (r *reader) checks() (c []Digest) {
	for range r.count(MaxLanes) {
		if r.bad {
			break
		}
		c = append(c, r.array32())
	}
	return c
}

func (r *reader) bits() []bool {
	n := r.count(MaxLanes)
	if r.bad {
		return nil
	}
	b := r.take((n + 7) / 8)
	if r.bad {
		return nil
	}
	bits := make([]bool, n)
	for i := range bits {
		bits[i] = b[i/8]&(0x80>>(i%8)) != 0
	}
	r.check(string(packBits(bits)) == string(b))
	return bits
}
