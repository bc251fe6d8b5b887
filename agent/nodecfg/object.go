package nodecfg

import (
	"fmt"
	"net/netip"
	"strings"
)

// Object is one kernel object: a LinkUp, Addr, Route, Rule, Sysctl, TunSrc or
// OAMNamespace. All
// are comparable with ==. String is the command of iproute2 or sysctl(8) that
// makes it.
type Object interface {
	fmt.Stringer
	// Key is the object with nothing left but what the kernel tells objects
	// of its kind apart by. Two objects with one key cannot both exist.
	Key() Object
	words() (noun, rest string)
}

// Addr is an IPv6 address of an interface, without duplicate address
// detection: locators are unique by assignment.
type Addr struct {
	Addr netip.Prefix
	Dev  string
}

// LinkUp is that an interface is set up: administratively, whatever its carrier.
type LinkUp struct {
	Dev string
}

// Route is a route with protocol RouteProtocol.
type Route struct {
	Table  uint32 // MainTable, or TableBase + ID of a policy
	To     netip.Prefix
	Metric uint32
	Type   RouteType
	Via    netip.Addr
	Dev    string
	Src    netip.Addr // source of packets that choose none; IPv6 only
	MTU    int        // bytes, 0: of the interface
	Encap  Encap      // nil: none
	Hops   Hops       // of several next hops; Via, Dev and Encap are theirs then
}

// MainTable is the table "main" of Linux.
const MainTable = 254

// RouteType is what a route does with packets, in iproute2's words.
type RouteType string

// The route types that Keiro makes.
const (
	Unicast     RouteType = ""
	Unreachable RouteType = "unreachable"
)

// Encap is the lightweight tunnel of a route: Seg6 or Seg6Local.
type Encap interface {
	fmt.Stringer
	encap()
}

// Seg6 encapsulates (H.Encaps, RFC 8986 section 5).
type Seg6 struct {
	Mode     string // ModeEncapRed; another one only in what the kernel says
	Segments Segments
}

// ModeEncapRed leaves the first SID out of the SRH: H.Encaps.Red, RFC 8986
// section 5.2.
const ModeEncapRed = "encap.red"

// Segments is a SID list as comparable value: 16 bytes an address, in the
// order in which they are visited.
type Segments string

// SegmentsOf makes Segments of IPv6 addresses.
func SegmentsOf(addrs ...netip.Addr) Segments {
	b := make([]byte, 0, 16*len(addrs))
	for _, a := range addrs {
		a16 := a.As16()
		b = append(b, a16[:]...)
	}
	return Segments(b)
}

// Addrs returns the SIDs in the order in which they are visited.
func (s Segments) Addrs() []netip.Addr {
	addrs := make([]netip.Addr, 0, len(s)/16)
	for ; len(s) >= 16; s = s[16:] {
		addrs = append(addrs, netip.AddrFrom16([16]byte([]byte(s[:16]))))
	}
	return addrs
}

// Seg6Local is the behavior of a local SID, RFC 8986 section 4.
type Seg6Local struct {
	Action  string     // in iproute2's words, such as "End.X"
	NextHop netip.Addr // of End.X and End.DX4
	Table   uint32     // of End.DT6; 0: where the rules say. Of End.DT46, that of a VRF device
	Count   bool       // with counters
}

// Rule sends the packets of a selector to a table, with protocol
// RouteProtocol.
type Rule struct {
	From, To netip.Prefix
	Table    uint32 // 0: to none, they are answered with unreachable
	Pref     uint32
}

// Sysctl is a kernel parameter below /proc/sys, its name with slashes, since
// names of interfaces may have dots.
type Sysctl struct {
	Name, Value string
}

// TunSrc is the source address of encapsulation.
type TunSrc struct {
	Addr netip.Addr
}

// Key implements Object: the kernel allows an address once an interface.
func (a Addr) Key() Object { return a }

// Key implements Object.
func (l LinkUp) Key() Object { return l }

// Key implements Object: table, destination and metric.
func (r Route) Key() Object { return Route{Table: r.Table, To: r.To, Metric: r.Metric} }

// Key implements Object: rules have no other identity than all they say.
func (r Rule) Key() Object { return r }

// Key implements Object.
func (s Sysctl) Key() Object { return Sysctl{Name: s.Name} }

// Key implements Object: there is one.
func (t TunSrc) Key() Object { return TunSrc{} }

func (a Addr) String() string   { return command(a, "add") }
func (l LinkUp) String() string { return command(l, "add") }
func (r Route) String() string  { return command(r, "add") }
func (r Rule) String() string   { return command(r, "add") }
func (s Sysctl) String() string { return command(s, "add") }
func (t TunSrc) String() string { return command(t, "add") }

// command renders an object as the command that adds, replaces or deletes it.
func command(o Object, verb string) string {
	noun, rest := o.words()
	switch o := o.(type) {
	case Sysctl:
		return noun + " " + rest
	case LinkUp:
		if verb == "del" {
			return noun + " set " + o.Dev + " down"
		}
		return noun + " set " + rest
	case TunSrc:
		if verb == "del" {
			o.Addr = netip.IPv6Unspecified()
			_, rest = o.words()
		}
		return noun + " set " + rest
	case OAMNamespace:
		if verb == "del" {
			rest = fmt.Sprint(o.ID)
		}
	}
	return noun + " " + verb + " " + rest
}

func (a Addr) words() (noun, rest string) {
	return "ip -6 addr", fmt.Sprintf("%s dev %s nodad proto %d", a.Addr, a.Dev, RouteProtocol)
}

func (l LinkUp) words() (noun, rest string) { return "ip link", l.Dev + " up" }

func (r Route) words() (noun, rest string) {
	var b strings.Builder
	if r.Type != Unicast {
		fmt.Fprintf(&b, "%s ", r.Type)
	}
	b.WriteString(destination(r.To))
	if r.Encap != nil {
		fmt.Fprintf(&b, " encap %s", r.Encap)
	}
	if r.Via.IsValid() {
		fmt.Fprintf(&b, " via %s", r.Via)
	}
	if r.Dev != "" {
		fmt.Fprintf(&b, " dev %s", r.Dev)
	}
	if r.Src.IsValid() {
		fmt.Fprintf(&b, " src %s", r.Src)
	}
	if r.Table != MainTable {
		fmt.Fprintf(&b, " table %d", r.Table)
	}
	fmt.Fprintf(&b, " proto %d metric %d", RouteProtocol, r.Metric)
	if r.MTU != 0 {
		fmt.Fprintf(&b, " mtu %d", r.MTU)
	}
	for h := range AllHops(r.Hops) {
		fmt.Fprintf(&b, " nexthop %s", h)
	}
	return "ip " + family(r.To) + " route", b.String()
}

func (r Rule) words() (noun, rest string) {
	action := "unreachable"
	if r.Table != 0 {
		action = fmt.Sprint("lookup ", r.Table)
	}
	return "ip " + family(r.From) + " rule", fmt.Sprintf("from %s to %s %s pref %d protocol %d",
		selector(r.From), selector(r.To), action, r.Pref, RouteProtocol)
}

func (s Sysctl) words() (noun, rest string) { return "sysctl -w", s.Name + "=" + s.Value }

func (t TunSrc) words() (noun, rest string) { return "ip sr tunsrc", t.Addr.String() }

func (Seg6) encap()      {}
func (Seg6Local) encap() {}

func (s Seg6) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seg6 mode %s segs ", s.Mode)
	for i, a := range s.Segments.Addrs() {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(a.String())
	}
	return b.String()
}

func (s Seg6Local) String() string {
	words := "seg6local action " + s.Action
	if s.NextHop.Is4() {
		words += " nh4 " + s.NextHop.String()
	} else if s.NextHop.Is6() {
		words += " nh6 " + s.NextHop.String()
	}
	if s.Action == "End.DT46" {
		words += fmt.Sprintf(" vrftable %d", s.Table)
	} else if s.Table != 0 || s.Action == "End.DT6" {
		words += fmt.Sprintf(" table %d", s.Table)
	}
	if s.Count {
		words += " count"
	}
	return words
}

func family(p netip.Prefix) string {
	if p.Addr().Is4() {
		return "-4"
	}
	return "-6"
}

// destination is a prefix as iproute2 shows the destination of a route.
func destination(p netip.Prefix) string {
	switch {
	case p.Bits() == 0:
		return "default"
	case p.IsSingleIP():
		return p.Addr().String()
	}
	return p.String()
}

// selector is a prefix as iproute2 shows it in a rule.
func selector(p netip.Prefix) string {
	if p.Bits() == 0 {
		return "all"
	}
	return destination(p)
}
