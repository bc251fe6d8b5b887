package core

// invariants hold after every step of every play and of the random walks.
func (s *stage) invariants() {
	s.t.Helper()
	for _, n := range s.core.nodes {
		if n.sent != nil {
			if err := n.sent.Validate(); err != nil {
				s.t.Fatalf("a Config that its agent must refuse: %v", err)
			}
		}
	}
	for _, i := range s.core.intents {
		for k, p := range i.standing.Paths {
			if i.serving == nil || !i.serving[k] {
				continue
			}
			s.carried(i, p.Nodes, p.Links)
		}
	}
}

// carried: every node on a path that serves was told the SIDs of its links
// (make before break).
func (s *stage) carried(i *intent, nodes, links []string) {
	s.t.Helper()
	for n, name := range nodes {
		cfg := s.core.nodes[name].sent
		if cfg == nil {
			continue // its agent is away: it forwards as it was last told
		}
		for _, link := range links[max(n-1, 0):min(n+1, len(links))] {
			found := false
			for _, l := range cfg.Links {
				found = found || l.Name == link
			}
			if _, exists := s.core.spec.Topology.Entry(link); !found && exists {
				s.t.Fatalf("intent %s is sent over %s, but node %s has no SID of it", i.spec.Name, link, name)
			}
		}
	}
}
