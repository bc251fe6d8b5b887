// Package egress keeps alerts out of networks that are none of a receiver's:
// who may name the URL of an endpoint, or answers for its name in DNS, must not
// make the controller speak to what only the controller reaches (server-side
// request forgery). It looks at the very address that is about to be dialed,
// after the name was resolved, so a name that changes between two looks wins
// nothing. It resolves and dials nothing itself. controller/alert calls it.
package egress

import (
	"fmt"
	"net/netip"
	"syscall"
)

// Policy says where one endpoint's requests may go. The zero value lets them
// go to public addresses.
type Policy struct {
	Allow []netip.Prefix // beside what is public
	// Own reports whether this controller listens there itself: refused, even
	// where Allow has it. nil: it listens nowhere.
	Own func(netip.AddrPort) bool
}

// special are the IPv4 addresses that are not public: the IANA IPv4
// Special-Purpose Address Registry (RFC 6890), and multicast.
var special = []struct {
	prefix netip.Prefix
	what   string
}{
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback"},
	{netip.MustParsePrefix("10.0.0.0/8"), "private (RFC 1918)"},
	{netip.MustParsePrefix("172.16.0.0/12"), "private (RFC 1918)"},
	{netip.MustParsePrefix("192.168.0.0/16"), "private (RFC 1918)"},
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local"},
	{netip.MustParsePrefix("100.64.0.0/10"), "shared between operators and customers (RFC 6598)"},
	{netip.MustParsePrefix("0.0.0.0/8"), "this network"},
	{netip.MustParsePrefix("192.0.0.0/24"), "for protocols (RFC 6890)"},
	{netip.MustParsePrefix("192.0.2.0/24"), "for documentation"},
	{netip.MustParsePrefix("192.88.99.0/24"), "6to4"},
	{netip.MustParsePrefix("198.18.0.0/15"), "for benchmarks"},
	{netip.MustParsePrefix("198.51.100.0/24"), "for documentation"},
	{netip.MustParsePrefix("203.0.113.0/24"), "for documentation"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast"},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved"},

	// What lies within global unicast and yet is not public. Several embed an
	// IPv4 address that some gateway would dial.
	{netip.MustParsePrefix("2001::/23"), "for protocols (RFC 2928)"},
	{netip.MustParsePrefix("2001:db8::/32"), "for documentation"},
	{netip.MustParsePrefix("2002::/16"), "6to4"},
	{netip.MustParsePrefix("3fff::/20"), "for documentation"},
	{netip.MustParsePrefix("::1/128"), "loopback"},
	{netip.MustParsePrefix("fe80::/10"), "link-local"},
	{netip.MustParsePrefix("fc00::/7"), "unique local (RFC 4193)"},
	{netip.MustParsePrefix("5f00::/16"), "of SRv6 SIDs (RFC 9602)"},
	{netip.MustParsePrefix("64:ff9b::/96"), "NAT64 (RFC 6052)"},
	{netip.MustParsePrefix("ff00::/8"), "multicast"},
}

// globalUnicast is all of IPv6 that IANA gives to networks.
var globalUnicast = netip.MustParsePrefix("2000::/3")

// refused says why an address is not public; "": it is.
func refused(a netip.Addr) string {
	for _, s := range special {
		if s.prefix.Contains(a) {
			return s.what
		}
	}
	if a.Is6() && !globalUnicast.Contains(a) {
		return "not global unicast"
	}
	return ""
}

// Check returns why an address may not be dialed.
func (p Policy) Check(to netip.AddrPort) error {
	a := to.Addr().Unmap().WithZone("")
	if p.Own != nil && p.Own(netip.AddrPortFrom(a, to.Port())) {
		return fmt.Errorf("%s is refused: this controller listens there itself", to)
	}
	for _, prefix := range p.Allow {
		if prefix.Contains(a) {
			return nil
		}
	}
	if why := refused(a); why != "" {
		return fmt.Errorf("address %s is refused: it is %s; if alerts are to go there, name it in the endpoint's `allow`", a, why)
	}
	return nil
}

// Control is net.Dialer's Control: it sees every address before it is dialed.
func (p Policy) Control(network, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("address %s of network %s is refused: want IP and port", address, network)
	}
	return p.Check(to)
}

// ParseAllow reads one entry of `allow`: an address, or a prefix such as 10.0.0.0/8.
func ParseAllow(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" && !a.Is4In6() {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil || p.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("%q: want an address, or a prefix such as 10.0.0.0/8", text)
	}
	if p != p.Masked() {
		return netip.Prefix{}, fmt.Errorf("%q: has bits behind its length; say %s, or the address alone", text, p.Masked())
	}
	return p, nil
}
