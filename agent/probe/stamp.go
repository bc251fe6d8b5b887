package probe

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"time"
)

// The Session-Sender test packet in authenticated mode, RFC 8762 section
// 4.2.2 with the SSID of RFC 8972 section 3: sequence number, 12 zero bytes,
// timestamp, error estimate, SSID, 68 zero bytes, HMAC.
const (
	stampSequence  = 0
	stampTime      = 16
	stampError     = 24
	stampSSID      = 26
	stampHMAC      = 96
	stampLen       = 112
	errorUnsynched = 0x0001 // RFC 4656 section 4.1.2: S=0, Z=0 (NTP format), multiplier 1
)

// stamp is what a test packet says.
type stamp struct {
	sequence uint32
	sent     ntp
	ssid     uint16
}

// ntp is a timestamp of RFC 5905 section 6, 2^-32 s since 1900 modulo 2^32 s.
type ntp uint64

func ntpOf(t time.Time) ntp {
	const from1900 = 2208988800
	seconds := uint64(t.Unix() + from1900)
	return ntp(seconds<<32 | uint64(t.Nanosecond())<<32/uint64(time.Second))
}

// sub is t-u, right across the end of an era.
func (t ntp) sub(u ntp) time.Duration {
	d := int64(t - u)
	return time.Duration(d>>32)*time.Second + time.Duration((d&(1<<32-1))*int64(time.Second)>>32)
}

// sealer makes test packets and knows its own again. Sender and receiver are
// one process, so the key never leaves it and is never the same twice.
type sealer struct {
	mac hash.Hash
	sum [sha256.Size]byte
}

func newSealer() *sealer {
	key := make([]byte, sha256.Size)
	rand.Read(key) // never fails: crypto/rand
	return &sealer{mac: hmac.New(sha256.New, key)}
}

// seal writes a test packet into the stampLen bytes of b.
func (s *sealer) seal(b []byte, st stamp) {
	clear(b[:stampHMAC])
	binary.BigEndian.PutUint32(b[stampSequence:], st.sequence)
	binary.BigEndian.PutUint64(b[stampTime:], uint64(st.sent))
	binary.BigEndian.PutUint16(b[stampError:], errorUnsynched)
	binary.BigEndian.PutUint16(b[stampSSID:], st.ssid)
	copy(b[stampHMAC:stampLen], s.tag(b))
}

// open reads a test packet that this sealer made; anything else is not ok.
func (s *sealer) open(b []byte) (st stamp, ok bool) {
	if len(b) != stampLen || !hmac.Equal(b[stampHMAC:], s.tag(b)) {
		return stamp{}, false
	}
	return stamp{
		sequence: binary.BigEndian.Uint32(b[stampSequence:]),
		sent:     ntp(binary.BigEndian.Uint64(b[stampTime:])),
		ssid:     binary.BigEndian.Uint16(b[stampSSID:]),
	}, true
}

// tag is HMAC-SHA-256 over all before it, truncated to 128 bits: RFC 8762
// section 4.4.
func (s *sealer) tag(b []byte) []byte {
	s.mac.Reset()
	s.mac.Write(b[:stampHMAC])
	return s.mac.Sum(s.sum[:0])[:stampLen-stampHMAC]
}
