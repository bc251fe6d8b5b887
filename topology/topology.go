// Package topology knows what exists: sites, nodes, links, shared risks and
// geography. Its core is pure: bytes in, values out. It never decides what a
// path must be (pathspec) nor which path to take (pathspec/solve). Everybody
// imports it; it imports nothing of Keiro but its own helpers.
//
// package budget: one document, read, checked and written again with the lines
// that errors name; its parts share all that is unexported of it.
package topology

import (
	"maps"
	"net/netip"
	"slices"
)

// Topology is the traffic-engineering database: an immutable value once
// parsed. Order is file order and is part of the value, so that equal files
// give equal answers.
type Topology struct {
	Name    string
	Sites   []Site
	Nodes   []Node
	Entries []Entry
	// Links holds both directions of every entry: entry e is Links[2*e]
	// (from a to b) and Links[2*e+1] (from b to a).
	Links []Link
	// SRLGs are the shared risks whose number in the IGP is known. Any other name
	// may stand on an entry as well.
	SRLGs []SRLG

	nodeIndex, siteIndex, entryIndex map[string]int

	memo *memo
}

// Site is a place: a building or a campus.
type Site struct {
	Name    string
	Country string      // ISO 3166-1 alpha-2; "" is unknown
	Region  string      // free text
	Where   Attr[Point] // latitude and longitude
}

// Node is a router or a host that forwards.
type Node struct {
	Name     string
	Site     string // name of a Site; "" is unknown
	Operator string // "" is unknown
	Labels   map[string]string
	Locator  netip.Prefix // SRv6 locator, RFC 8986 section 3.1; the zero value: the controller assigns one
	RouterID string       // what an IGP calls it, as ParseRouterID writes it; "" is unknown
	Evidence Attr[int64]  // level of hardware evidence; unknown until somebody has appraised it
	// NoAgent: no keiro-agent runs on it. Its SIDs are learned (BGP-LS), and what
	// it is to do is said to it by BGP.
	NoAgent  bool
	Steering Steering
	Guard    Guard
}

// Guard is what the agent of a node does when others change what it made.
type Guard string

// Enforce puts it back and tells; Alert only tells, but for what keeps packets
// from going where they must not, which is always put back.
const (
	Enforce Guard = ""
	Alert   Guard = "alert"
)

// Steering is how a node is told the paths that begin at it.
type Steering string

// The ways: by the channel of its agent, or by BGP SR Policies (RFC 9830), which
// is the only one for a node without an agent.
const (
	ByAgent Steering = ""
	ByBGP   Steering = "bgp"
)

// Entry is one `links` entry of the file: a cable, both directions of it.
// Disjointness `link` is between entries.
type Entry struct {
	Name       string
	A, B       int    // indices into Nodes
	Operator   string // "" is unknown
	SRLGs      Attr[[]string]
	QKD        bool    // a QKD system runs on it
	Keyless    string  // why its keys cannot be counted on now; "" they can, or there is no QKD system
	Route      []Point // the cable as laid, from a to b; nil is unknown
	Labels     map[string]string
	AInterface string // interface of a that the cable is plugged into; "" is unknown
	BInterface string
	AAddress   netip.Addr // of the interface of a, as an IGP has it; the zero value is unknown
	BAddress   netip.Addr
}

// SRLG is a shared risk link group with the number that an IGP knows it by (RFC
// 5307 section 1.3).
type SRLG struct {
	Name   string
	Number uint32
}

// Link is one direction of an Entry, as in RFC 9552 section 5.2.2.
type Link struct {
	Entry    int // index into Entries
	From, To int // indices into Nodes
	Metric   int64
	Capacity Attr[Bandwidth]
	Delay    Attr[Delay]
}

// Point is a place on the ground, degrees north and east (WGS 84).
type Point struct {
	Lat, Lon float64
}

// New indexes the given parts into a Topology. It does not validate; Parse does.
func New(name string, sites []Site, nodes []Node, entries []Entry, links []Link) *Topology {
	t := &Topology{
		Name: name, Sites: sites, Nodes: nodes, Entries: entries, Links: links, memo: &memo{},
		nodeIndex:  make(map[string]int, len(nodes)),
		siteIndex:  make(map[string]int, len(sites)),
		entryIndex: make(map[string]int, len(entries)),
	}
	for i := range sites {
		t.siteIndex[sites[i].Name] = i
	}
	for i := range nodes {
		t.nodeIndex[nodes[i].Name] = i
	}
	for i := range entries {
		t.entryIndex[entries[i].Name] = i
	}
	return t
}

// Node returns the index of the named node.
func (t *Topology) Node(name string) (int, bool) { i, ok := t.nodeIndex[name]; return i, ok }

// Site returns the index of the named site.
func (t *Topology) Site(name string) (int, bool) { i, ok := t.siteIndex[name]; return i, ok }

// Entry returns the index of the named link entry.
func (t *Topology) Entry(name string) (int, bool) { i, ok := t.entryIndex[name]; return i, ok }

// SiteOf returns the site of node n, or nil where it is unknown.
func (t *Topology) SiteOf(n int) *Site {
	if i, ok := t.siteIndex[t.Nodes[n].Site]; ok {
		return &t.Sites[i]
	}
	return nil
}

// Country returns the country of node n; "" is unknown.
func (t *Topology) Country(n int) string {
	if s := t.SiteOf(n); s != nil {
		return s.Country
	}
	return ""
}

// Interface returns the interface of entry e on node n; "" is unknown.
func (e *Entry) Interface(n int) string {
	switch n {
	case e.A:
		return e.AInterface
	case e.B:
		return e.BInterface
	}
	return ""
}

// Plugged reports whether the interfaces of both ends are known, without which
// nothing can be installed on the link.
func (e *Entry) Plugged() bool { return e.AInterface != "" && e.BInterface != "" }

// HasSRLG reports whether the entry is known to lie in the named group.
func (e *Entry) HasSRLG(name string) bool {
	groups, _ := e.SRLGs.Get()
	for _, g := range groups {
		if g == name {
			return true
		}
	}
	return false
}

// Outage names what does not carry traffic at present, because it failed or
// because an operator drains it.
type Outage struct {
	Nodes   map[string]bool
	Entries map[string]bool
	SRLGs   map[string]bool
	// Keyless are entries that carry traffic, but whose QKD system has no keys
	// that can be counted on, each with the reason.
	Keyless map[string]string
}

// Takes reports whether the outage takes entry e out of service: the entry
// itself, one of its ends or one of its SRLGs.
func (o Outage) Takes(t *Topology, e int) bool {
	entry := &t.Entries[e]
	if o.Entries[entry.Name] || o.Nodes[t.Nodes[entry.A].Name] || o.Nodes[t.Nodes[entry.B].Name] {
		return true
	}
	groups, _ := entry.SRLGs.Get()
	for _, g := range groups {
		if o.SRLGs[g] {
			return true
		}
	}
	return false
}

// Without returns the topology that remains in an outage. Nodes stay, without
// their links, so that every name still resolves; entries without keys stay
// too, and say so.
func (t *Topology) Without(o Outage) *Topology {
	entries := make([]Entry, 0, len(t.Entries))
	links := make([]Link, 0, len(t.Links))
	for e := range t.Entries {
		if o.Takes(t, e) {
			continue
		}
		ab, ba := t.Links[2*e], t.Links[2*e+1]
		ab.Entry, ba.Entry = len(entries), len(entries)
		entries = append(entries, t.Entries[e])
		if why, keyless := o.Keyless[t.Entries[e].Name]; keyless && t.Entries[e].QKD {
			entries[len(entries)-1].Keyless = why
		}
		links = append(links, ab, ba)
	}
	rest := New(t.Name, t.Sites, t.Nodes, entries, links)
	rest.SRLGs = t.SRLGs
	return rest
}

// With returns the topology with one more entry, the last, and its two links.
func (t *Topology) With(entry Entry, ab, ba Link) *Topology {
	more := *t
	more.Entries, more.Links = append(slices.Clip(t.Entries), entry), append(slices.Clip(t.Links), ab, ba)
	more.entryIndex = maps.Clone(t.entryIndex)
	more.entryIndex[entry.Name] = len(t.Entries)
	more.memo = &memo{}
	return &more
}
