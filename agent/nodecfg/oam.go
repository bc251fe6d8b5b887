package nodecfg

import (
	"fmt"
	"net/netip"
	"strings"
)

// In-band OAM (IOAM, RFC 9197) is how packets themselves tell which way they
// took: each node that takes part writes into an option of theirs, the
// pre-allocated trace (RFC 9486), who it is and by which interface they came
// in. Linux does so since 5.15, for namespaces that it was told of, on
// interfaces where it is enabled. What nodes say are numbers that both ends of
// a path know: OAMNode and Link.ID.
//
// Nothing of it is needed to carry packets: a node that cannot take part, or
// where somebody else uses in-band OAM, goes without, and of paths over it
// nobody can tell.
const (
	// OAMNamespaceID is of those that operators give (RFC 9197 section 4.3).
	OAMNamespaceID = 0x4b52 // "KR"
	// OAMUnknownNode and OAMUnknownLink are what a node says that has no number
	// (RFC 9197 section 4.4.2), and the values of its sysctls then.
	OAMUnknownNode = 0xffffff
	OAMUnknownLink = 0xffff
)

// OAMNamespace is an IOAM namespace with the mark RouteProtocol as its data.
type OAMNamespace struct {
	ID uint16
}

// Key implements Object.
func (n OAMNamespace) Key() Object { return n }

func (n OAMNamespace) String() string { return command(n, "add") }

func (n OAMNamespace) words() (noun, rest string) {
	return "ip ioam namespace", fmt.Sprintf("%d data %d", n.ID, RouteProtocol)
}

// OAMNode is the number of the node with a locator: the last 24 of its 48
// bits. Nodes may share one, see Path.Links.
func OAMNode(locator netip.Prefix) uint32 {
	b := locator.Addr().As16()
	return uint32(b[3])<<16 | uint32(b[4])<<8 | uint32(b[5])
}

const (
	oamNode    = "net/ipv6/ioam6_id"
	oamEnabled = "ioam6_enabled"
	oamID      = "ioam6_id"
)

func oamOf(device, name string) string { return "net/ipv6/conf/" + device + "/" + name }

// oam are the objects by which the node takes part in in-band OAM.
func (c *Config) oam() []Object {
	objects := []Object{Sysctl{oamNode, fmt.Sprint(OAMNode(c.Locator))}, OAMNamespace{OAMNamespaceID}}
	for _, l := range c.Links {
		objects = append(objects, Sysctl{oamOf(l.Interface, oamID), fmt.Sprint(l.ID)}, Sysctl{oamOf(l.Interface, oamEnabled), "1"})
	}
	return objects
}

func isOAM(o Object) bool {
	switch o := o.(type) {
	case OAMNamespace:
		return true
	case Sysctl:
		return o.Name == oamNode || strings.HasSuffix(o.Name, "/"+oamID) || strings.HasSuffix(o.Name, "/"+oamEnabled)
	}
	return false
}

// Carries says whether paths carry packets by the object. They do without
// in-band OAM, and without the source of encapsulation, which only the root of
// the machine may set: the kernel picks one itself.
func Carries(o Object) bool {
	_, source := o.(TunSrc)
	return !source && !isOAM(o)
}

// OAMMissing says that the kernel has no in-band OAM: of the sysctls that want
// names it has none of the node.
func OAMMissing(have, want State) bool {
	node := Sysctl{Name: oamNode}
	return want[node] != nil && have[node] == nil
}

// OAMForeign says who else has numbered what is to be numbered for in-band OAM;
// "" nobody. The namespace is the mark: where it is, the numbers are Keiro's,
// and others than want says are old, or somebody's mistake.
func OAMForeign(have, want State) string {
	if have.Has(OAMNamespace{OAMNamespaceID}) {
		return ""
	}
	var first Sysctl
	for k, w := range want {
		h, ok := have[k].(Sysctl)
		if !ok || !isOAM(w) || strings.HasSuffix(h.Name, "/"+oamEnabled) || h == w {
			continue
		}
		unset := fmt.Sprint(OAMUnknownLink)
		if h.Name == oamNode {
			unset = fmt.Sprint(OAMUnknownNode)
		}
		if h.Value != unset && (first == Sysctl{} || h.Name < first.Name) {
			first = h
		}
	}
	if first == (Sysctl{}) {
		return ""
	}
	return fmt.Sprintf("%s is %s by somebody else, who uses in-band OAM: it is left alone, and nobody can tell the way of paths over this node. Where nobody does, set it to %d or %d",
		first.Name, first.Value, OAMUnknownNode, OAMUnknownLink)
}

// WithoutOAM is a State in which the node takes no part in in-band OAM.
func WithoutOAM(want State) State {
	s := want.Clone()
	for k, o := range want {
		if isOAM(o) {
			delete(s, k)
		}
	}
	return s
}

// Arrival is a packet that comes in at a node, over a link, as in-band OAM
// tells it.
type Arrival struct {
	Node, Link string // names
	OAMNode    uint32
	OAMLink    uint16 // 0: nobody knows what the node says
}

// There are the arrivals of a packet that goes down the path, the tail's the
// last; none where Links does not say.
func (p *Path) There() []Arrival {
	if len(p.Links) == 0 || len(p.Hops) != len(p.Links)+1 || len(p.Locators) != len(p.Hops) {
		return nil
	}
	all := make([]Arrival, 0, len(p.Links))
	for i, l := range p.Links {
		all = append(all, Arrival{Node: p.Hops[i+1], Link: l.Name, OAMNode: OAMNode(p.Locators[i+1]), OAMLink: l.Far})
	}
	return all
}
