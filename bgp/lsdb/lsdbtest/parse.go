// Package lsdbtest has what tests need that feed an lsdb: objects in a line of
// text, views as text, and networks of any size. Tests of lsdb and of what reads
// its views call it; nothing else does.
package lsdbtest

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/keiro-net/keiro/bgp/ls"
)

// Parse reads one object:
//
//	node ORIGIN ID [name= flags=overload,router te=ADDR,.. mt=N,..]
//	link ORIGIN ID ID [if=ADDR,.. nb=ADDR,.. id=L-R aid=L-R mt=N metric= te= bw= rbw=
//	     residual= srlg=N,.. delay=MIN-MAX avg= name= endx=SID.. lanendx=ID/SID..]
//	prefix ORIGIN ID PREFIX [metric= locator=ALGORITHM]
//	sid ORIGIN ID ADDR [behavior= algorithm= peer=N..]
//
// An ORIGIN is l1, l2, ospf2, ospf3, direct or bgp, then /INSTANCE if it is not 0.
// An ID is a number, for an address that address, for a pseudonode 1.02 (of
// IS-IS) or 1:2 (of OSPF); then @AS, %AREA and, behind all, !BGP-LS-IDENTIFIER. A SID is SID/BEHAVIOR/FLAGS/ALGORITHM
// with flags of b, s and p. What follows `no` has its attribute discarded.
func Parse(args []string) (n ls.NLRI, a ls.Attribute, err error) {
	p := &parser{}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v: %v", args, r)
		}
	}()
	kind, origin := args[0], p.origin(args[1])
	local := p.node(origin.Protocol, args[2])
	switch kind {
	case "node":
		a := &ls.NodeAttribute{}
		p.each(args[3:], func(k, v string) { p.nodeValue(a, k, v) })
		return ls.Node{Origin: origin, Local: local}, a, nil
	case "link":
		l, a := ls.Link{Origin: origin, Local: local, Remote: p.node(origin.Protocol, args[3])}, &ls.LinkAttribute{}
		p.each(args[4:], func(k, v string) { p.linkValue(&l, a, k, v) })
		return l, a, nil
	case "prefix":
		x, a := ls.Prefix{Origin: origin, Local: local}, &ls.PrefixAttribute{}
		x.Prefix = netip.MustParsePrefix(args[3])
		p.each(args[4:], func(k, v string) {
			switch k {
			case "metric":
				a.Metric = ls.Some(uint32(p.number(v)))
			case "locator":
				a.Locator = ls.Some(ls.SRv6Locator{Algorithm: uint8(p.number(v))})
			default:
				panic(k)
			}
		})
		return x, a, nil
	case "sid":
		x, a := ls.SRv6SID{Origin: origin, Local: local}, &ls.SRv6SIDAttribute{}
		x.SID = netip.MustParseAddr(args[3])
		b := ls.EndpointBehavior{}
		p.each(args[4:], func(k, v string) {
			switch k {
			case "behavior":
				b.Behavior = uint16(p.number(v))
			case "algorithm":
				b.Algorithm = uint8(p.number(v))
			case "peer":
				a.PeerNodes = append(a.PeerNodes, ls.PeerNode{BGPIdentifier: uint32(p.number(v))})
			default:
				panic(k)
			}
		})
		a.EndpointBehavior = ls.Some(b)
		return x, a, nil
	}
	return nil, nil, fmt.Errorf("no such object %q", kind)
}

// parser panics where something is wrong; Parse makes an error of it.
type parser struct{}

func (p *parser) each(args []string, value func(k, v string)) {
	for _, arg := range args {
		k, v, ok := strings.Cut(arg, "=")
		if !ok {
			panic(arg)
		}
		value(k, v)
	}
}

func (p *parser) number(s string) uint64 {
	v, err := strconv.ParseUint(s, 0, 64)
	if err != nil {
		panic(err)
	}
	return v
}

func (p *parser) origin(s string) ls.Origin {
	name, instance, ok := strings.Cut(s, "/")
	o := ls.Origin{Protocol: map[string]ls.ProtocolID{"l1": ls.ISISLevel1, "l2": ls.ISISLevel2, "ospf2": ls.OSPFv2, "ospf3": ls.OSPFv3, "direct": ls.Direct, "bgp": ls.BGP}[name]}
	if o.Protocol == 0 {
		panic("no such protocol " + name)
	}
	if ok {
		o.Identifier = p.number(instance)
	}
	return o
}

func (p *parser) node(of ls.ProtocolID, s string) (n ls.NodeDescriptor) {
	s, id513, ok := strings.Cut(s, "!")
	if ok {
		n.BGPLSIdentifier = ls.Some(uint32(p.number(id513)))
	}
	s, area, ok := strings.Cut(s, "%")
	if ok {
		n.OSPFAreaID = ls.Some(uint32(p.number(area)))
	}
	s, as, ok := strings.Cut(s, "@")
	if ok {
		n.AutonomousSystem = ls.Some(uint32(p.number(as)))
	}
	if a, err := netip.ParseAddr(s); err == nil {
		n.IGPRouterID, _ = ls.NewIGPRouterID(a.AsSlice())
		return n
	}
	isis := of == ls.ISISLevel1 || of == ls.ISISLevel2
	separator := ":"
	if isis {
		separator = "."
	}
	s, pseudo, lan := strings.Cut(s, separator)
	id := p.number(s)
	var octets []byte
	switch {
	case of == ls.BGP:
		n.BGPRouterID = ls.Some(uint32(id))
		return n
	case isis:
		octets = binary.BigEndian.AppendUint64(nil, id)[2:]
		if lan {
			octets = append(octets, byte(p.number(pseudo)))
		}
	default:
		octets = binary.BigEndian.AppendUint32(nil, uint32(id))
		if lan {
			octets = binary.BigEndian.AppendUint32(octets, uint32(p.number(pseudo)))
		}
	}
	n.IGPRouterID, _ = ls.NewIGPRouterID(octets)
	return n
}

func (p *parser) nodeValue(a *ls.NodeAttribute, k, v string) {
	switch k {
	case "name":
		a.Name = v
	case "flags":
		f := ls.NodeFlags(0)
		for flag := range strings.SplitSeq(v, ",") {
			f |= map[string]ls.NodeFlags{"overload": ls.Overload, "router": ls.Router, "none": 0}[flag]
		}
		a.Flags = ls.Some(f)
	case "te":
		for s := range strings.SplitSeq(v, ",") {
			if addr := netip.MustParseAddr(s); addr.Is4() {
				a.IPv4RouterIDs = append(a.IPv4RouterIDs, addr)
			} else {
				a.IPv6RouterIDs = append(a.IPv6RouterIDs, addr)
			}
		}
	case "mt":
		for s := range strings.SplitSeq(v, ",") {
			a.Topologies = append(a.Topologies, ls.MultiTopologyID(p.number(s)))
		}
	default:
		panic(k)
	}
}

func (p *parser) pair(v string) (a, b uint32) {
	x, y, ok := strings.Cut(v, "-")
	if a = uint32(p.number(x)); !ok {
		return a, a
	}
	return a, uint32(p.number(y))
}

// rate reads 10G or a number of bits per second.
func (p *parser) rate(v string) ls.Opt[ls.BitsPerSecond] {
	if n, giga := strings.CutSuffix(v, "G"); giga {
		return ls.Some(ls.BitsPerSecond(p.number(n) * 1e9))
	}
	return ls.Some(ls.BitsPerSecond(p.number(v)))
}

func (p *parser) linkValue(l *ls.Link, a *ls.LinkAttribute, k, v string) {
	addr := func(v4, v6 *netip.Addr) {
		for s := range strings.SplitSeq(v, ",") {
			if addr := netip.MustParseAddr(s); addr.Is4() {
				*v4 = addr
			} else {
				*v6 = addr
			}
		}
	}
	switch k {
	case "if":
		addr(&l.IPv4Interface, &l.IPv6Interface)
	case "nb":
		addr(&l.IPv4Neighbor, &l.IPv6Neighbor)
	case "id", "aid":
		local, remote := p.pair(v)
		if k == "id" {
			l.Identifiers = ls.Some(ls.LinkIdentifiers{Local: local, Remote: remote})
		} else {
			a.Identifiers = ls.Some(ls.LinkIdentifiers{Local: local, Remote: remote})
		}
	case "mt":
		l.MultiTopology = ls.Some(ls.MultiTopologyID(p.number(v)))
	case "metric":
		a.IGPMetric = ls.Some(ls.IGPMetric{Metric: uint32(p.number(v)), Octets: 3})
	case "te":
		a.TEDefaultMetric = ls.Some(uint32(p.number(v)))
	case "bw":
		a.MaxBandwidth = p.rate(v)
	case "rbw":
		a.ReservableBandwidth = p.rate(v)
	case "residual":
		a.ResidualBandwidth = p.rate(v)
	case "srlg":
		for s := range strings.SplitSeq(v, ",") {
			a.SRLGs = append(a.SRLGs, uint32(p.number(s)))
		}
	case "delay":
		lo, hi := p.pair(v)
		a.MinMaxDelay = ls.Some(ls.MinMaxDelay{Min: ls.Microseconds(lo), Max: ls.Microseconds(hi)})
	case "avg":
		a.Delay = ls.Some(ls.Delay{Delay: ls.Microseconds(p.number(v))})
	case "name":
		a.Name = v
	case "endx":
		a.EndX = append(a.EndX, p.endX(v))
	case "lanendx":
		id, rest, _ := strings.Cut(v, "/")
		x := ls.LANEndX{Neighbor: p.node(l.Protocol, id).IGPRouterID, EndX: p.endX(rest)}
		if l.Protocol == ls.OSPFv3 {
			a.OSPFv3LANEndX = append(a.OSPFv3LANEndX, x)
		} else {
			a.ISISLANEndX = append(a.ISISLANEndX, x)
		}
	default:
		panic(k)
	}
}

func (p *parser) endX(v string) ls.EndX {
	parts := append(strings.Split(v, "/"), "", "", "")
	x := ls.EndX{SID: netip.MustParseAddr(parts[0]), Behavior: ls.BehaviorEndX}
	if parts[1] != "" {
		x.Behavior = uint16(p.number(parts[1]))
	}
	for _, f := range parts[2] {
		x.Flags |= map[rune]ls.SIDFlags{'b': ls.Backup, 's': ls.Set, 'p': ls.Persistent}[f]
	}
	if parts[3] != "" {
		x.Algorithm = uint8(p.number(parts[3]))
	}
	return x
}
