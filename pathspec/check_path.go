package pathspec

import (
	"slices"

	"github.com/keiro-net/keiro/topology"
)

// walk is a path as indices into the topology.
type walk struct {
	nodes []int
	links []int // one fewer
}

// walk resolves a path, and checks that it is one: links that exist and meet,
// no node twice, from end to end.
func (c *checker) walk(in *Intent, i int, p *Path) (w walk, ok bool) {
	if len(p.Links) == 0 || len(p.Nodes) != len(p.Links)+1 {
		c.fail(in.Name, i, RulePath, "%d links and %d nodes are no path", len(p.Links), len(p.Nodes))
		return w, false
	}
	for _, name := range p.Nodes {
		n, ok := c.t.Node(name)
		if !ok {
			c.fail(in.Name, i, RulePath, "there is no node %s", name)
			return w, false
		}
		if slices.Contains(w.nodes, n) {
			c.fail(in.Name, i, RuleSimple, "passes node %s twice", name)
		}
		w.nodes = append(w.nodes, n)
	}
	for j, name := range p.Links {
		e, ok := c.t.Entry(name)
		if !ok {
			c.fail(in.Name, i, RulePath, "there is no link %s", name)
			return w, false
		}
		from, to := w.nodes[j], w.nodes[j+1]
		switch entry := &c.t.Entries[e]; {
		case entry.A == from && entry.B == to:
			w.links = append(w.links, 2*e)
		case entry.B == from && entry.A == to:
			w.links = append(w.links, 2*e+1)
		default:
			c.fail(in.Name, i, RulePath, "link %s does not lead from %s to %s", name, p.Nodes[j], p.Nodes[j+1])
			return w, false
		}
	}
	first, last := w.nodes[0], w.nodes[len(w.nodes)-1]
	if !c.at(first, in.From) || !c.at(last, in.To) {
		c.fail(in.Name, i, RuleEnds, "leads from %s to %s, not from %s to %s",
			c.t.Nodes[first].Name, c.t.Nodes[last].Name, in.From, in.To)
	}
	return w, true
}

// at reports whether node n is the named end: the node, or a node of the site.
func (c *checker) at(n int, end string) bool {
	if m, ok := c.t.Node(end); ok {
		return m == n
	}
	return end != "" && c.t.Nodes[n].Site == end
}

// require checks what path i must be, by itself.
func (c *checker) require(in *Intent, i int, w walk) {
	r := &in.Require
	for _, n := range w.nodes {
		c.node(in, i, n)
	}
	for _, l := range w.links {
		c.link(in, i, l)
	}
	if r.MaxHops > 0 && len(w.links) > r.MaxHops {
		c.fail(in.Name, i, RuleHops, "%d hops, at most %d", len(w.links), r.MaxHops)
	}
	if r.MaxDelay > 0 {
		if delay, unknown, ok := c.delay(w); !ok {
			c.lacks(true, in.Name, i, RuleDelay, "the delay of %s is unknown", c.direction(unknown))
		} else if delay > r.MaxDelay {
			c.fail(in.Name, i, RuleDelay, "takes %s, at most %s", delay, r.MaxDelay)
		}
	}
}

func (c *checker) node(in *Intent, i, n int) {
	r, node, country := &in.Require, &c.t.Nodes[n], c.t.Country(n)
	if r.Countries.Allow != nil && (country == "" || !slices.Contains(r.Countries.Allow, country)) ||
		r.Countries.Deny != nil && (country == "" || slices.Contains(r.Countries.Deny, country)) {
		c.lacks(country == "", in.Name, i, RuleCountries, "node %s is in country %q", node.Name, country)
	}
	if slices.Contains(r.Avoid.Nodes, node.Name) {
		c.fail(in.Name, i, RuleAvoid, "node %s is to be avoided", node.Name)
	}
	if len(r.Avoid.Sites) > 0 && (node.Site == "" || slices.Contains(r.Avoid.Sites, node.Site)) {
		c.lacks(node.Site == "", in.Name, i, RuleAvoid, "node %s is in site %q", node.Name, node.Site)
	}
	if node.Operator != "" && slices.Contains(r.Avoid.Operators, node.Operator) {
		c.fail(in.Name, i, RuleAvoid, "node %s is run by %s", node.Name, node.Operator)
	}
	if !r.Nodes.Node(c.t, n) {
		c.fail(in.Name, i, RuleNodes, "node %s does not meet the condition", node.Name)
	}
}

func (c *checker) link(in *Intent, i, l int) {
	r, entry := &in.Require, &c.t.Entries[c.t.Links[l].Entry]
	if slices.Contains(r.Avoid.Links, entry.Name) {
		c.fail(in.Name, i, RuleAvoid, "link %s is to be avoided", entry.Name)
	}
	if len(r.Avoid.SRLGs) > 0 && !entry.SRLGs.Known() {
		c.lacks(true, in.Name, i, RuleAvoid, "the SRLGs of link %s are unknown", entry.Name)
	}
	for _, g := range r.Avoid.SRLGs {
		if entry.HasSRLG(g) {
			c.fail(in.Name, i, RuleAvoid, "link %s lies in %s", entry.Name, g)
		}
	}
	if len(r.Avoid.Operators) > 0 && (entry.Operator == "" || slices.Contains(r.Avoid.Operators, entry.Operator)) {
		c.lacks(entry.Operator == "", in.Name, i, RuleAvoid, "link %s is run by %q", entry.Name, entry.Operator)
	}
	if r.Encryption == QKD && !entry.QKD {
		c.fail(in.Name, i, RuleEncryption, "no QKD system runs on link %s", entry.Name)
	}
	if r.Encryption == QKD && entry.Keyless != "" {
		c.fail(in.Name, i, RuleEncryption, "link %s: %s", entry.Name, entry.Keyless)
		c.found[len(c.found)-1].Object = KeysOf + entry.Name
	}
	if !r.Links.Link(c.t, l) {
		c.fail(in.Name, i, RuleLinks, "link %s does not meet the condition", c.direction(l))
	}
}

// spread checks that no path is slower than another by more than is allowed.
func (c *checker) spread(in *Intent, walks []walk) {
	bound := in.Require.MaxDelaySpread
	if bound == nil {
		return
	}
	for i, v := range walks {
		slow, unknown, ok := c.delay(v)
		for _, w := range walks {
			fast, _, also := c.delay(w)
			if ok && also && slow-fast > *bound {
				c.fail(in.Name, i, RuleSpread, "takes %s, another %s; at most %s apart", slow, fast, *bound)
			}
		}
		if !ok && len(walks) > 1 {
			c.lacks(true, in.Name, i, RuleSpread, "the delay of %s is unknown", c.direction(unknown))
		}
	}
}

// delay sums the delays of a path. Where one is unknown, it is that of the
// returned link.
func (c *checker) delay(w walk) (sum topology.Delay, unknown int, ok bool) {
	for _, l := range w.links {
		d, known := c.t.Links[l].Delay.Get()
		if !known {
			return 0, l, false
		}
		sum += d
	}
	return sum, 0, true
}

func (c *checker) metric(w walk) (sum int64) {
	for _, l := range w.links {
		sum += c.t.Links[l].Metric
	}
	return sum
}

// direction names a link, one way.
func (c *checker) direction(l int) string {
	link := &c.t.Links[l]
	return c.t.Entries[link.Entry].Name + " from " + c.t.Nodes[link.From].Name
}
