package ls

import "encoding/binary"

// Family says how an NLRI list is framed.
type Family struct {
	// VPN: SAFI 72. Every NLRI has a route distinguisher.
	VPN bool
	// AddPath: the session carries path identifiers (RFC 7911 section 3).
	AddPath bool
}

// Route is an NLRI as it was received.
type Route struct {
	NLRI NLRI
	// PathID is the path identifier, 0 without Family.AddPath. It is no part
	// of the object's name.
	PathID uint32
	// Offset in octets of the NLRI in what was decoded, after the path identifier.
	Offset int
}

// The first octets of every NLRI with a meaning here: Protocol-ID and Identifier.
const originSize = 1 + 8

// DecodeNLRIs reads the NLRI list of an MP_REACH_NLRI or an MP_UNREACH_NLRI, from
// behind the reserved octet or the SAFI. An empty list, in an MP_UNREACH_NLRI,
// is the End-of-RIB marker (RFC 4724 section 2). NLRIs with a fault are left
// out. Where a fault is ResetSession the list ends before it and must not be
// used.
func DecodeNLRIs(b []byte, f Family) ([]Route, Faults) {
	var routes []Route
	var faults Faults
	for at, index := 0, 0; at < len(b); index++ {
		d := decoder{object: Fault{Index: index}, faults: &faults}
		route := Route{Offset: at}
		if f.AddPath {
			if len(b)-at < 4 {
				d.fault(ResetSession, 0, at, "ends within a path identifier")
				break
			}
			route.PathID = binary.BigEndian.Uint32(b[at:])
			at += 4
			route.Offset = at
		}
		frame, rest, whole := split(b[at:])
		d.object.Object = NLRIType(frame.Type)
		if !whole {
			d.fault(ResetSession, 0, at, "overruns the list of NLRIs")
			break
		}
		if n := d.nlri(NLRIType(frame.Type), frame.Value, at+header, f.VPN); n != nil {
			route.NLRI = n
			routes = append(routes, route)
		}
		at = len(b) - len(rest)
	}
	return routes, faults
}

// nlri reads one NLRI from behind its length, or returns nil.
func (d *decoder) nlri(t NLRIType, v []byte, at int, vpn bool) NLRI {
	var o Origin
	if vpn {
		if len(v) < len(o.RD.Value) {
			d.fault(DiscardNLRI, 0, at-header, "ends within the route distinguisher")
			return nil
		}
		o.RD = Some(RouteDistinguisher(v))
		v, at = v[len(o.RD.Value):], at+len(o.RD.Value)
	}
	switch t {
	case NodeType, LinkType, IPv4PrefixType, IPv6PrefixType, SRv6SIDType:
	default:
		return Opaque{o.RD, t, string(v)}
	}
	if len(v) < originSize {
		d.fault(DiscardNLRI, 0, at-header, "ends within Protocol-ID and Identifier")
		return nil
	}
	o.Protocol, o.Identifier = ProtocolID(v[0]), binary.BigEndian.Uint64(v[1:])
	v, at = v[originSize:], at+originSize
	switch t {
	case NodeType:
		return d.node(Node{Origin: o}, v, at)
	case LinkType:
		return d.link(Link{Origin: o}, v, at)
	case IPv4PrefixType:
		return d.prefix(Prefix{Origin: o}, ipv4PrefixFields, v, at)
	case IPv6PrefixType:
		return d.prefix(Prefix{Origin: o}, ipv6PrefixFields, v, at)
	}
	return d.srv6SID(SRv6SID{Origin: o}, v, at)
}

func (d *decoder) node(n Node, v []byte, at int) NLRI {
	var ok bool
	n.Unknown, ok = readOrdered(d, &n, nodeFields, v, at)
	if !ok || d.lacks(n.Local == NodeDescriptor{}, 256, at) {
		return nil
	}
	return n
}

func (d *decoder) link(l Link, v []byte, at int) NLRI {
	var ok bool
	l.Unknown, ok = readOrdered(d, &l, linkNLRIFields, v, at)
	if !ok || d.lacks(l.Local == NodeDescriptor{}, 256, at) || d.lacks(l.Remote == NodeDescriptor{}, 257, at) {
		return nil
	}
	return l
}

func (d *decoder) prefix(p Prefix, fields []field[Prefix], v []byte, at int) NLRI {
	var ok bool
	p.Unknown, ok = readOrdered(d, &p, fields, v, at)
	if !ok || d.lacks(p.Local == NodeDescriptor{}, 256, at) || d.lacks(!p.Prefix.IsValid(), 265, at) {
		return nil
	}
	return p
}

func (d *decoder) srv6SID(s SRv6SID, v []byte, at int) NLRI {
	var ok bool
	s.Unknown, ok = readOrdered(d, &s, srv6SIDNLRIFields, v, at)
	if !ok || d.lacks(s.Local == NodeDescriptor{}, 256, at) || d.lacks(!s.SID.IsValid(), 518, at) {
		return nil
	}
	return s
}

// lacks reports a TLV without which nobody knows what the NLRI speaks of.
func (d *decoder) lacks(missing bool, tlv uint16, at int) bool {
	if missing {
		d.fault(DiscardNLRI, tlv, at, "is missing")
	}
	return missing
}
