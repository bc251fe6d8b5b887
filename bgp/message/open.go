package message

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"time"
)

// asTrans stands in the two octets of an OPEN for an AS that needs four (RFC
// 6793 section 9).
const asTrans = 23456

// Codes of capabilities (IANA, Capability Codes).
const (
	capMultiprotocol   = 1
	capRouteRefresh    = 2
	capExtendedNextHop = 5
	capExtended        = 6
	capGracefulRestart = 64
	capFourOctetAS     = 65
)

// afiIPv6 is the address family of an IPv6 next hop.
const afiIPv6 = 2

// Open is an OPEN message.
type Open struct {
	AS       uint32 // from the capability where there is one
	HoldTime time.Duration
	ID       netip.Addr // BGP Identifier, an IPv4 address only in its form (RFC 6286)
	Capabilities
}

// Capabilities are what a speaker says that it can do (RFC 5492).
type Capabilities struct {
	// Families are those of the Multiprotocol Extensions (RFC 4760 section 8).
	Families     []Family
	RouteRefresh bool // RFC 2918
	Extended     bool // Extended Message, RFC 8654
	FourOctetAS  bool // RFC 6793
	// ExtendedNextHop are the families whose routes may have an IPv6 next hop though
	// their NLRIs are of IPv4 (RFC 8950).
	ExtendedNextHop []Family
	// GracefulRestart is nil where the capability was not sent (RFC 4724).
	GracefulRestart *GracefulRestart
	// Unknown are the codes of all others, in their order.
	Unknown []uint8
}

// GracefulRestart is the capability of RFC 4724 section 3.
type GracefulRestart struct {
	// Restarting is the R bit: the speaker has restarted, and does not wait for
	// an End-of-RIB of a peer that has too.
	Restarting bool
	// Notification is the N bit: forwarding outlives a NOTIFICATION (RFC 8538).
	Notification bool
	// Time is how long it takes the speaker at most to be back, whole seconds up
	// to 4095.
	Time     time.Duration
	Families []RestartFamily
}

// RestartFamily is a family whose forwarding state can be kept.
type RestartFamily struct {
	Family
	// Forwarding is the F bit: it has been kept over the restart.
	Forwarding bool
}

// Keeps reports whether the forwarding state of a family was kept, as of the
// capability; nil keeps none.
func (g *GracefulRestart) Keeps(f Family) bool {
	return g != nil && slices.Contains(g.Families, RestartFamily{f, true})
}

// Has reports whether the capability is about a family; nil is about none.
func (g *GracefulRestart) Has(f Family) bool {
	return g != nil && slices.ContainsFunc(g.Families, func(r RestartFamily) bool { return r.Family == f })
}

// AppendOpen appends an OPEN. Each capability goes into a parameter of its
// own; 25 families are the most that fit.
func AppendOpen(b []byte, o Open) []byte {
	return frame(b, OpenType, func(b []byte) []byte {
		as := o.AS
		if as > 0xffff {
			as = asTrans
		}
		b = append(b, 4)
		b = binary.BigEndian.AppendUint16(b, uint16(as))
		b = binary.BigEndian.AppendUint16(b, uint16(o.HoldTime/time.Second))
		id := o.ID.As4()
		b = append(b, id[:]...)
		b = append(b, 0)
		length := len(b) - 1
		one := func(code uint8, value ...byte) {
			b = append(b, 2, byte(2+len(value)), code, byte(len(value)))
			b = append(b, value...)
		}
		for _, f := range o.Families {
			one(capMultiprotocol, byte(f.AFI>>8), byte(f.AFI), 0, f.SAFI)
		}
		if o.RouteRefresh {
			one(capRouteRefresh)
		}
		if len(o.ExtendedNextHop) > 0 {
			var v []byte
			for _, f := range o.ExtendedNextHop {
				v = append(v, byte(f.AFI>>8), byte(f.AFI), 0, f.SAFI, 0, afiIPv6)
			}
			one(capExtendedNextHop, v...)
		}
		if o.Extended {
			one(capExtended)
		}
		if g := o.GracefulRestart; g != nil {
			one(capGracefulRestart, g.octets()...)
		}
		if o.FourOctetAS {
			one(capFourOctetAS, binary.BigEndian.AppendUint32(nil, o.AS)...)
		}
		b[length] = byte(len(b) - length - 1)
		return b
	})
}

func (g *GracefulRestart) octets() []byte {
	head := uint16(g.Time/time.Second) & 0xfff
	if g.Restarting {
		head |= 1 << 15
	}
	if g.Notification {
		head |= 1 << 14
	}
	b := binary.BigEndian.AppendUint16(nil, head)
	for _, f := range g.Families {
		b = append(b, f.octets()...)
		if f.Forwarding {
			b = append(b, 1<<7)
		} else {
			b = append(b, 0)
		}
	}
	return b
}

// ParseOpen reads the body of an OPEN; the error is a *Notification. Whether
// AS, identifier and families are those that were agreed on is for the caller
// to say.
func ParseOpen(body []byte) (Open, error) {
	r := reader{b: body}
	version := r.u8()
	o := Open{AS: uint32(r.u16()), HoldTime: time.Duration(r.u16()) * time.Second}
	id := r.take(4)
	length := int(r.u8())
	if r.short {
		return o, notify(MessageHeaderError, BadMessageLength, nil)
	}
	if version != 4 {
		return o, notify(OpenError, UnsupportedVersion, []byte{0, 4})
	}
	o.ID = netip.AddrFrom4([4]byte(id))
	// RFC 9072: a parameter of type 255 says that lengths have two octets.
	extended := length != 0 && len(r.b) > 0 && r.b[0] == 255
	if extended {
		r.u8()
		length = int(r.u16())
	}
	params := reader{b: r.take(length)}
	if r.short || len(r.b) > 0 {
		return o, notify(OpenError, unspecificSubcode, nil)
	}
	for len(params.b) > 0 {
		t := params.u8()
		value := params.take(params.length(extended))
		if params.short {
			return o, notify(OpenError, unspecificSubcode, nil)
		}
		if t != 2 {
			return o, notify(OpenError, UnsupportedOptionalParam, []byte{t})
		}
		if !o.capabilities(value) {
			return o, notify(OpenError, unspecificSubcode, nil)
		}
	}
	if o.ID == netip.IPv4Unspecified() {
		return o, notify(OpenError, BadBGPIdentifier, nil)
	}
	if o.AS == 0 { // RFC 7607
		return o, notify(OpenError, BadPeerAS, nil)
	}
	return o, nil
}

// capabilities reads one parameter. One that is of a wrong length is none: the
// capability counts as not sent, as RFC 5492 leaves it to the receiver.
func (o *Open) capabilities(b []byte) (wellFormed bool) {
	r := reader{b: b}
	for len(r.b) > 0 {
		code, n := r.u8(), int(r.u8())
		value := r.take(n)
		if r.short {
			return false
		}
		switch {
		case code == capMultiprotocol && n == 4:
			if f := (Family{binary.BigEndian.Uint16(value), value[3]}); !slices.Contains(o.Families, f) {
				o.Families = append(o.Families, f)
			}
		case code == capRouteRefresh && n == 0:
			o.RouteRefresh = true
		case code == capExtendedNextHop && n%6 == 0:
			for v := range slices.Chunk(value, 6) {
				f := Family{binary.BigEndian.Uint16(v), v[3]}
				if v[2] == 0 && binary.BigEndian.Uint16(v[4:]) == afiIPv6 && !slices.Contains(o.ExtendedNextHop, f) {
					o.ExtendedNextHop = append(o.ExtendedNextHop, f)
				}
			}
		case code == capExtended && n == 0:
			o.Extended = true
		case code == capFourOctetAS && n == 4:
			o.FourOctetAS, o.AS = true, binary.BigEndian.Uint32(value)
		case code == capGracefulRestart && n >= 2 && (n-2)%4 == 0:
			o.GracefulRestart = parseGracefulRestart(value) // the last one counts
		default:
			if !slices.Contains(o.Unknown, code) {
				o.Unknown = append(o.Unknown, code)
			}
		}
	}
	return true
}

func parseGracefulRestart(value []byte) *GracefulRestart {
	head := binary.BigEndian.Uint16(value)
	g := &GracefulRestart{Restarting: head&(1<<15) != 0, Notification: head&(1<<14) != 0, Time: time.Duration(head&0xfff) * time.Second}
	for value = value[2:]; len(value) > 0; value = value[4:] {
		g.Families = append(g.Families, RestartFamily{Family{binary.BigEndian.Uint16(value), value[2]}, value[3]&(1<<7) != 0})
	}
	return g
}
