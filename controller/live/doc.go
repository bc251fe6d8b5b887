// Package live joins what an operator declared with what routers say of
// themselves by BGP-LS, to the topology that paths are computed on. It is pure: it
// is given a Topology and a View, and returns a Topology, what carries no
// traffic, and for every value who says so. It decides nothing about paths and
// keeps nothing between calls. The controller calls it when either changes, and
// `keiro get topology --learned` prints what Learned makes of a View alone.
//
// Ducts, sites, operators, geometry, QKD and labels are the file's: no router
// knows them. A node is matched by its routerID, which is the IGP router ID or a
// router address (TLV 1028, 1029) of exactly one router; one without routerID by
// its name, which is the node name (TLV 1026) or the first label of it,
// irrespective of case. What matches two is matched by nobody, and told. A link
// is matched between its two nodes: by addresses, else by its name (TLV 1098),
// else if it is the only one left that one learned link may be, and that link the
// only one it may be.
//
// Unknown is never yes: what is learned makes the declared picture worse, never
// better, and is used as it is only where the file leaves a value out.
//
//	value       what is learned of a direction               the file states it     it does not
//	metric      TE metric, else IGP metric                   the greater            (the file's is 1)
//	capacity    least of maximum, reservable, residual       the less               learned
//	            bandwidth (TLV 1089, 1090, 1118)
//	delay       greatest of maximum and average delay        the greater            learned
//	            (TLV 1115, 1114); more than TLVs can say
//	            is unknown
//	SRLGs       of both directions, by the names that        all of both            learned, if both
//	            `srlgs` of the file gives the numbers,                              directions say
//	            else srlg-NUMBER
//	locator     of algorithm 0                               declared               learned, if it is one
//	                                                                                that a file may state
//
// Where IGPs, levels or topologies say different things of one link, the worst
// counts, of those that let paths use it. Available bandwidth (TLV 1119) is not
// used: the traffic that is to be placed is in it already. A delay that was
// derived from geometry counts as stated.
//
//	a declared link                                            is
//	matched, and an IGP lets paths use it                      there
//	matched, and none does (overload, greatest metric)         out
//	known in one direction only                                out
//	learned between other nodes, by its addresses              out
//	not known, and peers that have said all know both its      out
//	  nodes, in one IGP
//	one of several that nothing tells apart, and fewer are     out
//	  learned than declared, or paths may not use all of them
//	of a node that matches several routers, or one with others out
//	of a node without an agent, with a routerID that nobody    out
//	  knows, when every peer has said all
//	with an agent at one end, and the router at the other      there
//	  tells of its half
//	likewise, and of none that could be it, when every peer    out
//	  has said all
//	known, but no SID by which an end without an agent sends   out
//	  over it
//	anything else                                              as declared
//
// The halves of routers to agents are matched by addresses, else by name (TLV
// 1098), else by the agent's node: of its routerID, as its BGP Identifier (RFC 9086)
// or as remote router ID (TLV 1030, 1031). What is learned of that direction
// counts; the other one is as declared. Its SID is the End.X that comes with the
// half (RFC 9514 section 4.1), or else that for the agent as BGP peer (TLV 1251).
//
// So until a peer has said all (End-of-RIB) the declared state stands. A node
// that is in no IGP needs no routerID, and its end of a link is for its agent to judge; a
// router without an agent should have one, so that its end is noticed. Parallel
// links should all be declared, or have addresses: else one that fails leaves
// another that looks like it.
//
// package budget: one join; its parts (nodes, links of two halves, halves beside an
// agent, SIDs) share what was matched with what, and apart they would export it.
package live
