package rtnl

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// Of linux/seg6_iptunnel.h and linux/seg6_local.h.
const (
	seg6IptunnelSRH = 1
	srhType         = 4 // RFC 8754 section 2

	localAction   = 1
	localTable    = 3
	localNH4      = 4
	localNH6      = 5
	localVRFTable = 9
	localCounters = 10

	countPackets = 2
	countBytes   = 3
	countErrors  = 4
)

// seg6Modes are the words of iproute2 by number.
var seg6Modes = []string{"inline", "encap", "l2encap", nodecfg.ModeEncapRed, "l2encap.red"}

// seg6Actions are the words of iproute2 by number.
var seg6Actions = []string{"", "End", "End.X", "End.T", "End.DX2", "End.DX6", "End.DX4", "End.DT6", "End.DT4",
	"End.B6", "End.B6.Encaps", "End.BM", "End.S", "End.AS", "End.AM", "End.BPF", "End.DT46"}

// Counters are what a local SID has processed.
type Counters struct {
	Packets, Bytes, Errors uint64
}

// encodeEncap returns the attributes RTA_ENCAP_TYPE and RTA_ENCAP.
func encodeEncap(e nodecfg.Encap) ([]nl.NetlinkRequestData, error) {
	var (
		typ  uint16
		body = nl.NewRtAttr(unix.RTA_ENCAP|unix.NLA_F_NESTED, nil)
	)
	switch e := e.(type) {
	case nodecfg.Seg6:
		srh, err := encodeSeg6(e)
		if err != nil {
			return nil, err
		}
		typ = unix.LWTUNNEL_ENCAP_SEG6
		body.AddRtAttr(seg6IptunnelSRH, srh)
	case nodecfg.Seg6Local:
		typ = unix.LWTUNNEL_ENCAP_SEG6_LOCAL
		if err := encodeSeg6Local(body, e); err != nil {
			return nil, err
		}
	}
	return []nl.NetlinkRequestData{
		nl.NewRtAttr(unix.RTA_ENCAP_TYPE, binary.NativeEndian.AppendUint16(nil, typ)),
		body,
	}, nil
}

// encodeSeg6 makes struct seg6_iptunnel_encap: the mode and an SRH, in which
// the last segment comes first.
func encodeSeg6(e nodecfg.Seg6) ([]byte, error) {
	segs := e.Segments.Addrs()
	mode := number(seg6Modes, e.Mode)
	if mode < 0 || len(segs) < 1 || len(segs) > 127 {
		return nil, fmt.Errorf("cannot encode mode %q with %d segments", e.Mode, len(segs))
	}
	b := u32(uint32(mode))
	b = append(b, 0, byte(2*len(segs)), srhType, byte(len(segs)-1), byte(len(segs)-1), 0, 0, 0)
	for i := len(segs) - 1; i >= 0; i-- {
		a := segs[i].As16()
		b = append(b, a[:]...)
	}
	return b, nil
}

func decodeSeg6(b []byte) (nodecfg.Seg6, error) {
	var e nodecfg.Seg6
	err := attrs(b, func(typ uint16, v []byte) error {
		if typ != seg6IptunnelSRH {
			return nil
		}
		if len(v) < 12 {
			return errMalformed
		}
		e.Mode = word(seg6Modes, binary.NativeEndian.Uint32(v))
		n := int(v[8]) + 1
		if len(v) < 12+16*n {
			return errMalformed
		}
		segs := make([]netip.Addr, n)
		for i := range segs {
			segs[n-1-i] = netip.AddrFrom16([16]byte(v[12+16*i:]))
		}
		e.Segments = nodecfg.SegmentsOf(segs...)
		return nil
	})
	return e, err
}

func encodeSeg6Local(body *nl.RtAttr, e nodecfg.Seg6Local) error {
	action := number(seg6Actions, e.Action)
	if action < 1 {
		return fmt.Errorf("cannot encode action %q", e.Action)
	}
	body.AddRtAttr(localAction, u32(uint32(action)))
	if e.Action == "End.DT46" {
		body.AddRtAttr(localVRFTable, u32(e.Table))
	} else if e.Table != 0 || e.Action == "End.DT6" { // which demands one, if only 0
		body.AddRtAttr(localTable, u32(e.Table))
	}
	if e.NextHop.Is4() {
		body.AddRtAttr(localNH4, e.NextHop.AsSlice())
	} else if e.NextHop.IsValid() {
		body.AddRtAttr(localNH6, e.NextHop.AsSlice())
	}
	if e.Count {
		c := body.AddRtAttr(localCounters|unix.NLA_F_NESTED, nil)
		for _, typ := range []int{countPackets, countBytes, countErrors} {
			c.AddRtAttr(typ, make([]byte, 8))
		}
	}
	return nil
}

func decodeSeg6Local(b []byte) (nodecfg.Seg6Local, Counters, error) {
	var (
		e nodecfg.Seg6Local
		c Counters
	)
	err := attrs(b, func(typ uint16, v []byte) error {
		switch typ {
		case localAction:
			var n uint32
			err := get(&n, v)
			e.Action = word(seg6Actions, n)
			return err
		case localTable, localVRFTable:
			return get(&e.Table, v)
		case localNH4, localNH6:
			return getAddr(&e.NextHop, v)
		case localCounters:
			e.Count = true
			return attrs(v, func(typ uint16, v []byte) error {
				switch typ {
				case countPackets:
					return get(&c.Packets, v)
				case countBytes:
					return get(&c.Bytes, v)
				case countErrors:
					return get(&c.Errors, v)
				}
				return nil
			})
		}
		return nil
	})
	return e, c, err
}

// word returns the word of a number, or the number where it has none.
func word(words []string, n uint32) string {
	if uint64(n) < uint64(len(words)) && words[n] != "" {
		return words[n]
	}
	return fmt.Sprint(n)
}

// number returns the number of a word, or -1.
func number(words []string, word string) int {
	for n, w := range words {
		if w == word && w != "" {
			return n
		}
	}
	return -1
}
