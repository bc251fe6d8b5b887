package egress

import (
	"net"
	"net/netip"
	"sync/atomic"
)

// Own is where this controller listens, which no alert may be sent to.
type Own struct {
	listeners atomic.Pointer[[]netip.AddrPort]
}

// Set takes the listeners, once they are open.
func (o *Own) Set(all ...net.Listener) {
	var addrs []netip.AddrPort
	for _, l := range all {
		if tcp, ok := l.Addr().(*net.TCPAddr); ok {
			at := tcp.AddrPort()
			addrs = append(addrs, netip.AddrPortFrom(at.Addr().Unmap(), at.Port()))
		}
	}
	o.listeners.Store(&addrs)
}

// Is reports whether to leads to a listener: by its address or, of one on all
// addresses, by any of this machine's.
func (o *Own) Is(to netip.AddrPort) bool {
	listeners := o.listeners.Load()
	if listeners == nil {
		return false
	}
	for _, l := range *listeners {
		if l.Port() == to.Port() && (l.Addr() == to.Addr() || local(to.Addr())) {
			return true
		}
	}
	return false
}

// local reports whether an address is this machine's. Where nobody can tell, it is.
func local(a netip.Addr) bool {
	if a.IsLoopback() || a.IsUnspecified() {
		return true
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return true
	}
	for _, one := range addrs {
		if p, err := netip.ParsePrefix(one.String()); err == nil && p.Addr().Unmap() == a {
			return true
		}
	}
	return false
}
