// Package way tells whether packets take the links that a path says: proof of
// transit by in-band OAM (IOAM, RFC 9197).
//
// Every 500 ms it sends a probe down each path and back, as package probe does:
// an IPv6 packet whose SIDs are those of the path, then those that lead back.
// It carries the hop-by-hop option of a pre-allocated trace (RFC 9486), into
// which each node on its way writes its number, the number of the link that
// the packet came in by, and the hop limit, which says how many nodes were
// passed before. The last SID is this node's own address, so nothing takes the
// option off. What comes home is compared with the links of the path.
//
// There are three answers. Proven: each node of the path, up to its tail, was
// reached over its link, in order. Deviates: some node was not, and which.
// Else nobody can tell: a router or a kernel without in-band OAM wrote nothing,
// somebody on the way drops packets with hop-by-hop options (RFC 9098), the
// path has more than 30 links. Then only the count of nodes can contradict.
//
// The filter. Of the last five probes two must have deviated, so a single stray
// is none; three in a row must have proven the way, with none astray among the
// last five. A probe that says another thing than before has the next one
// follow after 150 ms. So a deviation is told after at most 500 ms + 150 ms +
// twice a tick + the round trip, under a second, and its end not sooner than
// after a second.
//
// What it proves, and what not. Each probe bears a code that only this process
// can make (HMAC-SHA-256), is awaited for a second and taken once: who has not
// seen it cannot answer it. But nodes write into the trace what they will, and
// nothing protects that (RFC 9197 section 9; RFC 9322 says the same): a node of
// the path that lies, or somebody on a wire of it, can forge a proof. This is
// against mistakes, drift and misconfiguration, which is what happens. Nor does
// it see below IP: two switches that were exchanged are the same link.
//
// Probes follow the node's own routes to the first SID, as the intent's packets
// do after encapsulation; that these are encapsulated at all, and with these
// SIDs, is what package agent looks after in its own kernel.
//
// The package never changes anything in the kernel, and never decides what is
// used: agent does, which is also who calls it.
package way
