// Package probe tells whether the paths of a node's policies carry packets,
// how long the way there and back takes, and which nodes packets see on it.
//
// It measures in loopback mode (RFC 9503 section 4; draft-ietf-spring-stamp-srpm):
// the headend sends itself an IPv6 packet inside an SRv6 packet whose SIDs lead
// along the path to its tail and back over the same links. Every node forwards
// it as it forwards the traffic; none has to listen, answer or be alive beyond
// its kernel. So there is nothing for strangers to ask in that either.
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
//	Lost*interval + patience + round
//
// where rounds, in which packets leave and are judged together, are a fifth of
// the interval apart, 1 to 20 ms. That is 42 ms for 3 losses at 10 ms and 15 ms
// at 3 ms, beside the round trip, and one interval earlier at best. A
// path that is not up (down, or not yet known) has all of a second for each
// probe (RFC 6298 section 2.1), so a round trip that grew is learned and not
// held against the path for ever. A probe that the kernel refuses to send is
// lost at once. Whenever a path becomes up its round trip is measured anew.
//
// A busy machine is not a broken path: the kernel stamps answers as they come,
// all that came are taken before any probe is called lost, and a stretch in
// which this process or the whole machine slept does not count (clock).
//
// # Each direction by itself
//
// A probe that comes home says nothing of the two ways that it took. So test
// packets are exchanged with the agent at the tail as well (STAMP, RFC 8762;
// package stamp): they go there over the path, and their answers come back by
// the SIDs of the path's Return, which the packet carries (RFC 9503 section
// 4.1.2). The reflector's own sequence numbers say which direction lost a packet.
// One-way delays are told only where both kernels say that their clocks are
// synchronized (adjtimex(2)) and to better than a millisecond. Otherwise the
// round trip, less the time at the tail, says what it can: of a trip longer than
// twice the bound one direction is beyond it for sure, of one no longer than the
// bound neither is.
//
// Whether a path keeps its bounds (PathState.Delay and Loss) is found by both
// kinds of packets: probes are many and so quick, test packets know directions.
// Package gauge says by what filters, and what they cost in time. In short, of
// probes every 10 ms: a delay that grew beyond what can be excused is found after
// 0.25 to 0.5 s; 1 % of loss in one direction, where 0.1 % is allowed, after 9 s
// in the mean.
//
// Within a machine all is measured by its monotonic clock. A wall clock that is
// set costs the times of the packets that were under way; one at the other end
// that is set makes one-way delays of before and after incomparable: those of
// before are forgotten. Loss does not depend on clocks.
//
// Test packets are taken from nodes of the Config only, with the key of the pair
// (nodecfg.Tester). What anybody else sends, repeats or sends back changes
// nothing; package stamp says how. The reflector listens on UDP port 862; where
// another program has it, it asks again each second and the log says so.
//
// # What it needs
//
// What it needs of the node: the SIDs of the path, End.DT6 into table main, and
// in table main a route of type local to the node's own loopback address. The
// kernel's own route to an address on lo is a reject there, so without that
// one nothing that End.DT6 unpacks reaches the node itself.
//
// The package never installs or changes anything in the kernel and never
// decides which path is used: agent does, which is also who calls it.
//
// package budget: probes and test packets share the paths, their rounds and one
// lock; what does without these is in the packages below.
package probe
