package show

import (
	"fmt"
	"slices"

	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/lsdb"
	"github.com/keiro-net/keiro/bgp/said"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/core"
	"github.com/keiro-net/keiro/controller/live"
)

// Link is all about one link, nil if there is none of that name. It is made when
// somebody asks.
func Link(s *resource.State, v core.View, name string) *resource.LinkDetail {
	t := v.Spec.Topology
	l := s.Link(name)
	if l == nil || t == nil {
		return nil
	}
	e, there := t.Entry(name)
	if !there {
		return nil
	}
	r := joined(v)
	out := &resource.LinkDetail{
		Link: *l, Observations: observations(v, v.Links[e], r.Links[e].Conditions), Attributes: attributes(r.Attributes(e)),
		SIDs: []resource.SID{}, Adjacencies: []resource.Adjacency{},
	}
	for _, from := range []string{l.A, l.B} {
		if sid, known := r.SIDs.Over(name, from); known {
			x := sidOf(sid)
			x.From = from
			out.SIDs = append(out.SIDs, x)
		}
	}
	if learned := r.Links[e].Learned; learned != nil {
		for _, a := range learned.Adjacencies {
			ab, ba := a.AB, a.BA
			if r.Links[e].Reversed {
				ab, ba = ba, ab
			}
			x := resource.Adjacency{Origin: a.Origin.String(), Topology: a.Topology, Unusable: a.Unusable, AB: half(ab), BA: half(ba)}
			if a.LAN != nil {
				x.LAN = a.LAN.String()
			}
			out.Adjacencies = append(out.Adjacencies, x)
		}
	}
	for _, h := range r.Links[e].Halves { // beside an agent
		x := resource.Adjacency{Origin: h.NLRI.Origin.String(), Unusable: h.Unusable, AB: half(h.Half), BA: []resource.Saying{}}
		if r.Links[e].Reversed {
			x.AB, x.BA = x.BA, x.AB
		}
		out.Adjacencies = append(out.Adjacencies, x)
	}
	return out
}

// Node is all about one node, nil if there is none of that name.
func Node(s *resource.State, v core.View, name string) *resource.NodeDetail {
	t := v.Spec.Topology
	n := s.Node(name)
	if n == nil || t == nil {
		return nil
	}
	i, there := t.Node(name)
	if !there {
		return nil
	}
	r := joined(v)
	out := &resource.NodeDetail{Node: *n, Attributes: attributes(r.Nodes[i].Attributes), SIDs: []resource.SID{}, Said: []resource.Saying{}}
	if i := slices.IndexFunc(v.Nodes, func(n core.NodeView) bool { return n.Name == name }); i >= 0 {
		out.Drifts = v.Nodes[i].Drifts
	}
	if sid, known := r.SIDs.Node(name); known {
		out.SIDs = append(out.SIDs, sidOf(sid))
	}
	for _, behavior := range []uint16{ls.BehaviorEndDT6, ls.BehaviorEndDT4, ls.BehaviorEndDT46} {
		if sid, known := r.SIDs.Decapsulation(name, behavior); known {
			out.SIDs = append(out.SIDs, sidOf(sid))
		}
	}
	for _, router := range []*lsdb.Router{r.Nodes[i].Router, r.Nodes[i].BGP} {
		if router == nil {
			continue
		}
		x := routerOf(router, router.String())
		if x.Node = name; out.Router == nil {
			out.Router = x
		} else {
			out.Router.RouterIDs, out.Router.Origins = append(out.Router.RouterIDs, x.RouterIDs...), append(out.Router.Origins, x.Origins...)
		}
		for _, o := range router.Origins {
			for _, x := range sayings(o.Words) {
				x.Origin = o.Origin.String()
				out.Said = append(out.Said, x)
			}
		}
	}
	return out
}

// joined is the topology with what is learned: nothing, if nobody is listened to.
func joined(v core.View) *live.Result {
	if v.Live != nil {
		return v.Live
	}
	return live.Join(v.Spec.Topology, &lsdb.View{})
}

func observations(v core.View, l core.LinkView, conditions []live.Condition) []resource.Observation {
	stale := slices.ContainsFunc(conditions, func(c live.Condition) bool { return c.Type == live.Stale })
	here := map[string]bool{}
	for _, n := range v.Nodes {
		if n.Name == l.A || n.Name == l.B {
			here[n.Name] = n.Connected
		}
	}
	out := make([]resource.Observation, 0, len(l.Ends))
	for _, e := range l.Ends {
		x := resource.Observation{By: e.By, Up: e.Up, MTU: e.MTU, Since: e.Since}
		if connected, agent := here[e.By]; agent {
			x.Stale = !connected
		} else {
			x.Stale = stale
		}
		out = append(out, x)
	}
	return out
}

func attributes(list []live.Attribute) []resource.Attribute {
	out := make([]resource.Attribute, 0, len(list))
	for _, a := range list {
		x := resource.Attribute{Name: a.Name, Value: a.Value, ByFile: a.ByFile, ByPeers: a.ByPeers, Peers: a.Peers, Since: a.Since, Stale: a.Stale, Others: a.Others}
		switch {
		case a.Learned:
			x.Source = resource.ByBGPLS
		case a.Value != "":
			x.Source = resource.ByFile
		}
		out = append(out, x)
	}
	return out
}

func discrepancies(list []live.Condition) (out []resource.Discrepancy) {
	for _, c := range list {
		out = append(out, resource.Discrepancy{Type: string(c.Type), Message: c.Message})
	}
	return out
}

func sidOf(s live.SID) resource.SID {
	return resource.SID{SID: s.Addr.String(), Behavior: behavior(s.Behavior), Code: s.Behavior, Protected: s.Protected,
		Peers: append([]string{}, s.By...), Since: s.Since, Stale: s.Stale}
}

// behavior names a behaviour, whatever its flavors.
func behavior(code uint16) string {
	name := map[uint16]string{ls.BehaviorEndDT6: "End.DT6", ls.BehaviorEndDT4: "End.DT4", ls.BehaviorEndDT46: "End.DT46"}[code]
	switch {
	case name != "":
	case ls.IsEnd(code):
		name = "End"
	case ls.IsEndX(code):
		name = "End.X"
	default:
		name = fmt.Sprintf("behavior %d", code)
	}
	if ls.NextCSID(code) {
		name += " with NEXT-CSID"
	}
	return name
}

// half is all that is said of one direction, its addresses first.
func half(h *lsdb.Half) []resource.Saying {
	out := []resource.Saying{{Name: "link", Value: h.NLRI.String(), Peers: speakers(h.Words), Since: heard(h.Words)}}
	return append(out, sayings(h.Words)...)
}

func sayings(ws said.Words) []resource.Saying {
	out := []resource.Saying{}
	for _, s := range said.Show(ws) {
		x := resource.Saying{Name: s.Name, Value: s.Value.Value, Peers: append([]string{}, s.By...), Since: s.Since, Stale: s.Stale}
		for _, o := range s.Others {
			x.Others = append(x.Others, o.Peer+" says "+o.Value)
		}
		out = append(out, x)
	}
	return out
}
