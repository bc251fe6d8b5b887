package helper

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// datagram is one over IPv6 whose checksum comes out as 0, with none written.
func datagram() []byte {
	p := make([]byte, ipv6Header+udpHeader+2)
	p[0], p[6] = 6<<4, udp
	binary.BigEndian.PutUint16(p[4:], udpHeader+2)
	binary.BigEndian.PutUint16(p[44:], udpHeader+2)
	binary.BigEndian.PutUint16(p[48:], ^uint16(2*(udpHeader+2)+udp))
	return p
}

func TestMend(t *testing.T) {
	p := datagram()
	if mend(p); p[sumAt] != 0xff || p[sumAt+1] != 0xff {
		t.Errorf("checksum %x, want ffff", p[sumAt:sumAt+2])
	}
	// No sum is wanted, it is not 0, or this is no such datagram.
	for what, change := range map[string]func(p []byte){
		"payload": func(p []byte) { p[49]++ },
		"sum":     func(p []byte) { p[sumAt+1] = 1 },
		"length":  func(p []byte) { p[5]-- },
		"TCP":     func(p []byte) { p[6] = 6 },
		"IPv4":    func(p []byte) { p[0] = 4 << 4 },
	} {
		p := datagram()
		change(p)
		want := bytes.Clone(p)
		if mend(p); !bytes.Equal(p, want) {
			t.Errorf("%s: %x became %x", what, want, p)
		}
	}
}

// FuzzMend changes nothing but an absent sum into the one that fits.
func FuzzMend(f *testing.F) {
	f.Add(datagram())
	f.Add(append(datagram(), 0))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, p []byte) {
		before := bytes.Clone(p)
		mend(p)
		if bytes.Equal(p, before) {
			return
		}
		if !bytes.Equal(p[sumAt:sumAt+2], []byte{0xff, 0xff}) {
			t.Errorf("sum became %x", p[sumAt:sumAt+2])
		}
		p[sumAt], p[sumAt+1] = 0, 0
		if !bytes.Equal(p, before) {
			t.Errorf("%x became %x", before, p)
		}
	})
}
