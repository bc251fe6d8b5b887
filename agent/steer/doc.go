// Package steer makes a node with steering by BGP the headend of SR Policies: of
// the candidate paths (RFC 9256, RFC 9830) and the colored routes (RFC 9012, RFC
// 9252) that peers say it makes policies of package nodecfg. Table keeps what was
// said, Policies decides. Package headend has the sessions, the loop of package
// agent puts the policies into its Config, and these three call it.
//
// It is pure: no I/O, no goroutine, no clock. It never looks at the kernel.
//
// What it keeps fails static: what a peer has said stays until the peer withdraws
// it in a session, or has begun a new session and has said all of it again without
// (End-of-RIB, or a time of grace where none comes). Neither the loss of a session,
// nor the end of a restart time (RFC 4724 section 4.2), nor a restart of the agent,
// whose table is on disk, takes a path away.
//
// What it decides fails closed: packets to a prefix whose colored route is there,
// in a color of Keiro's and for this node, take a valid path of a policy or none at
// all. A route that a reflector passes on to everybody is for this node if any path
// of its policy is known here, be it only the one that is never valid.
package steer
