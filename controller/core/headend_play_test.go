package core

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/route"
	"github.com/keiro-net/keiro/bgp/service"
	"github.com/keiro-net/keiro/bgp/srpolicy"
	"github.com/keiro-net/keiro/bgp/srpolicy/report"
	"github.com/keiro-net/keiro/controller/compile"
)

// sessions are those with headends.
var sessions = route.Session{LocalAS: 65000, ExtendedNextHop: true, LocalAddress: netip.MustParseAddr("2001:db8::f")}

// fakeHeadend is what a headend was told by BGP. It keeps it when the controller
// restarts, until that has said all.
type fakeHeadend struct {
	paths  map[srpolicy.NLRI]srpolicy.CandidatePath
	routes map[netip.Prefix]service.Route
	stale  map[any]bool // said by a controller before this one, and not again
}

// headend returns the headend of a node, which may be new.
func (s *stage) headend(node string) *fakeHeadend {
	if s.headends[node] == nil {
		s.headends[node] = &fakeHeadend{paths: map[srpolicy.NLRI]srpolicy.CandidatePath{}, routes: map[netip.Prefix]service.Route{}, stale: map[any]bool{}}
	}
	return s.headends[node]
}

// announced takes in what is said to a headend and prints it. What must hold of every
// word does: make before break, and one name for one thing.
func (s *stage) announced(e Announce, step map[string]srpolicy.Tunnel) []string {
	out := []string{fmt.Sprintf("announce to %s (%v)", e.Node, e.RouterID)}
	h := s.headend(e.Node)
	for _, p := range e.Policies {
		if _, err := (srpolicy.Route{CandidatePath: p, Direct: true}).Announce(sessions); err != nil {
			s.fail("%v", err)
		}
		key := e.Node + " " + p.NLRI.String()
		if was, said := step[key]; said && !reflect.DeepEqual(was, p.Tunnel) {
			s.fail("%s: two different things are said of %v at once", e.Node, p.NLRI)
		}
		if was, had := h.paths[p.NLRI]; had && !reflect.DeepEqual(was, p) {
			s.fail("%s: %v changes its meaning from %+v to %+v", e.Node, p.NLRI, was.Tunnel, p.Tunnel)
		}
		step[key] = p.Tunnel
		h.paths[p.NLRI] = p
		delete(h.stale, p.NLRI)
		for _, l := range p.SegmentLists {
			for _, x := range l.Segments {
				s.present(e.Node, x.SID, true)
			}
		}
		out = append(out, "  "+path(p))
	}
	for _, r := range e.Services {
		if _, err := r.Announce(sessions); err != nil {
			s.fail("%v", err)
		}
		if !h.steers(r) {
			s.fail("%s: route %v is said before its policy", e.Node, r.Prefix)
		}
		h.routes[r.Prefix] = r
		delete(h.stale, r.Prefix)
		out = append(out, fmt.Sprintf("  route %v by %v color %d to %v", r.Prefix, r.NextHop, r.Colors[0].Value, r.SID.Value.Addr))
	}
	return out
}

func (s *stage) withdrawn(e Withdraw, step map[string]srpolicy.Tunnel) []string {
	out := []string{"withdraw from " + e.Node}
	h := s.headend(e.Node)
	for _, prefix := range e.Services {
		if _, had := h.routes[prefix]; !had {
			s.fail("%s: route %v is withdrawn, which it never had", e.Node, prefix)
		}
		delete(h.routes, prefix)
		delete(h.stale, prefix)
		out = append(out, fmt.Sprintf("  route %v", prefix))
	}
	for _, n := range e.Policies {
		p, had := h.paths[n]
		if _, now := step[e.Node+" "+n.String()]; now || !had {
			s.fail("%s: %v is withdrawn, which was just said, or never", e.Node, n)
		}
		delete(h.paths, n)
		delete(h.stale, n)
		out = append(out, "  path "+p.Name)
	}
	for _, r := range h.routes {
		if !h.stale[r.Prefix] && !h.steers(r) {
			s.fail("%s: the policy of route %v is withdrawn", e.Node, r.Prefix)
		}
	}
	return out
}

// steers reports whether there is a policy for a route.
func (h *fakeHeadend) steers(r service.Route) bool {
	for n := range h.paths {
		if n.Color == r.Colors[0].Value && n.Endpoint == r.NextHop && !h.stale[n] {
			return true
		}
	}
	return false
}

// flushed: the headends forget what has not been said again.
func (s *stage) flushed() []string {
	for _, node := range sortedKeys(s.headends) {
		h := s.headends[node]
		for what := range h.stale {
			switch x := what.(type) {
			case srpolicy.NLRI:
				delete(h.paths, x)
			case netip.Prefix:
				delete(h.routes, x)
			}
		}
		clear(h.stale)
	}
	if s.saidAll = s.saidAll + 1; s.saidAll > 1 {
		s.fail("all has been announced twice")
	}
	return []string{"announced all"}
}

// reborn: the controller is a new one.
func (s *stage) reborn() {
	s.saidAll = 0
	for _, h := range s.headends {
		for n := range h.paths {
			h.stale[n] = true
		}
		for p := range h.routes {
			h.stale[p] = true
		}
	}
}

func path(p srpolicy.CandidatePath) string {
	out := fmt.Sprintf("path %s color %d endpoint %v preference %d", p.Name, p.Color, p.Endpoint, p.Preference.Value)
	for _, l := range p.SegmentLists {
		var list []string
		for _, x := range l.Segments {
			list = append(list, x.SID.String())
		}
		out += " [" + strings.Join(list, " ") + "]"
		if l.Weight.Known {
			out += fmt.Sprint("*", l.Weight.Value)
		}
	}
	if len(p.SegmentLists) == 0 {
		out += " drops"
	}
	return out
}

// present: the node that a SID of a list is of has it. Of a router that is asked for
// when the list is said: what it loses later is no fault of ours.
func (s *stage) present(head string, sid netip.Addr, said bool) {
	for name, locator := range s.spec.IDs.Locators {
		if !locator.Contains(sid) {
			continue
		}
		a := s.agents[name]
		if s.rough || a != nil && a.did != nil && slices.ContainsFunc(a.did.Links, func(l nodecfg.Link) bool {
			return sid == nodecfg.IngressEnd(a.did.Locator, l.ID) || sid == nodecfg.EndX(a.did.Locator, l.ID)
		}) {
			return
		}
		s.fail("%s is told of SID %v, which node %s does not have", head, sid, name)
		return
	}
	if !said || s.core.live == nil {
		return
	}
	for _, e := range s.core.spec.Topology.Entries {
		for _, n := range []int{e.A, e.B} {
			if x, ok := s.core.live.SIDs.Over(e.Name, s.core.spec.Topology.Nodes[n].Name); ok && x.Addr == sid {
				return
			}
		}
	}
	s.fail("%s is told of SID %v, which nobody has", head, sid)
}

// sidsThere holds after every step: what the headends were told leads over nodes that
// have the SIDs.
func (s *stage) sidsThere() {
	for node, h := range s.headends {
		for n, p := range h.paths {
			if h.stale[n] {
				continue
			}
			for _, l := range p.SegmentLists {
				for _, x := range l.Segments {
					s.present(node, x.SID, false)
				}
			}
		}
	}
}

// doHeadend are the lines of a play about what headends say of candidate paths:
//
//	says NODE active|valid|invalid|dropping|gone PATH...   by peer rr
//	unsent NODE PREFIX|PATH                       the route or path could not be sent
//	told                                          prints what the headends have
//	seen                                          prints what is known of it
func (s *stage) doHeadend(args []string) (out []string, known bool) {
	switch args[0] {
	case "says":
		for _, nlri := range s.pathsOf(args[1], args[3:]) {
			out = append(out, s.step(HeadendReported{Peer: "rr", State: s.state(args[1], s.headend(args[1]).paths[nlri], args[2]), Gone: args[2] == "gone"})...)
		}
	case "unsent":
		e := NotTold{Node: args[1], Policies: map[srpolicy.NLRI]string{}, Services: map[netip.Prefix]string{}}
		if prefix, err := netip.ParsePrefix(args[2]); err == nil {
			delete(s.headend(args[1]).routes, prefix)
			e.Services[prefix] = "it leads to two places"
		}
		for _, n := range s.pathsOf(args[1], args[2:]) {
			if s.core.headends[args[1]].paths[n].leave.IsZero() {
				e.Policies[n] = "it is too long"
			}
		}
		out = s.step(e)
	case "told":
		for _, node := range sortedKeys(s.headends) {
			h := s.headends[node]
			var lines []string
			for n, p := range h.paths {
				lines = append(lines, node+" "+path(p)+mark(h.stale[n]))
			}
			for p, r := range h.routes {
				lines = append(lines, fmt.Sprintf("%s route %v color %d%s", node, p, r.Colors[0].Value, mark(h.stale[p])))
			}
			slices.Sort(lines)
			out = append(out, lines...)
		}
	case "seen":
		for _, i := range s.core.View(s.now).Intents {
			for n, p := range i.Standing {
				for _, node := range sortedKeys(p.Told) {
					x := p.Told[node]
					out = append(out, fmt.Sprintf("%s at %s: held %v, installed %v: %s%s", compile.PathName(i.Spec.Name, n), node, x.Held, x.Installed, x.Why, x.Unknown))
				}
			}
		}
	default:
		return nil, false
	}
	return out, true
}

func mark(stale bool) string {
	if stale {
		return " (stale)"
	}
	return ""
}

// pathsOf are the candidate paths that a headend has by their names, by preference and
// distinguisher.
func (s *stage) pathsOf(node string, names []string) (list []srpolicy.NLRI) {
	for n, p := range s.headend(node).paths {
		if slices.Contains(names, p.Name) {
			list = append(list, n)
		}
	}
	slices.SortFunc(list, compareNLRI)
	return list
}

// state is what a headend reports of a path that it has as it was told.
func (s *stage) state(node string, p srpolicy.CandidatePath, word string) report.State {
	r := report.State{NLRI: p.NLRI, ProtocolOrigin: report.OriginBGP, Name: p.Name}
	if n, ok := s.core.spec.Topology.Node(node); ok {
		if id, err := netip.ParseAddr(s.core.spec.Topology.Nodes[n].RouterID); err == nil {
			b := id.As4()
			r.Headend.BGPRouterID = ls.Some(uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3]))
		} else {
			r.Headend.IGPRouterID, _ = ls.NewIGPRouterID([]byte{0, 0, 0, 0, 0, 4})
		}
	}
	status := report.Status{Preference: p.Preference.Value, Priority: p.Priority.Value, Flags: report.Evaluated}
	if word != "invalid" {
		status.Flags |= report.Valid
	}
	switch word {
	case "active":
		status.Flags |= report.Active
	case "dropping":
		status.Flags = report.Evaluated | report.Active | report.Dropping
	}
	r.Status = ls.Some(status)
	for _, l := range p.SegmentLists {
		list := report.SegmentList{Flags: report.ListSRv6 | report.ListExplicit | report.ListVerified | report.ListResolved, Weight: max(l.Weight.Value, 1)}
		for _, x := range l.Segments {
			list.Segments = append(list.Segments, report.Segment{Type: 2, SID: x.SID})
		}
		r.SegmentLists = append(r.SegmentLists, list)
	}
	return r
}
