package collect

import "github.com/keiro-net/keiro/controller/api/resource"

// Metrics of BGP peers and of what they say. There are none where the controller
// speaks no BGP.
var (
	peerUpDesc      = desc("keiro_bgp_peer_up", "Whether the session with a peer is Established.", "peer")
	peerObjectsDesc = desc("keiro_bgp_peer_objects", "Objects that a peer has said, of all address families.", "peer")
	peerStaleDesc   = desc("keiro_bgp_peer_stale_objects", "Objects of a peer that are from before its session was lost.", "peer")
	peerRoutesDesc  = desc("keiro_bgp_peer_routes", "Routes that are to be said to a peer.", "peer")
	peerPendingDesc = desc("keiro_bgp_peer_routes_pending", "Routes and withdrawals that a peer was not sent yet.", "peer")
	peerUpdatesDesc = desc("keiro_bgp_peer_updates_total", "UPDATE messages received from a peer.", "peer")
	peerFaultsDesc  = desc("keiro_bgp_peer_faults_total", "What was wrong in UPDATE messages of a peer.", "peer")
	peerFlapsDesc   = desc("keiro_bgp_peer_flaps_total", "Ends of sessions with a peer.", "peer")
	refusedDesc     = desc("keiro_bgp_refused_connections_total", "Connections from addresses that are no peer's.")

	routersDesc   = desc("keiro_topology_learned_routers", "Routers that BGP-LS peers tell of.")
	linksDesc     = desc("keiro_topology_learned_links", "Links of which BGP-LS peers tell both directions.")
	halfDesc      = desc("keiro_topology_learned_half_links", "Directions that make no link.")
	conditionsAll = desc("keiro_topology_conditions", "Nodes and links where the declared and the learned topology do not agree, by type.", "type")
)

func (e emitter) peers(p *resource.Peers) {
	if !p.Configured {
		return
	}
	e.counter(refusedDesc, p.Refused)
	for _, x := range p.Items {
		e.gauge(peerUpDesc, truth(x.Established()), x.Name)
		e.gauge(peerObjectsDesc, float64(x.Objects), x.Name)
		e.gauge(peerStaleDesc, float64(x.Stale), x.Name)
		e.gauge(peerRoutesDesc, float64(x.Routes), x.Name)
		e.gauge(peerPendingDesc, float64(x.Pending), x.Name)
		e.counter(peerUpdatesDesc, x.Updates, x.Name)
		e.counter(peerFaultsDesc, x.Faults, x.Name)
		e.counter(peerFlapsDesc, x.Flaps, x.Name)
	}
}

// learned tells of every type, so that one that appears has a 0 before it.
func (e emitter) learned(s *resource.State) {
	if s.Learned == nil {
		return
	}
	e.gauge(routersDesc, float64(s.Learned.Routers))
	e.gauge(linksDesc, float64(s.Learned.Links))
	e.gauge(halfDesc, float64(s.Learned.Half))
	count := map[string]int{}
	add := func(list []resource.Discrepancy) {
		seen := map[string]bool{} // one link may say a thing of both directions
		for _, f := range list {
			if !seen[f.Type] {
				seen[f.Type] = true
				count[f.Type]++
			}
		}
	}
	for _, n := range s.Nodes {
		add(n.Conditions)
	}
	for _, l := range s.Links {
		add(l.Conditions)
	}
	for _, kind := range s.Learned.Conditions {
		e.gauge(conditionsAll, float64(count[kind]), kind)
	}
}
