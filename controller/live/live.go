package live

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keiro-net/keiro/bgp/lsdb"
	"github.com/keiro-net/keiro/topology"
)

// Result is the joined topology, and where all of it comes from.
type Result struct {
	// Topology has the nodes and entries of the declared one, in its order. What
	// is learned and counts is Measured, at the time since when it is said.
	Topology *topology.Topology
	// Out says of entries why they carry no traffic.
	Out map[string]string
	// Nodes and Links are as those of the Topology, and its Entries.
	Nodes []Node
	Links []Link
	// What was learned and nobody declared. It is shown, not used.
	Routers []*lsdb.Router
	Others  []*lsdb.Link
	// Half are half-known links, declared or not.
	Half []*lsdb.HalfKnown
	SIDs SIDs

	declared *topology.Topology
	names    map[uint32]string // of SRLGs
}

// Attributes are those of entry e. They are worked out when somebody asks: most
// are never shown.
func (r *Result) Attributes(e int) []Attribute {
	l := r.Links[e]
	l.Conditions = nil // told already, and not of the copy
	entry, ab, ba := r.declared.Entries[e], r.declared.Links[2*e], r.declared.Links[2*e+1]
	(&joiner{names: r.names, report: true}).joinLink(&l, &entry, &ab, &ba)
	return l.attributes
}

// Declared is the topology that was joined with what is learned.
func (r *Result) Declared() *topology.Topology { return r.declared }

// Outage is Out as a solver takes it.
func (r *Result) Outage() topology.Outage {
	o := topology.Outage{Entries: make(map[string]bool, len(r.Out))}
	for name := range r.Out {
		o.Entries[name] = true
	}
	return o
}

// Node is a declared node.
type Node struct {
	Name       string
	Router     *lsdb.Router // nil: none is known to be it
	BGP        *lsdb.Router // the same one as BGP has it (RFC 9086), if it is known under that name only there
	Attributes []Attribute
	Conditions []Condition
}

// Link is a declared link.
type Link struct {
	Name     string
	Learned  *lsdb.Link // nil: none is known to be it
	Reversed bool       // its A is b of the entry; the Halves are from b
	// Halves, instead of Learned, of a link with an agent at one end: what the
	// router at the other end says of it.
	Halves     []*lsdb.HalfKnown
	Conditions []Condition

	attributes []Attribute // see Result.Attributes
}

// Condition is something that an operator should know of an object.
type Condition struct {
	Type    ConditionType
	Message string
}

// ConditionType names a condition.
type ConditionType string

// The conditions of nodes.
const (
	NodeAmbiguous  ConditionType = "NodeAmbiguous"  // matches several routers, or a router that others match
	NodeMissing    ConditionType = "NodeMissing"    // has no agent, and a routerID that no peer knows
	NameElsewhere  ConditionType = "NameElsewhere"  // its router has the name of another declared node
	RouterConflict ConditionType = "RouterConflict" // other routers claim its addresses
	LocatorDiffers ConditionType = "LocatorDiffers" // its router has other locators than declared
)

// The conditions of links.
const (
	CapacityBelowDeclared ConditionType = "CapacityBelowDeclared"
	DelayAboveDeclared    ConditionType = "DelayAboveDeclared"
	SRLGNotDeclared       ConditionType = "SRLGNotDeclared"
	LinkUnusable          ConditionType = "LinkUnusable"   // no IGP lets paths use it
	LinkHalfKnown         ConditionType = "LinkHalfKnown"  // one direction only
	LinkMissing           ConditionType = "LinkMissing"    // its nodes are known, it is not
	LinkElsewhere         ConditionType = "LinkElsewhere"  // learned between other nodes
	LinkAmbiguous         ConditionType = "LinkAmbiguous"  // nothing tells which learned link it is
	LinkWithoutSID        ConditionType = "LinkWithoutSID" // a router without an agent has none for it
)

// Stale is of nodes and links of which no live peer says anything any more.
const Stale ConditionType = "Stale"

// ConditionTypes are all of them.
var ConditionTypes = []ConditionType{
	NodeAmbiguous, NodeMissing, NameElsewhere, RouterConflict, LocatorDiffers,
	CapacityBelowDeclared, DelayAboveDeclared, SRLGNotDeclared, LinkUnusable, LinkWithoutSID, LinkHalfKnown, LinkMissing, LinkElsewhere, LinkAmbiguous,
	Stale,
}

// Attribute is a value of a node or link and where it comes from. Values are in
// the words of a file.
type Attribute struct {
	Name  string // as in a file, such as capacity and ba.delay
	Value string // what counts; "" is unknown
	// Learned: it counts because it was learned, else because it was declared.
	Learned bool
	// What either says, "" is nothing.
	ByFile, ByPeers string
	// Peers say it since a time, or said it before their session was lost.
	Peers []string
	Since time.Time
	Stale bool
	// Others are what other live peers say.
	Others []string
}

// Join joins a declared topology with what was learned.
func Join(t *topology.Topology, v *lsdb.View) *Result {
	names := make(map[uint32]string, len(t.SRLGs))
	for _, g := range t.SRLGs {
		names[g.Number] = g.Name
	}
	j := &joiner{t: t, v: v, names: names, r: &Result{Out: map[string]string{}, Half: v.Half, declared: t, names: names}}
	j.matchNodes()
	j.matchLinks()
	j.matchHalves()
	j.undeclared()
	j.r.SIDs = newSIDs(t, j.r)
	j.withoutSIDs()
	j.r.Topology = j.topology()
	return j.r
}

// joiner is a join under way.
type joiner struct {
	t     *topology.Topology
	v     *lsdb.View
	r     *Result
	names map[uint32]string // of SRLGs
	node  map[string]int    // of a router, by its key
	// report: attributes are wanted, not only what counts.
	report bool
	lower  map[string][]int // nodes by their name in lower case; made when it is asked for
}

// undeclared lists the routers and links that nobody declared.
func (j *joiner) undeclared() {
	for _, r := range j.v.Routers {
		if _, declared := j.node[r.Key]; !declared {
			j.r.Routers = append(j.r.Routers, r)
		}
	}
	declared := make(map[*lsdb.Link]bool, len(j.r.Links))
	for i := range j.r.Links {
		declared[j.r.Links[i].Learned] = true
	}
	for _, l := range j.v.Links {
		if !declared[l] {
			j.r.Others = append(j.r.Others, l)
		}
	}
}

func (n *Node) tell(kind ConditionType, format string, args ...any) {
	n.Conditions = append(n.Conditions, Condition{kind, fmt.Sprintf(format, args...)})
}

func (l *Link) tell(kind ConditionType, format string, args ...any) {
	l.Conditions = append(l.Conditions, Condition{kind, fmt.Sprintf(format, args...)})
}

// out tells why a declared link carries no traffic.
func (j *joiner) out(e int, kind ConditionType, format string, args ...any) {
	j.r.Links[e].tell(kind, format, args...)
	j.r.Out[j.t.Entries[e].Name] = fmt.Sprintf(format, args...)
}

// topology is the joined one.
func (j *joiner) topology() *topology.Topology {
	nodes, entries, links := slices.Clone(j.t.Nodes), slices.Clone(j.t.Entries), slices.Clone(j.t.Links)
	for n := range nodes {
		j.joinNode(n, &nodes[n])
	}
	j.dropSharedLocators(nodes)
	for e := range entries {
		j.joinLink(&j.r.Links[e], &entries[e], &links[2*e], &links[2*e+1])
	}
	t := topology.New(j.t.Name, j.t.Sites, nodes, entries, links)
	t.SRLGs = j.t.SRLGs
	return t
}

// place names a node and its country, as far as they are known.
func (j *joiner) place(router string) string {
	n, declared := j.node[router]
	if !declared {
		if r := j.v.Router(router); r != nil {
			return "undeclared " + r.String()
		}
		return "a LAN"
	}
	if c := j.t.Country(n); c != "" {
		return j.t.Nodes[n].Name + " (" + c + ")"
	}
	return j.t.Nodes[n].Name
}

func join(list []string) string { return strings.Join(list, ", ") }
