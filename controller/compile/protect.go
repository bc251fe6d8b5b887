package compile

import (
	"slices"
	"strings"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/pathspec"
)

// protect has the ends of each intent, and the nodes on its paths, look for its
// packets where they should not be.
func (c *compiler) protect() {
	for i := range c.Policies {
		p := &c.Policies[i]
		what := nodecfg.Protected{Intent: p.Intent, Lanes: c.lanes(p)}
		for _, s := range p.Traffic {
			for _, s := range []pathspec.Selector{s, s.Reverse()} {
				what.Traffic = append(what.Traffic, nodecfg.Selector{From: s.From, To: s.To})
			}
		}
		if p.Encryption != pathspec.NoEncryption {
			what.Encryption = p.Encryption.String()
		}
		taken, sites, seen := map[string]bool{}, map[string]bool{}, map[string]bool{}
		for _, l := range p.Held {
			taken[l] = true
		}
		var nodes []string
		add := func(node string) {
			if !seen[node] {
				seen[node] = true
				nodes = append(nodes, node)
			}
		}
		for _, end := range p.Ends {
			add(end.Node)
			if site := c.named(end.Node).Site; site != "" {
				sites[site] = true
			}
		}
		for _, path := range p.Paths {
			for _, n := range path.Nodes {
				add(n)
			}
			for _, l := range path.Links {
				taken[l] = true
			}
		}
		for _, node := range nodes {
			cfg := c.configs[node]
			if cfg == nil || len(cfg.Links) == 0 {
				continue // without an agent
			}
			p := what
			within := sites[c.named(node).Site]
			for _, l := range cfg.Links {
				switch {
				case taken[l.Name]:
					p.Links = append(p.Links, l.Name)
				case within && c.named(l.Peer).Site == c.named(node).Site:
					p.Near = append(p.Near, l.Name)
				}
			}
			cfg.Protected = append(cfg.Protected, p)
		}
	}
	for _, cfg := range c.configs {
		slices.SortFunc(cfg.Protected, func(a, b nodecfg.Protected) int { return strings.Compare(a.Intent, b.Intent) })
	}
}

// lanes are the numbers of an intent's lanes.
func (c *compiler) lanes(p *Policy) []uint16 {
	if p.Encryption == pathspec.NoEncryption {
		return nil
	}
	var lanes []uint16
	for i := 0; ; i++ {
		id, ok := c.IDs.Lanes[PathName(p.Intent, i)]
		if !ok {
			return lanes
		}
		lanes = append(lanes, id)
	}
}
