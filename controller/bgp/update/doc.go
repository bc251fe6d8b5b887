// Package update writes the UPDATE messages (RFC 4271 section 4.3, RFC 4760) of
// routes that Keiro originates, and reads the path attributes that say where
// such a route may go and what it is for: next hop, local preference,
// communities, colors (RFC 9012 section 4.3, RFC 9830 section 3), route targets
// that name a headend (RFC 9830 section 4.1) and the octets of the Tunnel
// Encapsulation attribute (RFC 9012).
//
// It knows no NLRI: controller/bgp/srpolicy and controller/bgp/service bring
// theirs, and they are who calls it. It does no I/O, frames no message and
// divides none into attributes, keeps nothing and does not hold on to its input.
//
// Bad input ends in a [Fault] that names the attribute and the octet and says
// what is to be done by RFC 7606. Time and memory are bounded by the input.
package update
