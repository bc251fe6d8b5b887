package rtnl

import (
	"encoding/binary"
	"fmt"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

const maxAttr = 1<<16 - 1 - unix.SizeofRtAttr // bytes; its length is 16 bits

// hop is one of the next hops of a route as the kernel tells it.
type hop struct {
	nodecfg.Hop
	oif uint32
}

// decodeHops reads RTA_MULTIPATH: struct rtnexthop of 8 bytes (length, flags,
// weight less 1, interface), each with attributes of its own.
func decodeHops(b []byte) ([]hop, error) {
	var hops []hop
	for len(b) >= unix.SizeofRtNexthop {
		n := int(binary.NativeEndian.Uint16(b))
		if n < unix.SizeofRtNexthop || n > len(b) {
			return nil, errMalformed
		}
		h := hop{oif: binary.NativeEndian.Uint32(b[4:])}
		h.Weight = int(b[3]) + 1
		var tunnel tunnel
		err := attrs(b[unix.SizeofRtNexthop:n], func(typ uint16, v []byte) error {
			if typ == unix.RTA_GATEWAY {
				return getAddr(&h.Via, v)
			}
			return tunnel.attr(typ, v)
		})
		if err != nil {
			return nil, err
		}
		if h.Encap, _, err = tunnel.decode(); err != nil {
			return nil, err
		}
		hops = append(hops, h)
		b = b[min((n+3)&^3, len(b)):]
	}
	return hops, nil
}

// encodeHops makes RTA_MULTIPATH; index tells that of an interface.
func encodeHops(all nodecfg.Hops, index func(dev string) (uint32, error)) (*nl.RtAttr, error) {
	var b []byte
	for h := range nodecfg.AllHops(all) {
		if h.Weight < 1 || h.Weight > nodecfg.MaxWeight {
			return nil, fmt.Errorf("cannot encode a weight of %d", h.Weight)
		}
		oif, err := index(h.Dev)
		if err != nil {
			return nil, err
		}
		begin := len(b)
		b = append(b, 0, 0, 0, byte(h.Weight-1))
		b = binary.NativeEndian.AppendUint32(b, oif)
		var parts []nl.NetlinkRequestData
		if h.Encap != nil {
			if parts, err = encodeEncap(h.Encap); err != nil {
				return nil, err
			}
		}
		if h.Via.IsValid() {
			parts = append(parts, nl.NewRtAttr(unix.RTA_GATEWAY, h.Via.AsSlice()))
		}
		for _, p := range parts {
			b = append(b, p.Serialize()...)
		}
		binary.NativeEndian.PutUint16(b[begin:], uint16(len(b)-begin))
	}
	if len(b) > maxAttr {
		return nil, fmt.Errorf("cannot encode next hops of %d bytes, the kernel takes %d", len(b), maxAttr)
	}
	return nl.NewRtAttr(unix.RTA_MULTIPATH, b), nil
}

// tunnel is RTA_ENCAP_TYPE and RTA_ENCAP, of a route or of a next hop.
type tunnel struct {
	typ  uint16
	body []byte
}

func (t *tunnel) attr(typ uint16, v []byte) error {
	switch typ {
	case unix.RTA_ENCAP_TYPE:
		return get(&t.typ, v)
	case unix.RTA_ENCAP:
		t.body = v
	}
	return nil
}

// decode returns what Keiro can make; anything else is like nothing of Keiro's.
func (t *tunnel) decode() (nodecfg.Encap, Counters, error) {
	switch t.typ {
	case unix.LWTUNNEL_ENCAP_NONE:
		return nil, Counters{}, nil
	case unix.LWTUNNEL_ENCAP_SEG6:
		e, err := decodeSeg6(t.body)
		return e, Counters{}, err
	case unix.LWTUNNEL_ENCAP_SEG6_LOCAL:
		return decodeSeg6Local(t.body)
	}
	return nodecfg.Seg6Local{Action: fmt.Sprint("encap ", t.typ)}, Counters{}, nil
}
