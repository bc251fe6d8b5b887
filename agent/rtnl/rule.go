package rtnl

import (
	"fmt"
	"math"
	"net/netip"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// Of linux/fib_rules.h.
const (
	actionTable       = 1 // FR_ACT_TO_TBL
	actionUnreachable = 7 // FR_ACT_UNREACHABLE
)

// decodeRule reads an RTM_NEWRULE or RTM_DELRULE; struct fib_rule_hdr has the
// layout of struct rtmsg, its action where that has the type.
func decodeRule(msg []byte) (rule nodecfg.Rule, protocol uint8, err error) {
	if len(msg) < unix.SizeofRtMsg {
		return rule, 0, errMalformed
	}
	any := netip.IPv6Unspecified()
	if msg[0] == unix.AF_INET {
		any = netip.IPv4Unspecified()
	}
	from, to := any, any
	rule.Table = uint32(msg[4])
	err = attrs(msg[unix.SizeofRtMsg:], func(typ uint16, v []byte) error {
		switch typ {
		case unix.FRA_SRC:
			return getAddr(&from, v)
		case unix.FRA_DST:
			return getAddr(&to, v)
		case unix.FRA_PRIORITY:
			return get(&rule.Pref, v)
		case unix.FRA_TABLE:
			return get(&rule.Table, v)
		case unix.FRA_PROTOCOL:
			return get(&protocol, v)
		}
		return nil
	})
	rule.To = netip.PrefixFrom(to, int(msg[1]))
	rule.From = netip.PrefixFrom(from, int(msg[2]))
	switch msg[7] {
	case actionTable:
	case actionUnreachable:
		rule.Table = 0
	default: // none that we make
		rule.Table = math.MaxUint32
	}
	if err == nil && (!rule.To.IsValid() || !rule.From.IsValid()) {
		err = errMalformed
	}
	return rule, protocol, err
}

func encodeRule(r nodecfg.Rule) []nl.NetlinkRequestData {
	msg := &nl.RtMsg{RtMsg: unix.RtMsg{
		Family:  familyOf(r.From),
		Dst_len: uint8(r.To.Bits()),
		Src_len: uint8(r.From.Bits()),
		Type:    actionTable,
	}}
	if r.Table == 0 {
		msg.Type = actionUnreachable
	}
	parts := []nl.NetlinkRequestData{msg,
		nl.NewRtAttr(unix.FRA_PRIORITY, u32(r.Pref)),
		nl.NewRtAttr(unix.FRA_TABLE, u32(r.Table)),
		nl.NewRtAttr(unix.FRA_PROTOCOL, []byte{nodecfg.RouteProtocol}),
	}
	if r.From.Bits() > 0 {
		parts = append(parts, nl.NewRtAttr(unix.FRA_SRC, r.From.Addr().AsSlice()))
	}
	if r.To.Bits() > 0 {
		parts = append(parts, nl.NewRtAttr(unix.FRA_DST, r.To.Addr().AsSlice()))
	}
	return parts
}

func (h *Handle) rules(family uint8) ([]nodecfg.Rule, error) {
	var found []nodecfg.Rule
	header := &nl.RtMsg{RtMsg: unix.RtMsg{Family: family}}
	err := h.dump(unix.RTM_GETRULE, unix.RTM_NEWRULE, func() { found = nil }, func(msg []byte) error {
		r, protocol, err := decodeRule(msg)
		if err == nil && protocol == nodecfg.RouteProtocol {
			found = append(found, r)
		}
		return err
	}, header)
	if err != nil {
		return nil, fmt.Errorf("list rules: %w", err)
	}
	return found, nil
}

func (h *Handle) applyRule(verb nodecfg.Verb, r nodecfg.Rule) error {
	if verb == nodecfg.Delete {
		return h.change(unix.RTM_DELRULE, 0, encodeRule(r)...)
	}
	return h.change(unix.RTM_NEWRULE, unix.NLM_F_CREATE|unix.NLM_F_EXCL, encodeRule(r)...)
}
