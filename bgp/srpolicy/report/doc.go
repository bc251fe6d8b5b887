// Package report reads what a headend says by BGP-LS of its candidate paths (RFC
// 9857), and says whether that is what was sent to it: yes, no and why, or cannot
// tell.
//
// It works on what bgp/ls keeps of an NLRI of type 5, which stays the key
// of the object, and of its attribute, whose octets the raw TLVs share. It does no
// I/O, reads no clock and keeps nothing. It reads SRv6; of SR-MPLS it keeps the TLVs. It
// does not know which path should be the active one. The BGP speaker's consumer
// calls it, and so do its tests.
//
// Bad input ends in an [ls.Fault]: DiscardNLRI if the path cannot be named,
// IgnoreTLV for a TLV that is wrong. A TLV that a verdict needs and that is wrong
// leaves no yes and, where its absence would be a no, no no.
package report
