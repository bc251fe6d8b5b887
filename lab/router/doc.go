// Package router is a plain router for labs: SRv6 in the kernel, and gobgp for
// everything else. It has no agent and knows nothing of Keiro's controller but
// what that says by BGP, so a lab with it shows what a network of somebody
// else's routers would. cmd/keiro-lab-router and tests call it.
//
// It says by BGP-LS what is its own: itself, its locator, its SIDs, and its half
// of each link that has carrier (RFC 9552, 9514), as the one IGP of the lab would
// (IS-IS level 2; there is no IGP, so of others it says nothing). A link that
// loses carrier is withdrawn at once. As a headend it takes SR Policies (RFC 9830)
// and colored routes out of gobgp's RIB and installs them (RFC 9256): of a
// policy's candidate paths that of the greatest preference whose first SID is
// an End.X of its own over a link with carrier; of a colored route, with the
// service SID that came with it (RFC 9252), the path of the policy with its color
// and next hop. A colored route without such a path is not installed: there is
// no IGP that its next hop could be reached by.
//
// What it installs carries the same mark as what an agent does (agent/rtnl does
// both), so a node has one or the other.
//
// What it does not do: segment lists that share the flows of one candidate path
// (it takes the one of the greatest weight), binding SIDs, IGPs, and anything
// that is not in RFC 8986 as End, End.X, End.DT6 or End.DT4.
package router
