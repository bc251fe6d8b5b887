package nodecfg

import (
	"encoding/binary"
	"net/netip"
)

// The marks of what Keiro installs, so that it removes only its own.
const (
	RouteProtocol = 75         // rtproto of routes, rules: "K"
	TableBase     = 0x4b520000 // routing tables TableBase+1 .. TableBase+0x3ffff, see Policy.table
	RulePrefBase  = 7500       // rules RulePrefBase .. LastRulePref
	MaxPref       = 9999
	// LastRulePref is that of the fences behind all policies.
	LastRulePref = RulePrefBase + 2*(MaxPref+1)
	MaxLinkID    = 0x0fff
	// ColorBase plus the number of an intent is the color of its SR Policies (RFC
	// 9256 section 2.1). Operators have the colors up to it for themselves.
	ColorBase = 1_000_000
)

// Functions of a locator (RFC 8986 section 3.1: LOC:FUNCT:ARG, 48:16:64).
// Function 0 holds the loopback address, which is no SID.
const (
	functEnd     = 0x0001
	functEndDX4  = 0x0004
	functEndDT6  = 0x0006
	functEndX    = 0x4000 // + link ID
	functIngress = 0x8000 // + link ID: reached only over that link
)

// sid returns the address of a function in a locator, with host as its last
// 16 bits.
func sid(locator netip.Prefix, funct uint16, host uint16) netip.Addr {
	b := locator.Addr().As16()
	binary.BigEndian.PutUint16(b[6:], funct)
	binary.BigEndian.PutUint16(b[14:], host)
	return netip.AddrFrom16(b)
}

// Loopback is the node's own address: source of encapsulation (`ip sr
// tunsrc`), of ICMP and of probes.
func Loopback(locator netip.Prefix) netip.Addr { return sid(locator, 0, 1) }

// End is the node's SID, RFC 8986 section 4.1.
func End(locator netip.Prefix) netip.Addr { return sid(locator, functEnd, 0) }

// EndX sends on over the link with this ID, RFC 8986 section 4.2.
func EndX(locator netip.Prefix, id uint16) netip.Addr { return sid(locator, functEndX|id, 0) }

// EndDT6 decapsulates IPv6 and looks the inner destination up, RFC 8986
// section 4.6.
func EndDT6(locator netip.Prefix) netip.Addr { return sid(locator, functEndDT6, 0) }

// EndDX4 decapsulates IPv4. Its next hop is 0.0.0.0, by which Linux looks up
// the inner destination in the main table: what End.DT4 (RFC 8986 section
// 4.7) does, without the VRF device that Linux demands for that.
func EndDX4(locator netip.Prefix) netip.Addr { return sid(locator, functEndDX4, 0) }

// Ingress is the block of addresses that neighbours reach only over the link
// with this ID. A headend cannot execute an End.X of its own on packets that
// it makes itself, so a path begins with a SID that pins its first link.
func Ingress(locator netip.Prefix, id uint16) netip.Prefix {
	return netip.PrefixFrom(sid(locator, functIngress|id, 0), 64)
}

// IngressEnd is the End SID in the Ingress block.
func IngressEnd(locator netip.Prefix, id uint16) netip.Addr {
	return sid(locator, functIngress|id, 0)
}

// Adjacency is the address of this end of the link, in the Ingress block.
func Adjacency(locator netip.Prefix, id uint16) netip.Addr {
	return sid(locator, functIngress|id, 1)
}
