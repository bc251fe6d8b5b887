// Package rib has the routing information bases of one BGP peer (RFC 4271
// section 3.2): In, the Adj-RIB-In, with the news that a consumer has not taken
// yet, and Out, the Adj-RIB-Out, with what the peer has not been told yet. Both
// coalesce: what changes faster than it is taken is passed on once, as it is
// then, in bounded memory.
//
// It does no I/O and reads no clock. It decodes nothing, and judges no route.
// Package bgp fills one end of each and empties the other.
package rib
