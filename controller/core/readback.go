package core

import (
	"cmp"
	"net/netip"
	"reflect"
	"slices"
	"strings"

	"github.com/keiro-net/keiro/bgp/srpolicy"
	"github.com/keiro-net/keiro/bgp/srpolicy/report"
	"github.com/keiro-net/keiro/controller/compile"
)

// saying is what a peer says that a headend reports of a candidate path.
type saying struct {
	peer  string
	state report.State
}

// mostSayings are kept of one candidate path. Its NLRI is of one headend, of which a few
// peers tell; more is rubbish, whose oldest is forgotten.
const mostSayings = 16

// heard takes in what a headend reports of a candidate path that has one of our colors.
// It may come before the path is announced: from a controller before this one. Several
// peers may say it; the newest word counts.
func (c *Core) heard(e HeadendReported) {
	if e.State.Color < compile.ColorBase || e.State.ProtocolOrigin.Kind() != report.OriginBGP {
		return // not what we have said
	}
	list := slices.DeleteFunc(c.reports[e.State.NLRI], func(s saying) bool {
		return s.peer == e.Peer && s.state.Origin == e.State.Origin && reflect.DeepEqual(s.state.Headend, e.State.Headend)
	})
	if !e.Gone {
		list = append(list[max(len(list)-mostSayings+1, 0):], saying{e.Peer, e.State})
	}
	if c.reports[e.State.NLRI] = list; len(list) == 0 {
		delete(c.reports, e.State.NLRI)
	}
}

// about reports whether a report is about a node.
func (c *Core) about(s report.State, node string) bool {
	ids := map[string]bool{}
	for _, a := range s.RouterIDs() {
		ids[a.String()] = true
	}
	if id, known := s.Headend.BGPRouterID.Get(); known {
		ids[netip.AddrFrom4([4]byte{byte(id >> 24), byte(id >> 16), byte(id >> 8), byte(id)}).String()] = true
	}
	if id := s.Headend.IGPRouterID.Router(); id.Len() > 0 {
		ids[id.String()] = true
	}
	return c.called(node, ids)
}

// called reports whether one of the identifiers is the node's.
func (c *Core) called(name string, ids map[string]bool) bool {
	h := c.headends[name]
	if h.routerID.IsValid() && ids[h.routerID.String()] {
		return true
	}
	n, ok := c.spec.Topology.Node(name)
	if !ok || len(ids) == 0 {
		return false
	}
	in := compile.Input{Topology: c.spec.Topology, IDs: c.spec.IDs}
	if c.live != nil {
		in.SIDs = c.live.SIDs
	}
	return ids[c.spec.Topology.Nodes[n].RouterID] || ids[in.Address(name).String()]
}

// replaced reports whether the headend says that it forwards by what replaces a
// candidate path that is to leave: all that is wanted of its policy is held, and one is
// in use.
func (c *Core) replaced(h *headend, t *toldPath) bool {
	inUse := false
	for _, w := range h.paths {
		if w.Intent != t.Intent || w.Fence() || !w.leave.IsZero() || w.Endpoint != t.Endpoint {
			continue
		}
		seen := c.seen(h, w)
		if seen.Held != report.Yes {
			return false
		}
		inUse = inUse || seen.Installed == report.Yes
	}
	return inUse
}

// Seen is what a headend reports of a candidate path (RFC 9857), compared with what it
// was told.
type Seen struct {
	// Told is the candidate path as it was sent; nil: it was not.
	Told     *srpolicy.CandidatePath
	Reported bool // else nothing is known
	// Held: it has the path as it was told, and finds it valid. Installed: it forwards
	// by it; of several paths of a policy one is.
	Held, Installed report.Verdict
	Why             string // for any other answer than yes
	// Unknown: it was not told so, or not of late, as this is not known.
	Unknown string
}

// reportedOf is the newest word of a headend on a candidate path.
func (c *Core) reportedOf(h *headend, n srpolicy.NLRI) (report.State, bool) {
	for _, s := range slices.Backward(c.reports[n]) {
		if c.about(s.state, h.node) {
			return s.state, true
		}
	}
	return report.State{}, false
}

// seen compares what the headend reports of a candidate path.
func (c *Core) seen(h *headend, t *toldPath) Seen {
	state, ok := c.reportedOf(h, t.NLRI)
	if !ok {
		return Seen{Told: &t.CandidatePath, Why: "the headend reports nothing of it (RFC 9857)"}
	}
	held, why := report.Held(t.CandidatePath, state)
	installed, not := report.Installed(t.CandidatePath, state)
	if held == report.Yes {
		why = not
	}
	return Seen{Told: &t.CandidatePath, Reported: true, Held: held, Installed: installed, Why: strings.Join(why, "; ")}
}

// drops reports whether the headend says that a fence drops what comes.
func (c *Core) drops(h *headend, fence srpolicy.NLRI) bool {
	state, _ := c.reportedOf(h, fence)
	return state.Status.Value.Flags&report.Dropping != 0
}

// told is what a headend has been told of the nth path of an intent; nil: nothing.
func (h *headend) told(intent string, n int) *toldPath {
	for _, w := range h.of(intent).candidates {
		if t := h.paths[w.NLRI]; w.Unknown == "" && slices.Contains(w.Paths, n) && t != nil {
			return t
		}
	}
	for _, t := range h.paths {
		if t.Intent == intent && t.leave.IsZero() && slices.Contains(t.Paths, n) {
			return t
		}
	}
	return nil
}

// viewSeen says of the nth path of an intent what its headends by BGP report.
func (c *Core) viewSeen(i *intent, n int) map[string]Seen {
	var out map[string]Seen
	for _, node := range []string{i.standing.Paths[n].Nodes[0], i.standing.Paths[n].Nodes[len(i.standing.Paths[n].Nodes)-1]} {
		h := c.headends[node]
		if h == nil || !c.byBGP(node) {
			continue
		}
		seen := Seen{Why: cmp.Or(h.of(i.spec.Name).refused, "the headend was not told of it")}
		if t := h.told(i.spec.Name, n); t != nil {
			seen = c.seen(h, t)
		}
		for _, w := range h.of(i.spec.Name).candidates {
			if slices.Contains(w.Paths, n) {
				seen.Unknown = w.Unknown
			}
		}
		if out == nil {
			out = map[string]Seen{}
		}
		out[node] = seen
	}
	return out
}

// judgeHeadend says whether a headend by BGP has what it is to have of an intent.
func (c *Core) judgeHeadend(i *intent, node string) (status, reason, message string) {
	h := c.headends[node]
	if h == nil {
		return no, "Waiting", "headend " + node + " has not been told yet"
	}
	want := h.of(i.spec.Name)
	if want.refused != "" {
		return no, "Refused", "headend " + node + " cannot be told by BGP: " + want.refused
	}
	for _, s := range want.services {
		if _, told := h.services[s.Prefix]; s.Unknown != "" {
			return unknown(told), "SIDUnknown", "headend " + node + ": " + s.Unknown
		}
		if why := h.untold[s.Prefix]; why != "" {
			return no, "NotTold", why
		}
	}
	silent, inUse, policy, dropping, other := false, false, false, false, ""
	for _, w := range want.candidates {
		if why := h.untold[w.NLRI]; w.Unknown == "" && why != "" {
			return no, "NotTold", why
		}
		if w.Fence() {
			dropping = c.drops(h, w.NLRI)
			continue
		}
		if w.Unknown != "" {
			return unknown(h.standing(w) != nil), "SIDUnknown", "headend " + node + ": " + w.Unknown
		}
		t := h.paths[w.NLRI]
		policy = true
		seen := c.seen(h, t)
		switch {
		case !seen.Reported:
			silent = true
		case seen.Held == report.No:
			return no, "NotHeld", "headend " + node + " does not have path " + w.Name + " as it was told: " + seen.Why
		case seen.Held != report.Yes:
			return maybe, "CannotTell", "headend " + node + ", path " + w.Name + ": " + seen.Why
		}
		if inUse = inUse || seen.Installed == report.Yes; seen.Installed != report.Yes && other == "" {
			other = seen.Why
		}
	}
	switch {
	case silent, !policy && !dropping:
		return maybe, "Announced", "headend " + node + " was told by BGP, and reports nothing of it (RFC 9857)"
	case policy && !inUse:
		return no, "NotInstalled", "headend " + node + " forwards by no path of the intent: " + other
	}
	return yes, "Confirmed", ""
}

// unknown is the answer where something is not known, now: whether what was said before
// still leads anywhere, nobody can tell.
func unknown(said bool) (status string) {
	if said {
		return maybe
	}
	return no
}
