package daemon

import (
	"net"
	"net/netip"
)

// near are the networks that the machine is attached to, and the controller's address
// if it has one; nil: it cannot be told.
func near(controller netip.Addr) (all []netip.Prefix) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	if controller.IsValid() {
		all = append(all, netip.PrefixFrom(controller.WithZone(""), controller.BitLen()))
	}
	for _, a := range addrs {
		n, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		ip, ok := netip.AddrFromSlice(n.IP)
		bits, _ := n.Mask.Size()
		// Single addresses are the machine's own, which it looks for before any policy.
		if ip = ip.Unmap(); ok && bits < ip.BitLen() {
			all = append(all, netip.PrefixFrom(ip, bits).Masked())
		}
	}
	return all
}
