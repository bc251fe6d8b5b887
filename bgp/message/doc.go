// Package message reads and writes the messages of BGP-4: their framing (RFC
// 4271 section 4.1, RFC 8654), OPEN with its capabilities (RFC 4271 section
// 4.2, RFC 5492, RFC 9072), NOTIFICATION with its words (RFC 4486, RFC 9003),
// KEEPALIVE, ROUTE-REFRESH (RFC 2918), and UPDATE taken apart into path
// attributes and, per address family, a next hop and the octets of the NLRIs
// (RFC 4760). What those octets mean is the business of others, such as
// package ls; only prefixes of IPv4 and IPv6 are read here.
//
// It works on octets and returns values. It does no I/O, keeps nothing between
// two calls and knows no session: who may send what in which state is package
// fsm, the speaker's sockets are package bgp, and both call it.
//
// What is wrong with a message comes back in one of two forms. A *Notification
// is an error that ends the session, and is what to send to the peer. A Fault
// is what RFC 7606 lets a session survive: the routes of the UPDATE count as
// withdrawn, or an attribute as not sent.
//
// Values that a parser returns share the memory of its input.
package message
