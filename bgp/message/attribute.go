package message

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// AttributeType is the type code of a path attribute.
type AttributeType uint8

// Path attributes (IANA, BGP Path Attributes).
const (
	OriginType              AttributeType = 1
	ASPathType              AttributeType = 2
	NextHopType             AttributeType = 3
	MultiExitDiscType       AttributeType = 4
	LocalPrefType           AttributeType = 5
	AtomicAggregateType     AttributeType = 6
	AggregatorType          AttributeType = 7
	CommunitiesType         AttributeType = 8
	OriginatorIDType        AttributeType = 9
	ClusterListType         AttributeType = 10
	MPReachType             AttributeType = 14
	MPUnreachType           AttributeType = 15
	ExtendedCommunitiesType AttributeType = 16
	AS4PathType             AttributeType = 17
	AS4AggregatorType       AttributeType = 18
	TunnelEncapsulationType AttributeType = 23 // RFC 9012
	LinkStateType           AttributeType = 29 // RFC 9552
	LargeCommunitiesType    AttributeType = 32 // RFC 8092
	PrefixSIDType           AttributeType = 40 // RFC 8669
)

// Flags are the Attribute Flags (RFC 4271 section 4.3).
type Flags uint8

// The flags.
const (
	Optional       Flags = 1 << 7
	Transitive     Flags = 1 << 6
	Partial        Flags = 1 << 5
	ExtendedLength Flags = 1 << 4
)

// Attribute is one path attribute, its value as it is sent.
type Attribute struct {
	Flags Flags // ExtendedLength is of no account: it follows from the value
	Type  AttributeType
	Value []byte
}

// Append appends the attribute. The value must fit in 65,535 octets.
func (a Attribute) Append(b []byte) []byte {
	flags := a.Flags &^ ExtendedLength
	if len(a.Value) > 255 {
		b = append(b, byte(flags|ExtendedLength), byte(a.Type))
		b = binary.BigEndian.AppendUint16(b, uint16(len(a.Value)))
	} else {
		b = append(b, byte(flags), byte(a.Type), byte(len(a.Value)))
	}
	return append(b, a.Value...)
}

// Origin returns the ORIGIN of a route that this AS has made, IGP.
func Origin() Attribute { return Attribute{Transitive, OriginType, []byte{0}} }

// ASPath returns an AS_PATH of one sequence of four-octet AS numbers, at most
// 255, or of none.
func ASPath(sequence ...uint32) Attribute {
	a := Attribute{Flags: Transitive, Type: ASPathType}
	if len(sequence) > 0 {
		a.Value = []byte{2, byte(len(sequence))}
	}
	for _, as := range sequence {
		a.Value = binary.BigEndian.AppendUint32(a.Value, as)
	}
	return a
}

// LocalPref returns a LOCAL_PREF.
func LocalPref(preference uint32) Attribute {
	return Attribute{Transitive, LocalPrefType, binary.BigEndian.AppendUint32(nil, preference)}
}

// Action is what a speaker has to do about a fault, from mild to severe.
type Action uint8

// The actions of RFC 7606 section 2. Session reset is not among them: it is a
// *Notification.
const (
	// DiscardAttribute: the attribute counts as not sent.
	DiscardAttribute Action = iota + 1
	// TreatAsWithdraw: the routes of the UPDATE count as withdrawn.
	TreatAsWithdraw
	// DisableFamily: nothing of the family is to be believed until the session
	// is new. Where it has no other family, the session is reset.
	DisableFamily
)

func (a Action) String() string {
	switch a {
	case DiscardAttribute:
		return "attribute discard"
	case TreatAsWithdraw:
		return "treat-as-withdraw"
	case DisableFamily:
		return "AFI/SAFI disable"
	}
	return fmt.Sprintf("action %d", uint8(a))
}

// Fault is one thing that is wrong with an UPDATE, and that the session may
// survive.
type Fault struct {
	Action Action
	Type   AttributeType // 0 where it is no attribute's
	Family Family        // of DisableFamily
	// Subcode of UpdateError, if the session is to end all the same.
	Subcode uint8
	// Reason, in words. It holds numbers of the peer, never its text.
	Reason string
}

// Error says what is wrong and what is done about it.
func (f *Fault) Error() string {
	if f.Type == 0 {
		return fmt.Sprintf("%s: %v", f.Reason, f.Action)
	}
	return fmt.Sprintf("path attribute %d %s: %v", f.Type, f.Reason, f.Action)
}

// spec is what is known of a path attribute.
type spec struct {
	flags Flags // Optional and Transitive, as they must be
	// sane reports whether a value can be what it should be; nil: any.
	sane func(value []byte) bool
	// otherwise is for a value that is not (RFC 7606 section 7).
	otherwise Action
	subcode   uint8
	// internal: from an external peer it is discarded.
	internal bool
}

func size(n int) func([]byte) bool { return func(v []byte) bool { return len(v) == n } }
func multiple(n int) func([]byte) bool {
	return func(v []byte) bool { return len(v) > 0 && len(v)%n == 0 }
}

const bothFlags = Optional | Transitive

var specs = map[AttributeType]spec{
	OriginType:              {Transitive, func(v []byte) bool { return len(v) == 1 && v[0] <= 2 }, TreatAsWithdraw, InvalidOrigin, false},
	ASPathType:              {Transitive, saneASPath, TreatAsWithdraw, MalformedASPath, false},
	NextHopType:             {Transitive, size(4), TreatAsWithdraw, InvalidNextHop, false},
	MultiExitDiscType:       {Optional, size(4), TreatAsWithdraw, AttributeLengthError, false},
	LocalPrefType:           {Transitive, size(4), TreatAsWithdraw, AttributeLengthError, true},
	AtomicAggregateType:     {Transitive, size(0), DiscardAttribute, AttributeLengthError, false},
	AggregatorType:          {bothFlags, size(8), DiscardAttribute, AttributeLengthError, false},
	CommunitiesType:         {bothFlags, multiple(4), TreatAsWithdraw, OptionalAttributeError, false},
	OriginatorIDType:        {Optional, size(4), TreatAsWithdraw, AttributeLengthError, true},
	ClusterListType:         {Optional, multiple(4), TreatAsWithdraw, AttributeLengthError, true},
	MPReachType:             {flags: Optional},
	MPUnreachType:           {flags: Optional},
	ExtendedCommunitiesType: {bothFlags, multiple(8), TreatAsWithdraw, OptionalAttributeError, false},
	// No speaker with four octets sends these two to another (RFC 6793 section 6).
	AS4PathType:             {bothFlags, func([]byte) bool { return false }, DiscardAttribute, OptionalAttributeError, false},
	AS4AggregatorType:       {bothFlags, func([]byte) bool { return false }, DiscardAttribute, OptionalAttributeError, false},
	TunnelEncapsulationType: {flags: bothFlags},
	LinkStateType:           {flags: Optional},
	LargeCommunitiesType:    {bothFlags, multiple(12), TreatAsWithdraw, OptionalAttributeError, false},
	PrefixSIDType:           {flags: bothFlags},
}

// saneASPath: segments of known types, none empty, that end where the value
// does (RFC 7606 section 7.2).
func saneASPath(v []byte) bool {
	for len(v) > 0 {
		if len(v) < 2 || v[0] < 1 || v[0] > 4 || v[1] == 0 || len(v) < 2+4*int(v[1]) {
			return false
		}
		v = v[2+4*int(v[1]):]
	}
	return true
}

// InASPath reports whether an AS is in an AS_PATH that ParseUpdate took.
func InASPath(path []byte, as uint32) bool {
	for len(path) >= 2 {
		n := 4 * int(path[1])
		for segment := path[2:]; n >= 4 && len(segment) >= 4; n, segment = n-4, segment[4:] {
			if binary.BigEndian.Uint32(segment) == as {
				return true
			}
		}
		path = path[min(len(path), 2+4*int(path[1])):]
	}
	return false
}

// AppendPrefix appends an NLRI of IPv4 or IPv6 (RFC 4271 section 4.3).
func AppendPrefix(b []byte, p netip.Prefix) []byte {
	b = append(b, byte(p.Bits()))
	return append(b, p.Masked().Addr().AsSlice()[:(p.Bits()+7)/8]...)
}

// ParsePrefixes reads the NLRIs of IPv4Unicast or IPv6Unicast. Bits beyond the
// length are of no account. With an error nothing of the list may be believed
// (RFC 7606 section 5.3).
func ParsePrefixes(b []byte, f Family) ([]netip.Prefix, error) {
	size := 4
	if f.AFI == IPv6Unicast.AFI {
		size = 16
	}
	var out []netip.Prefix
	for r := (reader{b: b}); len(r.b) > 0; {
		bits := int(r.u8())
		octets := r.take((bits + 7) / 8)
		if r.short || bits > 8*size {
			return nil, &Fault{Action: DisableFamily, Family: f, Subcode: InvalidNetworkField,
				Reason: fmt.Sprintf("prefix number %d of %v, of %d bits, cannot be read", len(out)+1, f, bits)}
		}
		var whole [16]byte
		copy(whole[:], octets)
		addr, _ := netip.AddrFromSlice(whole[:size])
		out = append(out, netip.PrefixFrom(addr, bits).Masked())
	}
	return out, nil
}
