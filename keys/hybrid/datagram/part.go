// Package datagram carries the messages of package hybrid over UDP: in parts
// that fit every link, put together within bounds, and only for a sender that
// has shown that it receives what is sent to its address. It is pure: time and
// the keys of the cookies are arguments, and it neither sends nor receives. The
// agent's shell that has the socket calls it.
package datagram

import (
	"fmt"

	"github.com/keiro-net/keiro/keys/hybrid"
)

// version of the header.
const version = 1

// The refusals of datagrams, with hybrid.ErrMalformed, hybrid.ErrVersion and
// hybrid.ErrExchange.
const (
	ErrCookie   hybrid.Refusal = "no valid cookie"
	ErrBusy     hybrid.Refusal = "too many messages in parts"
	ErrConflict hybrid.Refusal = "parts contradict each other"
)

// MaxDatagram is how many bytes of UDP payload we send at most: it fits every
// IPv6 link (RFC 8200 section 5) with room for a tunnel's header.
const MaxDatagram = 1200

// A datagram is a header and a part of a message, or, of kind kindCookie, a
// header alone: the answer to a datagram whose cookie was not good.
//
//	version 1 | kind 1 | exchange 16 | cookie 16 | index 1 | parts 1 | bytes of the message
const (
	datagramHeader = 1 + 1 + 16 + 16 + 1 + 1
	partSize       = MaxDatagram - datagramHeader
	maxParts       = (hybrid.MaxMessage + partSize - 1) / partSize

	kindCookie hybrid.Kind = 0x40
)

type part struct {
	kind         hybrid.Kind
	id           hybrid.ID
	cookie       Cookie
	index, parts uint8
	payload      []byte
}

func (p *part) append(w []byte) []byte {
	w = append(w, version, byte(p.kind))
	w = append(append(w, p.id[:]...), p.cookie[:]...)
	return append(append(w, p.index, p.parts), p.payload...)
}

// parsePart refuses all that Split and challenge do not write. The payload is
// part of b.
func parsePart(b []byte) (p part, err error) {
	if len(b) > 0 && b[0] != version {
		return part{}, fmt.Errorf("%w %d", hybrid.ErrVersion, b[0])
	}
	if len(b) < datagramHeader || len(b) > MaxDatagram {
		return part{}, fmt.Errorf("%w: datagram of %d bytes", hybrid.ErrMalformed, len(b))
	}
	p.kind, p.id, p.cookie = hybrid.Kind(b[1]), hybrid.ID(b[2:18]), Cookie(b[18:34])
	p.index, p.parts, p.payload = b[34], b[35], b[datagramHeader:]
	ok := false
	switch {
	case p.kind == kindCookie:
		ok = p.index == 0 && p.parts == 0 && len(p.payload) == 0 && p.cookie != Cookie{}
	case p.kind >= hybrid.KindInit && p.kind <= hybrid.KindNudge:
		// All parts but the last are full, so there is one way to cut.
		last := p.index+1 == p.parts
		ok = p.parts <= maxParts && p.index < p.parts && (len(p.payload) == partSize || last && len(p.payload) > 0)
	}
	if !ok {
		return part{}, fmt.Errorf("%w: datagram of kind %d, part %d of %d, %d bytes", hybrid.ErrMalformed, p.kind, p.index, p.parts, len(b))
	}
	return p, nil
}

// Split cuts an encoded message into datagrams. Without a cookie, which the
// zero value is, only the first of them is worth sending: the answer to it is a
// cookie.
func Split(message []byte, cookie Cookie) ([][]byte, error) {
	kind, h, err := hybrid.Peek(message)
	if err != nil {
		return nil, err
	}
	parts := (len(message) + partSize - 1) / partSize
	datagrams := make([][]byte, 0, parts)
	for i := range parts {
		p := part{kind: kind, id: h.ID, cookie: cookie, index: uint8(i), parts: uint8(parts)}
		p.payload = message[i*partSize : min((i+1)*partSize, len(message))]
		datagrams = append(datagrams, p.append(nil))
	}
	return datagrams, nil
}

// challenge answers a datagram with the cookie that it lacks. It is never
// longer than what it answers, and it is itself never answered.
func challenge(id hybrid.ID, c Cookie) []byte {
	return (&part{kind: kindCookie, id: id, cookie: c}).append(nil)
}
