package nodecfg

import (
	"fmt"
	"net/netip"
)

var routerAddresses = netip.MustParsePrefix("2001:db8:ffff::/48")

// routerAddress is an address or a SID of a router behind link i.
func routerAddress(i, n int) netip.Addr {
	return netip.MustParseAddr(fmt.Sprintf("2001:db8:ffff:%x::%x", i, n))
}

// astray returns a route that encapsulates for a router without an agent though
// nothing leads the first SID there.
func (k kernel) astray() (Route, bool) {
	for _, o := range k.State {
		r, ok := o.(Route)
		e, seg6 := r.Encap.(Seg6)
		if !ok || !seg6 || !routerAddresses.Contains(e.Segments.Addrs()[0]) {
			continue
		}
		if k.State[Route{Table: MainTable, To: host(e.Segments.Addrs()[0]), Metric: mainMetric}] == nil {
			return r, true
		}
	}
	return Route{}, false
}
