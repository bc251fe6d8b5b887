package core

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/keiro-net/keiro/bgp/service"
	"github.com/keiro-net/keiro/bgp/srpolicy"
	"github.com/keiro-net/keiro/controller/compile"
	"github.com/keiro-net/keiro/topology"
)

// headend is a node with steering by BGP, or one that was: what it has been told, and
// what it is to be told.
//
// Make before break: a candidate path is announced beside those that it replaces, and a
// route is given to it only then. What is replaced is withdrawn last: after
// Params.Linger, in which the headend takes the new into use, or as soon as it says that
// it has; but right behind the announcement when it has failed, as until then part of the
// traffic may still go there. A route is withdrawn before its policy, and the fence of a
// policy stays as long as a route uses it.
type headend struct {
	node     string
	routerID netip.Addr
	want     compile.Headend
	intents  map[string]*wanted // what of want is of an intent
	paths    map[srpolicy.NLRI]*toldPath
	services map[netip.Prefix]toldRoute
	// untold are the candidate paths, by NLRI, and the routes, by prefix, that could not
	// be sent to it, and why.
	untold map[any]string
}

// wanted is what a headend is to be told of an intent.
type wanted struct {
	candidates []*compile.Candidate
	services   []*compile.Service
	refused    string
}

// of is what the headend is to be told of an intent.
func (h *headend) of(intent string) *wanted {
	if w := h.intents[intent]; w != nil {
		return w
	}
	w := &wanted{}
	h.intents[intent] = w
	return w
}

// wants replaces what the headend is to be told.
func (h *headend) wants(want compile.Headend) {
	h.want, h.intents = want, map[string]*wanted{}
	for i := range want.Candidates {
		w := h.of(want.Candidates[i].Intent)
		w.candidates = append(w.candidates, &want.Candidates[i])
	}
	for i := range want.Services {
		w := h.of(want.Services[i].Intent)
		w.services = append(w.services, &want.Services[i])
	}
	for _, r := range want.Refused {
		h.of(r.Intent).refused = r.Why
	}
}

// toldPath is a candidate path that was announced.
type toldPath struct {
	compile.Candidate
	to    netip.Addr // the BGP Identifier that the headend had
	leave time.Time  // when it is withdrawn; zero: it is wanted
	dead  bool       // it leads nowhere, or must not
}

// toldRoute is a colored route that was announced.
type toldRoute struct {
	compile.Service
	to netip.Addr // likewise
}

// announce tells the headends what they are to have now.
func (c *Core) announce(now time.Time, in *compile.Input) {
	for _, h := range c.headends {
		h.wants(compile.Headend{RouterID: h.routerID})
	}
	for _, want := range compile.Headends(*in) {
		h := c.headends[want.Node]
		if h == nil {
			h = &headend{node: want.Node, paths: map[srpolicy.NLRI]*toldPath{}, services: map[netip.Prefix]toldRoute{}, untold: map[any]string{}}
			c.headends[want.Node] = h
		}
		h.wants(want)
	}
	for _, name := range sortedKeys(c.headends) {
		h := c.headends[name]
		if c.takesOver(h) {
			continue
		}
		out := Announce{Node: name}
		names := h.candidates(&out)
		keep := h.routes(&out)
		if h.routerID = h.want.RouterID; len(out.Policies)+len(out.Services) > 0 {
			out.RouterID = h.routerID
			c.emit(out)
		}
		if n := c.nodes[name]; n != nil && n.yields && n.yieldAt.IsZero() && !h.want.Lacks() {
			n.yieldAt = now.Add(c.params.Linger)
		}
		c.leave(now, in, name, names, keep)
		h.tries(&out, now.Add(c.params.Linger))
		if h.want.Node == "" && len(h.paths) == 0 {
			delete(c.headends, name)
		}
	}
}

// candidates takes in the candidate paths that are wanted, adds to out those that the
// headend does not have so, and returns the names of all.
func (h *headend) candidates(out *Announce) (names map[srpolicy.NLRI]bool) {
	names = map[srpolicy.NLRI]bool{}
	for _, w := range h.want.Candidates {
		if w.Unknown != "" {
			if t := h.standing(&w); t != nil {
				t.Paths, t.Closed, t.leave, t.dead = w.Paths, w.Closed, time.Time{}, false
				names[t.NLRI] = true
			}
			continue
		}
		t := h.paths[w.NLRI]
		if t == nil || h.renamed(t.to) || t.Octets != w.Octets || h.untold[w.NLRI] != "" {
			out.Policies = append(out.Policies, w.CandidatePath)
		}
		h.paths[w.NLRI] = &toldPath{Candidate: w, to: h.want.RouterID}
		names[w.NLRI] = true
	}
	return names
}

// renamed reports whether the headend has another BGP Identifier than when it was told:
// a route reflector has to be told again, for the new one.
func (h *headend) renamed(to netip.Addr) bool { return h.want.RouterID != to }

// standing is what was said of the ways of a candidate path of which something is
// unknown now.
func (h *headend) standing(w *compile.Candidate) *toldPath {
	var newest *toldPath
	for _, t := range h.paths {
		if t.Intent == w.Intent && equalPaths(t.Ways, w.Ways) && (newest == nil || newest.older(t)) {
			newest = t
		}
	}
	return newest
}

// older puts what is wanted behind what leaves, by time and then by name.
func (t *toldPath) older(other *toldPath) bool {
	switch {
	case t.leave.IsZero() != other.leave.IsZero():
		return other.leave.IsZero()
	case !t.leave.Equal(other.leave):
		return t.leave.Before(other.leave)
	}
	return compareNLRI(t.NLRI, other.NLRI) < 0
}

// routes does the same for the colored routes.
func (h *headend) routes(out *Announce) (keep map[netip.Prefix]bool) {
	keep = map[netip.Prefix]bool{}
	for _, w := range h.want.Services {
		had, have := h.services[w.Prefix]
		if w.Unknown != "" {
			keep[w.Prefix] = have && had.Intent == w.Intent
			continue
		}
		if !have || h.renamed(had.to) || !sameRoute(&had.Route, &w.Route) || h.untold[w.Prefix] != "" {
			out.Services = append(out.Services, w.Route)
		}
		h.services[w.Prefix], keep[w.Prefix] = toldRoute{w, h.want.RouterID}, true
	}
	return keep
}

// sameRoute compares what compile.Headends says in a route.
func sameRoute(a, b *service.Route) bool {
	return a.NextHop == b.NextHop && a.SID == b.SID && slices.Equal(a.Colors, b.Colors)
}

// leave withdraws the routes that are not wanted, and says when the candidate paths are
// to follow.
func (c *Core) leave(now time.Time, in *compile.Input, name string, names map[srpolicy.NLRI]bool, keep map[netip.Prefix]bool) {
	h := c.headends[name]
	closed := map[string]bool{}
	for _, w := range h.want.Candidates {
		closed[w.Intent] = w.Closed
	}
	var prefixes []netip.Prefix
	for prefix := range h.services {
		if !keep[prefix] {
			prefixes = append(prefixes, prefix)
			delete(h.services, prefix)
			delete(h.untold, prefix)
		}
	}
	slices.SortFunc(prefixes, netip.Prefix.Compare)
	for nlri, t := range h.paths {
		if names[nlri] {
			continue
		}
		if t.leave.IsZero() {
			t.leave = now.Add(c.params.Linger)
		}
		if closed[t.Intent] || c.failed(t.Ways...) || !in.Said(&t.Candidate) {
			t.leave, t.dead = now, true
		}
	}
	c.withdraw(now, name, prefixes)
}

// withdraw withdraws routes of a headend, and the candidate paths whose time has come.
func (c *Core) withdraw(now time.Time, name string, prefixes []netip.Prefix) {
	h := c.headends[name]
	used := map[srpolicy.NLRI]bool{} // policies: the distinguisher is 0
	for _, s := range h.services {
		used[srpolicy.NLRI{Color: s.Colors[0].Value, Endpoint: s.NextHop}] = true
	}
	partly := map[string]bool{} // intents of which the new could not be said
	for n, t := range h.paths {
		partly[t.Intent] = partly[t.Intent] || h.untold[n] != ""
	}
	for p, s := range h.services {
		partly[s.Intent] = partly[s.Intent] || h.untold[p] != ""
	}
	out := Withdraw{Node: name, RouterID: h.routerID, Services: prefixes}
	for nlri, t := range h.paths {
		if t.leave.IsZero() || now.Before(t.leave) && !c.replaced(h, t) || !t.dead && partly[t.Intent] || t.Fence() && used[srpolicy.NLRI{Color: nlri.Color, Endpoint: nlri.Endpoint}] {
			continue
		}
		out.Policies = append(out.Policies, nlri)
		delete(h.paths, nlri)
		delete(h.untold, nlri)
		delete(c.reports, nlri) // the word on it is out of date
	}
	if slices.SortFunc(out.Policies, compareNLRI); len(out.Policies)+len(prefixes) > 0 {
		c.emit(out)
	}
}

// tries forgets that something could not be sent which is tried again: else a NotTold
// follows. What it replaces lingers from now.
func (h *headend) tries(out *Announce, until time.Time) {
	if len(h.untold) == 0 {
		return
	}
	for i := range out.Policies {
		delete(h.untold, out.Policies[i].NLRI)
	}
	for i := range out.Services {
		delete(h.untold, out.Services[i].Prefix)
	}
	for _, t := range h.paths {
		if !t.leave.IsZero() && !t.dead {
			t.leave = until
		}
	}
}

// notTold takes in what of an Announce could not be sent. It is tried again whenever
// something changes.
func (c *Core) notTold(e NotTold) {
	h := c.headends[e.Node]
	if h == nil {
		return
	}
	for n, why := range e.Policies {
		if h.paths[n] != nil {
			h.untold[n] = why
		}
	}
	for p, why := range e.Services {
		if _, said := h.services[p]; said {
			h.untold[p] = why
		}
	}
}

func compareNLRI(a, b srpolicy.NLRI) int {
	return cmp.Or(cmp.Compare(a.Color, b.Color), a.Endpoint.Compare(b.Endpoint), cmp.Compare(a.Distinguisher, b.Distinguisher))
}

// lingered withdraws the candidate paths whose time has come. SIDs of links that have
// left may be given up then.
func (c *Core) lingered(now time.Time) {
	c.yield(now)
	for _, name := range sortedKeys(c.headends) {
		h := c.headends[name]
		before := len(h.paths)
		c.withdraw(now, name, nil)
		if len(h.paths) < before && len(c.retired) > 0 {
			c.dirty = true
		}
		if h.want.Node == "" && len(h.paths) == 0 {
			delete(c.headends, name)
		}
	}
}

// awaitLinger asks to be woken when the next candidate path is to be withdrawn.
func (c *Core) awaitLinger(now time.Time) {
	var next time.Time
	due := func(at time.Time) {
		if at.After(now) && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	for _, h := range c.headends {
		for _, t := range h.paths {
			due(t.leave)
		}
	}
	for _, n := range c.nodes {
		if n.yields {
			due(n.yieldAt)
		}
	}
	if !next.IsZero() {
		c.emit(WakeAt{next})
	}
}

// announcedAll says once that all has been announced that the headends had from a
// controller before this one, so that they forget the rest: when the first answers are
// in, and what the routers have to say for it has come, or has had its time. While a
// peer that knows the topology has not said all, what is not known of a headend's paths
// may yet be the same as before: then the headends keep what they have.
func (c *Core) announcedAll(now time.Time) {
	if c.saidAll || c.spec.Topology == nil || !c.fresh() || c.learned == nil && !slices.ContainsFunc(c.spec.Topology.Nodes, byBGP) {
		return
	}
	until := c.started.Add(c.params.Settle)
	early := now.Before(until)
	for h := range maps.Values(c.headends) {
		if (early || !c.allTold()) && h.want.Lacks() {
			if early {
				c.emit(WakeAt{until})
			}
			return
		}
	}
	c.saidAll = true
	c.emit(AnnouncedAll{})
}

func byBGP(n topology.Node) bool { return n.Steering == topology.ByBGP }
