package rtnl

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

const ifaProto = 11 // IFA_PROTO of linux/if_addr.h, since Linux 5.18

// block is what SRv6 locators are of, RFC 9602.
var block = netip.MustParsePrefix("5f00::/16")

// addr is an address as the kernel tells it.
type addr struct {
	prefix netip.Prefix
	index  uint32
	proto  uint8 // 0: none said
}

func decodeAddr(msg []byte) (addr, error) {
	var a addr
	if len(msg) < unix.SizeofIfAddrmsg {
		return a, errMalformed
	}
	if err := get(&a.index, msg[4:8]); err != nil {
		return a, err
	}
	var address, local netip.Addr
	err := attrs(msg[unix.SizeofIfAddrmsg:], func(typ uint16, v []byte) error {
		switch typ {
		case unix.IFA_ADDRESS:
			return getAddr(&address, v)
		case unix.IFA_LOCAL:
			return getAddr(&local, v)
		case ifaProto:
			return get(&a.proto, v)
		}
		return nil
	})
	if local.IsValid() { // IFA_ADDRESS is then the peer's
		address = local
	}
	a.prefix = netip.PrefixFrom(address, int(msg[1]))
	if err == nil && !a.prefix.IsValid() {
		err = errMalformed
	}
	return a, err
}

// addrs lists the IPv6 addresses.
func (h *Handle) addrs() ([]addr, error) {
	var found []addr
	err := h.dump(unix.RTM_GETADDR, unix.RTM_NEWADDR, func() { found = nil }, func(msg []byte) error {
		a, err := decodeAddr(msg)
		found = append(found, a)
		return err
	}, nl.NewIfAddrmsg(unix.AF_INET6))
	if err != nil {
		return nil, fmt.Errorf("list addresses: %w", err)
	}
	return found, nil
}

// owned picks Keiro's addresses. The kernel marks its own ones as well; where
// none has a mark it is from before 5.18, and single addresses of the SRv6
// block count as Keiro's.
func owned(found []addr) []addr {
	marks := slices.ContainsFunc(found, func(a addr) bool { return a.proto != 0 })
	var ours []addr
	for _, a := range found {
		if a.proto == nodecfg.RouteProtocol || !marks && a.prefix.IsSingleIP() && block.Contains(a.prefix.Addr()) {
			ours = append(ours, a)
		}
	}
	return ours
}

func (h *Handle) applyAddr(verb nodecfg.Verb, a nodecfg.Addr) error {
	index, err := h.index(a.Dev)
	if err != nil {
		return err
	}
	msg := nl.NewIfAddrmsg(unix.AF_INET6)
	msg.Prefixlen = uint8(a.Addr.Bits())
	msg.Index = index
	local := nl.NewRtAttr(unix.IFA_LOCAL, a.Addr.Addr().AsSlice())
	if verb == nodecfg.Delete {
		return h.change(unix.RTM_DELADDR, 0, msg, local)
	}
	return h.change(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, msg, local,
		nl.NewRtAttr(unix.IFA_FLAGS, u32(unix.IFA_F_NODAD)),
		nl.NewRtAttr(ifaProto, []byte{nodecfg.RouteProtocol}))
}
