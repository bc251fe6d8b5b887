// Package srpolicy reads and writes candidate paths of SR Policies (RFC 9256) as
// BGP carries them to a headend (SAFI 73, RFC 9830). Of segments it knows type B,
// an SRv6 SID; others (RFC 9831) it keeps as they came. What a headend reports of
// them is in bgp/srpolicy/report.
//
// It works on octets and returns values. It does no I/O, reads no clock, keeps
// nothing and does not hold on to its input. It chooses no path, no color and no
// headend. The BGP speaker calls it with what the controller decided, and so do
// its tests.
//
// Bad input ends in a [message.Fault], by RFC 9830 sections 2, 4.2.1 and 5:
//
//	the length of an NLRI is no whole number of
//	  octets, or overruns the list                  DisableFamily
//	an NLRI is not of its family's length           TreatAsWithdraw: it is skipped
//	neither NO_ADVERTISE nor a route target         TreatAsWithdraw
//	no Tunnel Encapsulation attribute, another
//	  tunnel type, the SR Policy one twice          TreatAsWithdraw
//	a TLV or sub-TLV overruns what it is in, or
//	  has a wrong size or an impossible structure   TreatAsWithdraw
//	a sub-TLV of which there may be one is there
//	  twice                                         nothing: the first counts
//	a sub-TLV is unknown                            nothing: it is kept, and the
//	                                                path is not usable
//
// A label, a name or a SID that makes no sense is no fault: that is for the headend
// to judge (RFC 9830 section 5).
//
// Time and memory are bounded by the input, linearly: a length is compared with
// what is there before anything is allocated for it, and at worst (a segment list of
// empty sub-TLVs) an octet costs 200.
package srpolicy
