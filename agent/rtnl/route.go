package rtnl

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// routeTypes are the words of iproute2 by number; unicast is Unicast.
var routeTypes = []string{unix.RTN_BLACKHOLE: "blackhole", unix.RTN_UNREACHABLE: "unreachable", unix.RTN_PROHIBIT: "prohibit"}

// route is a route as the kernel tells it.
type route struct {
	nodecfg.Route
	oif      uint32
	hops     []hop
	protocol uint8
	counters Counters
}

// named is the route with the names of its interfaces.
func (r *route) named(name func(index uint32) string) nodecfg.Route {
	out := r.Route
	out.Dev = name(r.oif)
	hops := make([]nodecfg.Hop, len(r.hops))
	for i, h := range r.hops {
		hops[i] = h.Hop
		hops[i].Dev = name(h.oif)
	}
	out.Hops = nodecfg.HopsOf(hops...)
	return out
}

// decodeRoute reads an RTM_NEWROUTE.
func decodeRoute(msg []byte) (route, error) {
	var (
		r      route
		table  uint32
		dst    netip.Addr
		tunnel tunnel
	)
	if len(msg) < unix.SizeofRtMsg {
		return r, errMalformed
	}
	family, bits, kind := msg[0], int(msg[1]), uint32(msg[7])
	table, r.protocol = uint32(msg[4]), msg[5]
	dst = netip.IPv6Unspecified()
	if family == unix.AF_INET {
		dst = netip.IPv4Unspecified()
	}
	err := attrs(msg[unix.SizeofRtMsg:], func(typ uint16, v []byte) error {
		switch typ {
		case unix.RTA_DST:
			return getAddr(&dst, v)
		case unix.RTA_OIF:
			return get(&r.oif, v)
		case unix.RTA_GATEWAY:
			return getAddr(&r.Via, v)
		case unix.RTA_PREFSRC:
			return getAddr(&r.Src, v)
		case unix.RTA_PRIORITY:
			return get(&r.Metric, v)
		case unix.RTA_TABLE:
			return get(&table, v)
		case unix.RTA_METRICS:
			return attrs(v, func(typ uint16, v []byte) error {
				var mtu uint32
				if typ != unix.RTAX_MTU {
					return nil
				}
				err := get(&mtu, v)
				r.MTU = int(mtu)
				return err
			})
		case unix.RTA_MULTIPATH:
			var err error
			r.hops, err = decodeHops(v)
			return err
		}
		return tunnel.attr(typ, v)
	})
	if err != nil {
		return r, err
	}
	r.Table = table
	if r.To = netip.PrefixFrom(dst, bits); !r.To.IsValid() {
		return r, errMalformed
	}
	if kind != unix.RTN_UNICAST {
		r.Type = nodecfg.RouteType(word(routeTypes, kind))
	}
	if r.Type == nodecfg.Unreachable {
		r.oif = 0 // IPv6 says lo
	}
	r.Encap, r.counters, err = tunnel.decode()
	return r, err
}

// encodeRoute makes the message of a route; index tells that of an interface.
func encodeRoute(r nodecfg.Route, index func(dev string) (uint32, error)) ([]nl.NetlinkRequestData, error) {
	msg := nl.NewRtMsg()
	parts := append([]nl.NetlinkRequestData{msg}, routeKey(msg, r)...)
	msg.Protocol = nodecfg.RouteProtocol
	if r.Type != nodecfg.Unicast {
		kind := number(routeTypes, string(r.Type))
		if kind < 0 {
			return nil, fmt.Errorf("cannot encode a route of type %q", r.Type)
		}
		msg.Type = uint8(kind)
	} else if msg.Family == unix.AF_INET && !r.Via.IsValid() && r.Hops == nil {
		msg.Scope = unix.RT_SCOPE_LINK
	}
	if r.Via.IsValid() {
		parts = append(parts, nl.NewRtAttr(unix.RTA_GATEWAY, r.Via.AsSlice()))
	}
	if r.Dev != "" {
		oif, err := index(r.Dev)
		if err != nil {
			return nil, err
		}
		parts = append(parts, nl.NewRtAttr(unix.RTA_OIF, u32(oif)))
	}
	if r.Src.IsValid() {
		parts = append(parts, nl.NewRtAttr(unix.RTA_PREFSRC, r.Src.AsSlice()))
	}
	if r.MTU != 0 {
		metrics := nl.NewRtAttr(unix.RTA_METRICS, nil)
		metrics.AddRtAttr(unix.RTAX_MTU, u32(uint32(r.MTU)))
		parts = append(parts, metrics)
	}
	if r.Encap != nil {
		encap, err := encodeEncap(r.Encap)
		if err != nil {
			return nil, err
		}
		parts = append(parts, encap...)
	}
	if r.Hops != nil {
		hops, err := encodeHops(r.Hops, index)
		if err != nil {
			return nil, err
		}
		parts = append(parts, hops)
	}
	return parts, nil
}

// routeKey fills in what the kernel finds a route by.
func routeKey(msg *nl.RtMsg, r nodecfg.Route) []nl.NetlinkRequestData {
	msg.Family = familyOf(r.To)
	msg.Dst_len = uint8(r.To.Bits())
	msg.Table = unix.RT_TABLE_UNSPEC
	msg.Protocol = nodecfg.RouteProtocol
	parts := []nl.NetlinkRequestData{
		nl.NewRtAttr(unix.RTA_TABLE, u32(r.Table)),
		nl.NewRtAttr(unix.RTA_PRIORITY, u32(r.Metric)),
	}
	if r.To.Bits() > 0 {
		parts = append(parts, nl.NewRtAttr(unix.RTA_DST, r.To.Addr().AsSlice()))
	}
	return parts
}

func familyOf(p netip.Prefix) uint8 {
	if p.Addr().Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// routes lists Keiro's routes of one family. The kernel leaves out those of
// other protocols, which may be a million.
func (h *Handle) routes(family uint8) ([]route, error) {
	var found []route
	filter := &nl.RtMsg{RtMsg: unix.RtMsg{Family: family, Protocol: nodecfg.RouteProtocol}}
	err := h.dump(unix.RTM_GETROUTE, unix.RTM_NEWROUTE, func() { found = nil }, func(msg []byte) error {
		r, err := decodeRoute(msg)
		if err == nil && r.protocol == nodecfg.RouteProtocol {
			found = append(found, r)
		}
		return err
	}, filter)
	if err != nil {
		return nil, fmt.Errorf("list routes: %w", err)
	}
	return found, nil
}

func (h *Handle) applyRoute(verb nodecfg.Verb, r nodecfg.Route) error {
	if verb == nodecfg.Delete {
		msg := nl.NewRtDelMsg()
		parts := append([]nl.NetlinkRequestData{msg}, routeKey(msg, r)...)
		return h.change(unix.RTM_DELROUTE, 0, parts...)
	}
	parts, err := encodeRoute(r, h.index)
	if err != nil {
		return err
	}
	// A policy's table is all ours; in main a route of somebody else's stays.
	exists := unix.NLM_F_REPLACE
	if verb == nodecfg.Add && r.Table == nodecfg.MainTable {
		exists = unix.NLM_F_EXCL
	}
	err = h.change(unix.RTM_NEWROUTE, unix.NLM_F_CREATE|exists, parts...)
	if errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("%w: a route that is not Keiro's has this destination and metric: remove it", err)
	}
	return err
}

// Counters returns the counters of the node's SIDs.
func (h *Handle) Counters() (map[netip.Addr]Counters, error) {
	routes, err := h.routes(unix.AF_INET6)
	if err != nil {
		return nil, err
	}
	sids := make(map[netip.Addr]Counters)
	for _, r := range routes {
		if e, ok := r.Encap.(nodecfg.Seg6Local); ok && e.Count && r.To.IsSingleIP() {
			c := sids[r.To.Addr()]
			c.Packets += r.counters.Packets
			c.Bytes += r.counters.Bytes
			c.Errors += r.counters.Errors
			sids[r.To.Addr()] = c
		}
	}
	return sids, nil
}
