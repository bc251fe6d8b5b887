// Package ls reads and writes BGP-LS (RFC 9552): the NLRI of AFI 16388, SAFI
// 71 and 72, and the path attribute 29 that goes with them. It knows what a
// path needs of RFC 9552, of SRv6 (RFC 9514), of the performance metrics (RFC
// 8571), of application-specific link attributes (RFC 9294), of Flexible
// Algorithm (RFC 9351), of extended administrative groups (RFC 9104) and of
// MSDs (RFC 8814). What it does not know it keeps as it came: an encoded
// object has every TLV that was decoded, in ascending order.
//
// It works on the octets of a message and returns values. It does no I/O,
// reads no clock, keeps nothing and does not hold on to its input. It does not
// pair half-links, does not merge speakers and does not judge whether a
// topology makes sense. The BGP speaker calls it, and so do its tests.
//
// An [NLRI] is the key of an object: all its types are comparable, and two are
// equal exactly if their encodings are (RFC 9552 section 5.1: unknown TLVs
// count), so that `map[ls.NLRI]V` holds a RIB. An [Attribute] is what is said
// of the object. A value that was not sent, or that could not be used, is
// unknown ([Opt]), never zero.
//
// Bad input ends in a [Fault] that names the object, the TLV and the octet,
// and says what is to be done, by RFC 9552 section 8.2.2 and RFC 7606:
//
//	the framing of the NLRI list is broken          ResetSession
//	an NLRI's TLVs overrun it, are out of order     DiscardNLRI
//	an NLRI lacks what identifies its object, or
//	  a descriptor is of the wrong size             DiscardNLRI
//	the attribute's TLVs overrun it, or sub-TLVs
//	  overrun a TLV that is known                   DiscardAttribute
//	a TLV of the attribute has a wrong size or an
//	  impossible value, or is there twice           IgnoreTLV
//	the attribute's TLVs are out of order           nothing: it is allowed
//	a TLV or an NLRI type is unknown                nothing: it is kept
//
// Framing, overruns and order are syntax. What identifies an object, sizes and
// values are semantics, which a propagator must not look at; this is a
// consumer, and one bad value must not cost it the good ones beside it.
//
// Time and memory are bounded by the input, linearly but for the sorting of
// unknown TLVs: a length is compared with what is there before anything is
// allocated for it, at most [MaxFaults] faults are kept of one call, and at
// worst (a link with thousands of empty TLVs 1122) an octet costs 200.
//
// package budget: one wire format of 60 TLVs, each with its type and its RFC
// section; the machinery that reads and writes them is a quarter of it, and
// splitting that off would export it.
package ls
