package message

import (
	"encoding/binary"
	"fmt"
)

// Type is the type of a message.
type Type uint8

// The types of RFC 4271 section 4.1 and RFC 2918.
const (
	OpenType         Type = 1
	UpdateType       Type = 2
	NotificationType Type = 3
	KeepaliveType    Type = 4
	RouteRefreshType Type = 5
)

func (t Type) String() string {
	switch t {
	case OpenType:
		return "OPEN"
	case UpdateType:
		return "UPDATE"
	case NotificationType:
		return "NOTIFICATION"
	case KeepaliveType:
		return "KEEPALIVE"
	case RouteRefreshType:
		return "ROUTE-REFRESH"
	}
	return fmt.Sprintf("message of type %d", uint8(t))
}

// Sizes of a message in octets, its header included.
const (
	HeaderLen   = 19
	MaxLen      = 4096  // RFC 4271 section 4.1
	MaxExtended = 65535 // RFC 8654, where both sides have said so
)

const markerLen = 16

// minLen is the shortest message of each type, RFC 4271 section 6.1.
var minLen = map[Type]int{OpenType: 29, UpdateType: 23, NotificationType: 21, KeepaliveType: HeaderLen, RouteRefreshType: 23}

// Header is what a message begins with.
type Header struct {
	Type Type
	Len  int // octets, the header included
}

// ParseHeader reads the first HeaderLen octets of a message; the error is a
// *Notification. Messages longer than MaxLen are taken only where extended is
// set, and OPEN and KEEPALIVE never (RFC 8654 section 4).
func ParseHeader(b []byte, extended bool) (Header, error) {
	if len(b) < HeaderLen {
		return Header{}, notify(MessageHeaderError, BadMessageLength, nil)
	}
	for _, octet := range b[:markerLen] {
		if octet != 0xff {
			return Header{}, notify(MessageHeaderError, ConnectionNotSynchronized, nil)
		}
	}
	h := Header{Type: Type(b[18]), Len: int(binary.BigEndian.Uint16(b[16:]))}
	shortest, known := minLen[h.Type]
	if !known {
		return h, notify(MessageHeaderError, BadMessageType, b[18:19])
	}
	longest := MaxLen
	switch {
	case h.Type == KeepaliveType:
		longest = HeaderLen
	case extended && h.Type != OpenType:
		longest = MaxExtended
	}
	// A ROUTE-REFRESH of a wrong length is an error of its own (RFC 7313
	// section 5), which not every speaker knows; this one all do.
	if h.Len < shortest || h.Len > longest {
		return h, notify(MessageHeaderError, BadMessageLength, b[16:18])
	}
	return h, nil
}

// frame appends a message whose body is appended by body.
func frame(b []byte, t Type, body func([]byte) []byte) []byte {
	start := len(b)
	for range markerLen {
		b = append(b, 0xff)
	}
	b = append(b, 0, 0, byte(t))
	if body != nil {
		b = body(b)
	}
	binary.BigEndian.PutUint16(b[start+markerLen:], uint16(len(b)-start))
	return b
}

// AppendKeepalive appends a KEEPALIVE.
func AppendKeepalive(b []byte) []byte { return frame(b, KeepaliveType, nil) }

// AppendRouteRefresh appends a ROUTE-REFRESH that asks for all routes of a
// family (RFC 2918 section 3).
func AppendRouteRefresh(b []byte, f Family) []byte {
	return frame(b, RouteRefreshType, func(b []byte) []byte {
		b = binary.BigEndian.AppendUint16(b, f.AFI)
		return append(b, 0, f.SAFI)
	})
}

// RouteRefresh is a ROUTE-REFRESH message.
type RouteRefresh struct {
	Family Family
	// Subtype is 0 for a request; others are of RFC 7313, which is not spoken.
	Subtype uint8
}

// ParseRouteRefresh reads the body of a ROUTE-REFRESH, which may carry what
// outbound route filtering adds to it (RFC 5291); that is not read.
func ParseRouteRefresh(body []byte) (RouteRefresh, error) {
	if len(body) < 4 {
		return RouteRefresh{}, notify(MessageHeaderError, BadMessageLength, nil)
	}
	return RouteRefresh{Family: Family{binary.BigEndian.Uint16(body), body[3]}, Subtype: body[2]}, nil
}

// reader takes octets from the front of a message. After a read beyond the end
// it is short, and all it returns is zero.
type reader struct {
	b     []byte
	short bool
}

func (r *reader) take(n int) []byte {
	if r.short || n > len(r.b) {
		r.short = true
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) u8() uint8 {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) u16() uint16 {
	if b := r.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

// length takes a length of one octet or, extended, of two.
func (r *reader) length(extended bool) int {
	if extended {
		return int(r.u16())
	}
	return int(r.u8())
}
