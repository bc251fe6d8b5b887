// Package lsdb is a link-state database of what several BGP-LS speakers said. It
// keeps every object with the last word of each peer, and answers with one
// merged view: routers, links of two halves, and halves that do not make a link,
// with the reason.
//
// It is pure: the time comes in, and equal inputs give equal views, whatever the
// order of the peers. It does not decode (package ls), holds no session (package
// bgp feeds it), knows nothing of what an operator declared and never decides
// what a path may use: controller/live does.
//
// Whom to believe is decided in package said. What a peer said before its session
// was lost is stale, not gone, until the peer is back and has said all
// (End-of-RIB).
//
// What is one thing:
//
//	one router    nodes of one IGP instance with one IGP router ID, whatever
//	              the level or area, unless they name two AS; nodes of several
//	              instances that share a router address (TLV 1028, 1029)
//	never         two IGP router IDs of one instance. An address that both
//	              claim is told, and unites nothing
//	one adjacency two halves of one instance, level, area and topology: by link
//	              identifiers, else by addresses, else if there is only one
//	              each way and nothing speaks against it
//	one half      halves of one description between two routers, by whatever names
//	              speakers have for these: the one that a live peer tells of
//	one link      adjacencies between two routers whose ends share an interface
//	              address, or in one instance an identifier; or of which each is
//	              the only one of its level and topology, if nothing speaks against
//	              it
//	a LAN         is a link between any two members that the pseudonode knows and
//	              that know it, up to MaxLANMembers of them
//
// A change costs what it touches, in View: its router, the links of its two
// routers, its LAN; and one pass over the lists of pointers that a View is. So a
// caller takes in what has come and then asks for one View. Parts of Views are
// shared and never changed: what is the same pointer is the same.
//
// package budget: one index of objects, nodes, routers and bundles that is kept up
// to date as a whole; splitting it would export it.
package lsdb
