package bgp

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/keiro-net/keiro/bgp/fsm"
	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/bgp/rib"
	"github.com/keiro-net/keiro/bgp/srpolicy"
)

// reading is one UPDATE on its way into the Adj-RIB-In.
type reading struct {
	p       *peer
	now     time.Time
	update  message.Update
	reach   []rib.Object
	unreach []rib.Name
	weighty int // faults that count against the limit
	last    *message.Notification
	disable []message.Family
	decoded map[ls.NLRIType]ls.Attribute
}

// update takes in an UPDATE of the established session.
func (p *peer) update(body []byte) {
	p.counts.updates.Add(1)
	u, faults, err := message.ParseUpdate(body, p.session.Internal)
	var wrong *message.Notification
	if errors.As(err, &wrong) {
		p.in.Fault(time.Now(), wrong.Error())
		p.step(fsm.Malformed{Conn: p.session.Conn, Notification: wrong})
		return
	}
	r := &reading{p: p, now: time.Now(), update: u, decoded: map[ls.NLRIType]ls.Attribute{}}
	for _, f := range faults {
		r.faulty(f)
	}
	if f, ok := u.EndOfRIB(); ok && len(faults) == 0 && (u.Unreach != nil || len(body) == 4) {
		if p.reads(f) {
			p.step(fsm.EndOfRIB{Conn: p.session.Conn, Family: f})
			p.in.EndOfRIB(f)
		}
		return
	}
	withdraw := message.Withdraw(faults) || r.own()
	if len(u.Withdrawn) > 0 {
		r.list(message.IPv4Unicast, u.Withdrawn, nil, true)
	}
	if u.Unreach != nil {
		r.list(u.Unreach.Family, u.Unreach.NLRI, nil, true)
	}
	if len(u.NLRI) > 0 {
		hop, _ := u.Attribute(message.NextHopType)
		r.list(message.IPv4Unicast, u.NLRI, hop, withdraw)
	}
	if u.Reach != nil {
		r.list(u.Reach.Family, u.Reach.NLRI, u.Reach.Addr().AsSlice(), withdraw)
	}
	r.finish()
}

// own reports whether the routes have been here before: this AS is on their
// path (RFC 4271 section 9.1.2), or they are what this speaker has said (RFC
// 4456 section 8). They are not used.
func (r *reading) own() bool {
	path, _ := r.update.Attribute(message.ASPathType)
	originator, _ := r.update.Attribute(message.OriginatorIDType)
	return !r.p.session.Internal && message.InASPath(path, r.p.speaker.cfg.AS) || bytes.Equal(originator, r.p.speaker.cfg.ID.AsSlice())
}

// reads reports whether what comes of a family counts.
func (p *peer) reads(f message.Family) bool {
	for _, agreed := range p.session.Families {
		if agreed == f {
			return !p.session.disabled[f]
		}
	}
	return false
}

// list takes in the NLRIs of a family, as there or as gone.
func (r *reading) list(f message.Family, nlris, nextHop []byte, gone bool) {
	if len(nlris) == 0 {
		return
	}
	if !r.p.reads(f) {
		r.p.counts.ignored.Add(1)
		return
	}
	switch f {
	case message.LinkState, message.LinkStateVPN:
		r.linkState(f, nlris, gone)
	case message.IPv4Unicast, message.IPv6Unicast:
		r.unicast(f, nlris, nextHop, gone)
	case message.IPv4SRPolicy, message.IPv6SRPolicy:
		r.policies(f, nlris, nextHop, gone)
	default:
		r.p.counts.ignored.Add(1)
	}
}

func (r *reading) linkState(f message.Family, nlris []byte, gone bool) {
	routes, faults := ls.DecodeNLRIs(nlris, ls.Family{VPN: f == message.LinkStateVPN})
	for _, fault := range faults {
		r.note(fault.Error(), fault.Action >= ls.DiscardNLRI, message.InvalidNetworkField)
		if fault.Action == ls.ResetSession {
			r.disable = append(r.disable, f)
			return
		}
	}
	for _, route := range routes {
		name := rib.Name{Family: f, LS: route.NLRI}
		if gone {
			r.unreach = append(r.unreach, name)
		} else {
			r.reach = append(r.reach, rib.Object{Name: name, At: r.now, Attribute: r.attribute(route.NLRI.Type())})
		}
	}
}

// attribute is the BGP-LS Attribute as it is for objects of a type. One that
// was not sent, or must be discarded, says nothing.
func (r *reading) attribute(of ls.NLRIType) ls.Attribute {
	if a, done := r.decoded[of]; done {
		return a
	}
	var a ls.Attribute
	if value, ok := r.update.Attribute(message.LinkStateType); ok {
		var faults ls.Faults
		a, faults = ls.DecodeAttribute(value, of)
		for _, fault := range faults {
			r.note(fault.Error(), fault.Action >= ls.DiscardAttribute, message.OptionalAttributeError)
		}
		if faults.Worst() >= ls.DiscardAttribute {
			a = nil
		}
	}
	r.decoded[of] = a
	return a
}

func (r *reading) unicast(f message.Family, nlris, nextHop []byte, gone bool) {
	prefixes, err := message.ParsePrefixes(nlris, f)
	var fault *message.Fault
	if errors.As(err, &fault) {
		r.faulty(fault)
		return
	}
	hop, _ := netip.AddrFromSlice(nextHop)
	for _, prefix := range prefixes {
		name := rib.Name{Family: f, Prefix: prefix}
		if gone {
			r.unreach = append(r.unreach, name)
		} else {
			r.reach = append(r.reach, rib.Object{Name: name, At: r.now, NextHop: hop, Attributes: r.update.Attributes})
		}
	}
}

// policies takes in candidate paths of SR Policies. Whether one is for this
// speaker, and of any use to it, is its consumer's question.
func (r *reading) policies(f message.Family, nlris, nextHop []byte, gone bool) {
	u := message.Update{Unreach: &message.Unreach{Family: f, NLRI: nlris}}
	if !gone {
		u = message.Update{Attributes: r.update.Attributes, Reach: &message.Reach{Family: f, NextHop: nextHop, NLRI: nlris}}
	}
	paths, withdrawn, faults := srpolicy.Parse(&u, false)
	for _, fault := range faults {
		if r.faulty(fault); fault.Action == message.DisableFamily {
			return
		}
	}
	for _, n := range withdrawn {
		r.unreach = append(r.unreach, rib.Name{Family: f, Policy: n})
	}
	hop, _ := netip.AddrFromSlice(nextHop)
	for _, p := range paths {
		r.reach = append(r.reach, rib.Object{Name: rib.Name{Family: f, Policy: p.NLRI}, At: r.now, NextHop: hop, Attributes: r.update.Attributes})
	}
}

func (r *reading) faulty(f *message.Fault) {
	r.note(f.Error(), true, f.Subcode)
	if f.Action == message.DisableFamily {
		r.disable = append(r.disable, f.Family)
	}
}

// note tells of a fault. The weighty ones count against the peer's limit.
func (r *reading) note(text string, weighty bool, subcode uint8) {
	r.p.counts.faults.Add(1)
	r.p.in.Fault(r.now, text)
	r.p.lastFault(r.now, text)
	if weighty {
		r.weighty++
		r.last = &message.Notification{Code: message.UpdateError, Subcode: subcode}
	}
}

// attributesOf is how many octets of path attributes, which are kept as they came, a
// peer may say with so many objects: the limit of those alone would let it send 64 KiB
// for each.
func attributesOf(objects int) int { return 16<<20 + objects<<10 }

// finish lets what was read take effect, in the order in which RFC 4271 has it:
// what is withdrawn and announced in one UPDATE is announced.
func (r *reading) finish() {
	p := r.p
	if len(r.unreach) > 0 {
		p.counts.withdrawn.Add(uint64(len(r.unreach)))
		p.in.Unreach(r.unreach)
	}
	if len(r.reach) > 0 {
		have, octets := p.in.Reach(r.reach)
		if most := p.cfg.Limits.Objects; have > most {
			p.expel(message.NewCease(message.MaximumPrefixes, ""), fmt.Sprintf("the peer has more than %d objects", most))
			return
		} else if octets > attributesOf(most) {
			p.expel(message.NewCease(message.OutOfResources, ""), fmt.Sprintf("the path attributes of the peer's %d objects have %d octets, and so many objects have room for %d", have, octets, attributesOf(most)))
			return
		}
	}
	if r.weighty > 0 && !p.faulty.take(r.now, float64(r.weighty)) {
		p.expel(r.last, fmt.Sprintf("the peer sends rubbish: more than %d faults an hour, the last: %v", p.cfg.Limits.Faults, r.last))
		return
	}
	for _, f := range r.disable {
		if !p.reads(f) {
			continue
		}
		if len(p.session.Families) == 1 {
			p.step(fsm.Malformed{Conn: p.session.Conn, Notification: r.last, Reason: fmt.Sprintf("the routes of %v cannot be read: %v", f, r.last)})
			return
		}
		p.session.disabled[f] = true
		p.in.Disable(f)
	}
}
