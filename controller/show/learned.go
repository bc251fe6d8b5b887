package show

import (
	"fmt"
	"slices"
	"time"

	"github.com/keiro-net/keiro/bgp/lsdb"
	"github.com/keiro-net/keiro/bgp/said"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/core"
	"github.com/keiro-net/keiro/controller/live"
	"github.com/keiro-net/keiro/topology"
)

// counts are the sizes of what was learned; nil: nobody is listened to.
func counts(v *lsdb.View) *resource.LearnedCounts {
	if v == nil {
		return nil
	}
	return &resource.LearnedCounts{Routers: len(v.Routers), Links: len(v.Links), Half: len(v.Half), Conditions: conditionTypes}
}

var conditionTypes = func() (out []string) {
	for _, c := range live.ConditionTypes {
		out = append(out, string(c))
	}
	return out
}()

// Learned is what routers say. It is as large as the network, so it is made when
// somebody asks.
func Learned(v core.View) (*resource.Learned, error) {
	if v.Learned == nil {
		return nil, errSilent()
	}
	out := &resource.Learned{Routers: []*resource.LearnedRouter{}, Links: []*resource.LearnedLink{}, Half: []*resource.HalfKnown{}}
	t := live.Learned("learned", v.Learned) // its nodes and entries are as the routers and links of the view
	nodes, links, halves, srlgs := declared(v.Live)
	names := make(map[string]string, len(t.Nodes))
	for i, r := range v.Learned.Routers {
		names[r.Key] = t.Nodes[i].Name
		x := routerOf(r, t.Nodes[i].Name)
		x.Node = nodes[r]
		out.Routers = append(out.Routers, x)
	}
	for i, l := range v.Learned.Links {
		out.Links = append(out.Links, &resource.LearnedLink{
			Name: t.Entries[i].Name, Link: links[l], A: names[l.A], B: names[l.B],
			AB: directionOf(&t.Links[2*i]), BA: directionOf(&t.Links[2*i+1]), SRLGs: groupsOf(&t.Entries[i], srlgs),
			Unusable: l.Unusable(), Origins: originsOf(l), Since: knownSince(l), Stale: live.LinkStale(l),
		})
	}
	for _, h := range v.Learned.Half {
		out.Half = append(out.Half, &resource.HalfKnown{Link: halves[h], From: names[h.From], To: names[h.To], NLRI: h.NLRI.String(), Why: h.Why, Peers: speakers(h.Words)})
	}
	return out, nil
}

func errSilent() error {
	return resource.Errorf(resource.NotFound, "nothing is learned: the controller speaks no BGP; keiro-controller --bgp FILE names the routers to listen to")
}

// declared says what of the declared topology routers, links, halves beside an
// agent, and SRLGs are.
func declared(r *live.Result) (nodes map[*lsdb.Router]string, links map[*lsdb.Link]string, halves map[*lsdb.HalfKnown]string, srlgs map[string]string) {
	nodes, links, halves, srlgs = map[*lsdb.Router]string{}, map[*lsdb.Link]string{}, map[*lsdb.HalfKnown]string{}, map[string]string{}
	if r == nil {
		return nodes, links, halves, srlgs
	}
	for i := range r.Nodes {
		nodes[r.Nodes[i].Router], nodes[r.Nodes[i].BGP] = r.Nodes[i].Name, r.Nodes[i].Name // that of nil is never read
	}
	for i := range r.Links {
		if l := r.Links[i].Learned; l != nil {
			links[l] = r.Links[i].Name
		}
		for _, h := range r.Links[i].Halves {
			halves[h] = r.Links[i].Name
		}
	}
	for _, g := range r.Declared().SRLGs {
		srlgs[live.SRLGName(g.Number)] = g.Name
	}
	return nodes, links, halves, srlgs
}

func routerOf(r *lsdb.Router, name string) *resource.LearnedRouter {
	out := &resource.LearnedRouter{
		Name: name, RouterIDs: append([]string{}, live.RouterIDs(r)...), Locators: []string{}, Origins: []string{},
		Conflicts: r.Conflicts, Stale: live.RouterStale(r),
	}
	for _, l := range live.Locators(r) {
		out.Locators = append(out.Locators, l.String())
	}
	for _, n := range r.Origins {
		out.Origins = appendNew(out.Origins, n.Origin.String())
	}
	return out
}

func directionOf(l *topology.Link) resource.LearnedDirection {
	out := resource.LearnedDirection{Metric: l.Metric}
	if c, known := l.Capacity.Get(); known {
		bps := int64(c)
		out.CapacityBPS = &bps
	}
	if d, known := l.Delay.Get(); known {
		us := int64(d)
		out.DelayUS = &us
	}
	return out
}

// groupsOf are the SRLGs of a learned link, by the names that the file gives.
func groupsOf(e *topology.Entry, names map[string]string) []string {
	groups, known := e.SRLGs.Get()
	if !known {
		return nil
	}
	out := make([]string, 0, len(groups))
	for _, g := range groups {
		if name := names[g]; name != "" {
			g = name
		}
		out = append(out, g)
	}
	return out
}

func originsOf(l *lsdb.Link) []string {
	out := []string{}
	for _, a := range l.Adjacencies {
		out = appendNew(out, origin(a))
	}
	return out
}

func origin(a *lsdb.Adjacency) string {
	if a.Topology == 0 {
		return a.Origin.String()
	}
	return fmt.Sprintf("%v mt %d", a.Origin, a.Topology)
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// knownSince is since when both directions of a link are known, in the IGP that
// had them first.
func knownSince(l *lsdb.Link) (since time.Time) {
	for _, a := range l.Adjacencies {
		both := heard(a.AB.Words)
		if back := heard(a.BA.Words); back.After(both) {
			both = back
		}
		if since.IsZero() || both.Before(since) {
			since = both
		}
	}
	return since
}

// heard is since when the first of those who say that an object is there says so.
func heard(ws said.Words) (at time.Time) {
	for i := range ws {
		if w := &ws[i]; !w.Withdrawn && (at.IsZero() || w.At.Before(at)) {
			at = w.At
		}
	}
	return at
}

// speakers are those who say that an object is there.
func speakers(ws said.Words) []string {
	out := []string{}
	for i := range ws {
		if !ws[i].Withdrawn {
			out = append(out, ws[i].Peer)
		}
	}
	return out
}

// LearnedTopology is what routers say as a Topology to start a file from.
func LearnedTopology(v core.View, name string) (*topology.Topology, error) {
	switch {
	case v.Learned == nil:
		return nil, errSilent()
	case len(v.Learned.Routers) == 0:
		return nil, resource.Errorf(resource.NotFound, "nothing is learned yet: no peer has told of a router; `keiro get peers` says how they are")
	}
	if err := topology.CheckName(name); err != nil {
		return nil, resource.Errorf(resource.Invalid, "a topology cannot be called %q: %v", name, err)
	}
	return live.Learned(name, v.Learned), nil
}
