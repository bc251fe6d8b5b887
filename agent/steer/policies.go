package steer

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/bgp/route"
)

// refusedID is the number of the policy that fences what no other policy can have.
// It is beyond those of intents.
const (
	refusedID     = 0xffff
	refusedIntent = "bgp/refused"
)

// maxFaults, and octets of each, bound what is reported.
const (
	maxFaults = 100
	maxFault  = 500
)

// Policies are what a node is to do for what it has heard, besides the policies
// that its Config has: one for each SR Policy that colored routes lead into, with
// their prefixes as traffic. With them the Config is valid if it was before. The
// errors say what was heard and is not done, and why.
//
// A policy has the number of its intent, color - nodecfg.ColorBase. Of a policy
// without a valid candidate path, and of one that cannot be made, the prefixes are
// fenced as long as the routes are there, whether Drop-Upon-Invalid is said (RFC 9256
// section 8.2) or not. Colors that are not Keiro's are not touched.
func Policies(cfg *nodecfg.Config, h *Heard) ([]nodecfg.Policy, []nodecfg.ObjectError) {
	d := newDecision(cfg, h)
	for i := 0; i < len(h.Routes); {
		end := i + 1
		for end < len(h.Routes) && h.Routes[end].Prefix == h.Routes[i].Prefix {
			end++
		}
		d.steer(best(h.Routes[i:end]))
		i = end
	}
	return d.policies(), d.errors()
}

// decision is one in the making.
type decision struct {
	cfg    *nodecfg.Config
	heard  *Heard
	paths  map[key][]Path
	ends   map[uint32][]key // of the paths, by color
	anyEnd map[uint32]key   // what a color for any endpoint comes to
	chosen map[key]*candidates
	groups map[key]*group
	colors map[uint32]key    // of groups
	theirs map[uint16]string // intents of the Config, by number
	order  []key             // of groups
	refuse []nodecfg.Selector
	faults []nodecfg.ObjectError
	more   int
	seen   map[nodecfg.ObjectError]bool
	names  map[string]bool // of intents and of paths, that are taken
	alike  map[string]int
	sids   []netip.Addr   // of all tunnels, sorted
	tails  []netip.Prefix // of the Config's paths
	room   int            // for selectors
	ways   int            // of all policies
	tries  int            // of whether the Config stays valid
}

// group is the traffic of a policy.
type group struct {
	traffic []nodecfg.Selector
	decap   nodecfg.Decap
}

func newDecision(cfg *nodecfg.Config, h *Heard) *decision {
	d := &decision{cfg: cfg, heard: h, paths: map[key][]Path{}, ends: map[uint32][]key{}, anyEnd: map[uint32]key{}, chosen: map[key]*candidates{}, groups: map[key]*group{}, colors: map[uint32]key{}, theirs: map[uint16]string{},
		seen: map[nodecfg.ObjectError]bool{}, names: map[string]bool{refusedIntent: true}, alike: map[string]int{}}
	for _, p := range h.Paths {
		k := key{p.Color, p.Endpoint}
		if d.paths[k] == nil {
			d.ends[k.color] = append(d.ends[k.color], k)
		}
		d.paths[k] = append(d.paths[k], p)
	}
	for _, keys := range d.ends {
		slices.SortFunc(keys, func(a, b key) int { return a.endpoint.Compare(b.endpoint) })
	}
	d.room = 2 * nodecfg.MaxPref // what a Config has room for
	for i := range cfg.Policies {
		d.names[cfg.Policies[i].Intent], d.theirs[cfg.Policies[i].ID] = true, cfg.Policies[i].Intent
		d.room -= len(cfg.Policies[i].Traffic)
		for _, p := range cfg.Policies[i].Paths {
			d.names[p.Name] = true
			d.tails = append(d.tails, p.Tail)
			d.sids = append(append(d.sids, p.Segments...), p.Decap.IPv4, p.Decap.IPv6)
		}
	}
	for _, p := range h.Paths {
		for _, l := range p.SegmentLists {
			for _, s := range l.Segments {
				d.sids = append(d.sids, s.SID)
			}
		}
	}
	for _, r := range h.Routes {
		d.sids = append(d.sids, r.SID.Value.Addr)
	}
	slices.SortFunc(d.sids, netip.Addr.Compare)
	for _, f := range h.Faults {
		d.fault(f.Object, "%s", f.Error)
	}
	return d
}

func (d *decision) fault(object, format string, args ...any) {
	e := nodecfg.ObjectError{Object: object, Error: fmt.Sprintf(format, args...)}
	if len(e.Error) > maxFault {
		e.Error = strings.ToValidUTF8(e.Error[:maxFault], "") + "..."
	}
	switch {
	case d.seen[e]:
	case len(d.faults) < maxFaults:
		d.seen[e] = true
		d.faults = append(d.faults, e)
	default:
		d.more++
	}
}

func (d *decision) errors() []nodecfg.ObjectError {
	if d.more > 0 {
		d.faults = append(d.faults, nodecfg.ObjectError{Object: "what bgp peers say", Error: fmt.Sprintf("%d more things are wrong with it", d.more)})
	}
	return d.faults
}

// steer finds the policy of a route: of its colors, the greatest first, that with a
// valid candidate path (RFC 9256 section 8.4.1), or else the first of which a path is
// known at all. Of a route that is not addressed to this node and has no such color
// nothing is done: its policies are those of other headends.
func (d *decision) steer(r Route) {
	object := "route " + r.Prefix.String()
	if d.cfg.Locator.Contains(r.NextHop) {
		return // it leads to this node
	}
	var valid, known, any *key
	for _, c := range r.Colors {
		for _, k := range d.reached(c, r.NextHop) {
			here := len(d.paths[k]) > 0
			switch {
			case k.color <= nodecfg.ColorBase || k.color > nodecfg.ColorBase+nodecfg.MaxPref:
				if here || r.Addressed {
					d.fault(object, "its color %d is none of Keiro's, %d to %d, so it is not steered", k.color, nodecfg.ColorBase+1, nodecfg.ColorBase+nodecfg.MaxPref)
				}
			case here && valid == nil && len(d.choose(k).valid) > 0:
				valid = &k
			case here && known == nil:
				known = &k
			case any == nil && r.Addressed:
				any = &k
			}
		}
	}
	found := cmp.Or(valid, known, any)
	if found == nil {
		return
	}
	if why := d.danger(r.Prefix); why != "" {
		d.fault(object, "it is not steered: %s", why)
		return
	}
	if d.room--; d.room < 0 {
		d.fault("colored routes", "there are more than a node can steer, and those behind %v are not", r.Prefix)
		return
	}
	if valid == nil {
		d.fault(found.String(), "its traffic is answered with unreachable: %s", d.choose(*found).why)
	}
	if why := d.join(*found, r); why != "" {
		d.fault(object, "its packets are answered with unreachable: %s", why)
		d.refuse = append(d.refuse, selector(r.Prefix))
	}
}

// reached are the policies that a color may lead to, in the order in which they are
// tried (RFC 9256 section 8.8.1).
func (d *decision) reached(c route.Color, hop netip.Addr) []key {
	keys := []key{{c.Value, hop}}
	if c.Only >= route.NullEndpoint {
		keys = append(keys, key{c.Value, netip.IPv6Unspecified()}, key{c.Value, netip.IPv4Unspecified()})
	}
	if ends := d.ends[c.Value]; c.Only == route.AnyEndpoint && len(ends) > 0 {
		k, known := d.anyEnd[c.Value]
		if !known { // many routes may ask, and there may be many endpoints
			k = ends[max(0, slices.IndexFunc(ends, func(k key) bool { return len(d.choose(k).valid) > 0 }))]
			d.anyEnd[c.Value] = k
		}
		keys = append(keys, k)
	}
	return keys
}

// join puts a route into the group of a policy, or says why not.
func (d *decision) join(k key, r Route) (why string) {
	if intent, taken := d.theirs[k.id()]; taken {
		return fmt.Sprintf("the controller has sent a policy of the same number, for intent %s, and it is that one which is obeyed", intent)
	}
	if other, taken := d.colors[k.color]; taken && other != k {
		return fmt.Sprintf("%v is a second one of its color, beside %v: an intent has one tail at a headend", k, other)
	}
	switch {
	case !r.SID.Known:
		return "it names no SRv6 Service SID (RFC 9252), so nobody knows how its packets leave the tunnel"
	case d.cfg.Locator.Contains(r.SID.Value.Addr):
		return fmt.Sprintf("its SRv6 Service SID %v is this node's own, so its packets would come back for ever", r.SID.Value.Addr)
	}
	g := d.groups[k]
	if g == nil {
		g = &group{}
		d.groups[k], d.colors[k.color] = g, k
		d.order = append(d.order, k)
	}
	decap := &g.decap.IPv6
	if r.Prefix.Addr().Is4() {
		decap = &g.decap.IPv4
	}
	if decap.IsValid() && *decap != r.SID.Value.Addr {
		return fmt.Sprintf("its SRv6 Service SID is %v, and that of the prefixes before it in %v is %v", r.SID.Value.Addr, k, *decap)
	}
	*decap = r.SID.Value.Addr
	g.traffic = append(g.traffic, selector(r.Prefix))
	return ""
}

// id is the number of the policy's intent.
func (k key) id() uint16 { return uint16(k.color - nodecfg.ColorBase) }

// selector picks the packets to a prefix. Prefixes of one length do not overlap, so
// they share a preference: the longer, the earlier, and all of them behind the
// selectors of the Config, which know sources too. A preference depends on nothing
// else, so that no rule moves when others come and go.
func selector(to netip.Prefix) nodecfg.Selector {
	from := netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	if to.Addr().Is4() {
		from = netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	}
	return nodecfg.Selector{From: from, To: to, Pref: uint16(nodecfg.MaxPref - to.Bits())}
}

// danger says why packets to a prefix must go on as they do: they carry the tunnels
// or the sessions themselves, or are those of networks that this node is attached
// to. These are not fenced either.
func (d *decision) danger(to netip.Prefix) string {
	if !routed(to) {
		return "it is no prefix that packets are routed to"
	}
	for _, near := range d.heard.Near {
		if to.Bits() <= near.Bits() && to.Contains(near.Addr()) { // else it is the longer one
			return fmt.Sprintf("it has %v in it, to which this node is attached or speaks", near)
		}
	}
	for _, a := range d.heard.Sessions {
		if to.Contains(a) {
			return fmt.Sprintf("it has the address %v of a bgp peer in it", a)
		}
	}
	own := func(p netip.Prefix) bool { return p.IsValid() && to.Overlaps(p) }
	for _, l := range d.cfg.Links {
		if own(l.PeerLocator) || to.Contains(l.PeerAddress) {
			return fmt.Sprintf("it has addresses of the neighbour %s in it, over which SRv6 packets go", l.Peer)
		}
	}
	for _, u := range d.cfg.Underlay {
		if own(u.To) {
			return fmt.Sprintf("it has the locator %v in it, to which SRv6 packets go", u.To)
		}
	}
	for _, tail := range d.tails {
		if own(tail) {
			return fmt.Sprintf("it has %v in it, where a path of the Config ends", tail)
		}
	}
	if i, _ := slices.BinarySearchFunc(d.sids, to.Addr(), netip.Addr.Compare); i < len(d.sids) && to.Contains(d.sids[i]) {
		return fmt.Sprintf("it has the SID %v of a path in it", d.sids[i])
	}
	if own(d.cfg.Locator) {
		return "it has addresses of this node in it"
	}
	return ""
}

// policies makes those of all groups, and that of what was refused.
func (d *decision) policies() []nodecfg.Policy {
	var out []nodecfg.Policy
	for _, k := range d.order {
		out = append(out, d.policy(k, d.groups[k]))
	}
	if len(d.refuse) > 0 {
		out = append(out, nodecfg.Policy{Intent: refusedIntent, ID: refusedID, Traffic: d.refuse})
	}
	slices.SortFunc(out, func(a, b nodecfg.Policy) int { return int(a.ID) - int(b.ID) })
	return d.sound(nil, out)
}
