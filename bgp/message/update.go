package message

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
)

// Update is an UPDATE message, taken apart.
type Update struct {
	// Withdrawn and NLRI are those of IPv4Unicast outside of the multiprotocol
	// attributes; the next hop is in a NEXT_HOP attribute.
	Withdrawn, NLRI []byte
	// Attributes are all but MP_REACH_NLRI and MP_UNREACH_NLRI, each type once.
	Attributes []Attribute
	Reach      *Reach
	Unreach    *Unreach
}

// Reach is an MP_REACH_NLRI (RFC 4760 section 3).
type Reach struct {
	Family  Family
	NextHop []byte
	NLRI    []byte
}

// Unreach is an MP_UNREACH_NLRI (RFC 4760 section 4).
type Unreach struct {
	Family Family
	NLRI   []byte
}

// EndOfRIB returns the family whose End-of-RIB marker the UPDATE is, if it is
// one (RFC 4724 section 2).
func (u *Update) EndOfRIB() (Family, bool) {
	if len(u.Withdrawn)+len(u.NLRI)+len(u.Attributes) > 0 || u.Reach != nil {
		return Family{}, false
	}
	if u.Unreach == nil {
		return IPv4Unicast, true
	}
	return u.Unreach.Family, len(u.Unreach.NLRI) == 0
}

// Attribute returns the value of an attribute and whether it is there.
func (u *Update) Attribute(t AttributeType) ([]byte, bool) {
	for _, a := range u.Attributes {
		if a.Type == t {
			return a.Value, true
		}
	}
	return nil, false
}

// Addr is the next hop without route distinguisher and without a link-local
// address beside it; invalid where the octets are none.
func (r *Reach) Addr() netip.Addr {
	b := r.NextHop
	if r.Family.vpn() {
		b = b[min(8, len(b)):]
	}
	if len(b) >= 32 {
		b = b[:16]
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// maxFaults of one UPDATE: more say nothing new.
const maxFaults = 32

type updateParser struct {
	Update
	internal bool
	faults   []*Fault
	seen     [256]bool
}

func (p *updateParser) fault(f Fault) {
	if len(p.faults) < maxFaults {
		p.faults = append(p.faults, &f)
	} else if last := p.faults[maxFaults-1]; f.Action > last.Action {
		*last = f
	}
}

// ParseUpdate reads the body of an UPDATE from an internal or an external peer
// with four-octet AS numbers. The error is a *Notification: the session must
// be reset. Else the faults say what RFC 7606 has done or asks for: a discarded
// attribute is left out; with Withdraw(faults) the routes of NLRI and Reach
// count as withdrawn. NLRIs are not looked at.
func ParseUpdate(body []byte, internal bool) (Update, []*Fault, error) {
	p := updateParser{internal: internal}
	r := reader{b: body}
	p.Withdrawn = r.take(int(r.u16()))
	attributes := reader{b: r.take(int(r.u16()))}
	if r.short { // where the NLRIs are cannot be told
		return Update{}, nil, notify(UpdateError, MalformedAttributeList, nil)
	}
	p.NLRI = r.b
	for len(attributes.b) > 0 {
		if err := p.attribute(&attributes); err != nil {
			return Update{}, nil, err
		}
	}
	p.mandatory()
	return p.Update, p.faults, nil
}

// Withdraw reports whether the routes of the UPDATE count as withdrawn.
func Withdraw(faults []*Fault) bool {
	for _, f := range faults {
		if f.Action == TreatAsWithdraw {
			return true
		}
	}
	return false
}

func (p *updateParser) attribute(r *reader) error {
	a := Attribute{Flags: Flags(r.u8()), Type: AttributeType(r.u8())}
	a.Value = r.take(r.length(a.Flags&ExtendedLength != 0))
	if r.short {
		r.b = nil
		// RFC 7606 section 4: treat-as-withdraw, if it is known what to withdraw.
		// Where no NLRI was found they may be in what cannot be read.
		if len(p.NLRI) == 0 && p.Reach == nil {
			return notify(UpdateError, MalformedAttributeList, nil)
		}
		p.fault(Fault{Action: TreatAsWithdraw, Type: a.Type, Subcode: MalformedAttributeList, Reason: "overruns the path attributes"})
		return nil
	}
	if p.seen[a.Type] {
		if a.Type == MPReachType || a.Type == MPUnreachType {
			return notify(UpdateError, MalformedAttributeList, nil)
		}
		p.fault(Fault{Action: DiscardAttribute, Type: a.Type, Subcode: MalformedAttributeList, Reason: "is there twice"})
		return nil
	}
	p.seen[a.Type] = true
	s, known := specs[a.Type]
	switch {
	case !known && a.Flags&Optional == 0:
		return notify(UpdateError, UnrecognizedWellKnown, a.Append(nil))
	case known && s.internal && !p.internal:
		// RFC 7606 sections 7.5, 7.9, 7.10; the RFCs 4271 and 4456 want it ignored.
		return nil
	case known && a.Flags&bothFlags != s.flags:
		action := TreatAsWithdraw
		if a.Type == LinkStateType {
			action = DiscardAttribute // RFC 9552 section 8.2.2
		}
		p.fault(Fault{Action: action, Type: a.Type, Subcode: AttributeFlagsError, Reason: fmt.Sprintf("has the flags %#02x", byte(a.Flags))})
		if action == DiscardAttribute {
			return nil
		}
	}
	switch a.Type {
	case MPReachType:
		return p.reach(a)
	case MPUnreachType:
		return p.unreach(a)
	}
	if s.sane != nil && !s.sane(a.Value) {
		p.fault(Fault{Action: s.otherwise, Type: a.Type, Subcode: s.subcode, Reason: fmt.Sprintf("of %d octets is malformed", len(a.Value))})
		return nil
	}
	p.Attributes = append(p.Attributes, a)
	return nil
}

func (p *updateParser) reach(a Attribute) error {
	r := reader{b: a.Value}
	f := Family{r.u16(), r.u8()}
	nextHop := r.take(int(r.u8()))
	r.u8() // reserved
	if r.short {
		return notify(UpdateError, OptionalAttributeError, a.Append(nil))
	}
	p.Reach = &Reach{Family: f, NextHop: nextHop, NLRI: r.b}
	if f.Known() && !f.nextHop(len(nextHop)) {
		// RFC 7606 section 7.11: a next hop of a wrong length leaves it in doubt
		// where the NLRIs begin.
		p.fault(Fault{Action: DisableFamily, Family: f, Type: a.Type, Subcode: OptionalAttributeError,
			Reason: fmt.Sprintf("has a next hop of %d octets in %v", len(nextHop), f)})
		p.Reach = nil
	}
	return nil
}

// nextHop reports whether a next hop may have n octets.
func (f Family) nextHop(n int) bool {
	if f.vpn() {
		n -= 8
		if n == 40 { // a link-local address has a route distinguisher too
			n = 32
		}
	}
	// RFC 9830 section 2.1: of either kind, whatever the endpoint of the policy is.
	return n == 16 || n == 32 || n == 4 && (f.AFI != IPv6Unicast.AFI || f == IPv6SRPolicy)
}

func (p *updateParser) unreach(a Attribute) error {
	r := reader{b: a.Value}
	f := Family{r.u16(), r.u8()}
	if r.short {
		return notify(UpdateError, OptionalAttributeError, a.Append(nil))
	}
	p.Unreach = &Unreach{Family: f, NLRI: r.b}
	return nil
}

// mandatory looks for attributes that routes must have (RFC 4271 section 5).
func (p *updateParser) mandatory() {
	if len(p.NLRI) == 0 && p.Reach == nil {
		return
	}
	need := []AttributeType{OriginType, ASPathType}
	if len(p.NLRI) > 0 {
		need = append(need, NextHopType)
	}
	if p.internal {
		need = append(need, LocalPrefType)
	}
	for _, t := range need {
		if !p.seen[t] {
			p.fault(Fault{Action: TreatAsWithdraw, Type: t, Subcode: MissingWellKnown, Reason: "is missing"})
		}
	}
}

// ErrTooLong says that an UPDATE does not fit in a message.
var ErrTooLong = errors.New("the UPDATE does not fit in a message")

// AppendUpdate appends an UPDATE of at most limit octets, MP_REACH_NLRI and
// MP_UNREACH_NLRI first (RFC 7606 section 5.1) and then the attributes as they
// are given.
func AppendUpdate(b []byte, u Update, limit int) ([]byte, error) {
	start := len(b)
	b = frame(b, UpdateType, func(b []byte) []byte {
		b = binary.BigEndian.AppendUint16(b, uint16(len(u.Withdrawn)))
		b = append(b, u.Withdrawn...)
		length := len(b)
		b = append(b, 0, 0)
		if r := u.Reach; r != nil {
			value := append(r.Family.octets(), byte(len(r.NextHop)))
			value = append(append(append(value, r.NextHop...), 0), r.NLRI...)
			b = Attribute{Optional, MPReachType, value}.Append(b)
		}
		if r := u.Unreach; r != nil {
			b = Attribute{Optional, MPUnreachType, append(r.Family.octets(), r.NLRI...)}.Append(b)
		}
		for _, a := range u.Attributes {
			b = a.Append(b)
		}
		binary.BigEndian.PutUint16(b[length:], uint16(len(b)-length-2))
		return append(b, u.NLRI...)
	})
	if len(b)-start > limit {
		return b[:start], ErrTooLong
	}
	return b, nil
}

// EndOfRIB returns the UPDATE that ends the first set of routes of a family.
func EndOfRIB(f Family) Update {
	if f == IPv4Unicast {
		return Update{}
	}
	return Update{Unreach: &Unreach{Family: f}}
}
