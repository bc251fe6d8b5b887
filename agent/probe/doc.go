// Package probe tells whether the paths of a node's policies carry packets,
// how long the way there and back takes, and which nodes packets see on it.
//
// It measures in loopback mode (RFC 9503 section 4; draft-ietf-spring-stamp-srpm):
// the headend sends itself an IPv6 packet inside an SRv6 packet whose SIDs lead
// along the path to its tail and back over the same links. Every node forwards
// it as it forwards the traffic; none has to listen, answer or be alive beyond
// its kernel. So there is nothing for strangers to ask either.
//
// When a path is called down. A probe counts as lost when it is unanswered for
//
//	patience = SRTT + max(G, 4*RTTVAR),  G = max(interval, 5 ms)
//
// which is the retransmission timeout of RFC 6298 section 2, with the interval
// as its clock granularity. It grows with the round trip, so a path whose
// round trip is longer than the interval has several probes under way and
// loses none. Lost losses in a row make the path down, Back answers in a row
// up. A cut is therefore noticed after at most
//
//	Lost*interval + patience + 1 ms
//
// which is 41 ms for 3 losses at 10 ms, and one interval earlier at best. A
// path that is not up (down, or not yet known) has all of a second for each
// probe (RFC 6298 section 2.1), so a round trip that grew is learned and not
// held against the path for ever. A probe that the kernel refuses to send is
// lost at once. Whenever a path becomes up its round trip is measured anew.
//
// A busy machine is not a broken path: the kernel stamps answers as they come,
// all that came are taken before any probe is called lost, and a stretch in
// which this process or the whole machine slept does not count (clock).
//
// What it needs of the node: the SIDs of the path, End.DT6 into table main, and
// in table main a route of type local to the node's own loopback address. The
// kernel's own route to an address on lo is a reject there, so without that
// one nothing that End.DT6 unpacks reaches the node itself.
//
// The package never installs or changes anything in the kernel and never
// decides which path is used: agent does, which is also who calls it.
//
// package budget: what is sent on one path, by one socket and one clock
package probe
