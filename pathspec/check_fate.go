package pathspec

import (
	"slices"
	"strings"
)

// fate is something that a path shares with whatever else has it too.
type fate struct {
	name    string
	unknown bool // what should be named here is not stated; name says where
}

// disjoint checks every pair of paths for every kind that is asked for. Each
// kind implies Link.
func (c *checker) disjoint(in *Intent, walks []walk) {
	if len(walks) < 2 {
		return
	}
	for _, k := range []Kind{Link, Node, SRLG, Site, Operator} {
		if k != Link && !in.Require.Wants(k) {
			continue
		}
		for i, w := range walks {
			fates := c.fates(in, k, w)
			for _, f := range fates {
				if f.unknown {
					c.lacks(true, in.Name, i, ruleDisjoint(k), "the %s of %s is unknown", k, f.name)
				}
			}
			for j, v := range walks[:i] {
				for _, f := range c.fates(in, k, v) {
					if slices.Contains(fates, f) && !f.unknown {
						c.fail(in.Name, i, ruleDisjoint(k), "shares %s with path %d", f.name, j+1)
						c.found[len(c.found)-1].Object = k.String() + ":" + f.name
					}
				}
			}
		}
	}
}

// fates lists what a path shares in kind k, without what is excepted at the
// ends of the intent.
func (c *checker) fates(in *Intent, k Kind, w walk) (fates []fate) {
	add := func(name, where string) {
		f := fate{name: name}
		if name == "" {
			f = fate{name: where, unknown: true}
		}
		if !slices.Contains(fates, f) {
			fates = append(fates, f)
		}
	}
	for i, n := range w.nodes {
		node := &c.t.Nodes[n]
		named := node.Name == in.From || node.Name == in.To
		switch end := i == 0 || i == len(w.nodes)-1; {
		case k == Node && !named:
			add(node.Name, "")
		case k == Site && !named && !c.endSite(in, node.Site):
			add(node.Site, "node "+node.Name)
		case k == Operator && !end && node.Operator != "":
			// A node that names no operator is run by those of its links.
			add(node.Operator, "")
		}
	}
	for _, l := range w.links {
		entry := &c.t.Entries[c.t.Links[l].Entry]
		switch k {
		case Link:
			add(entry.Name, "")
		case SRLG:
			if !entry.SRLGs.Known() {
				add("", "link "+entry.Name)
			}
			groups, _ := entry.SRLGs.Get()
			for _, g := range groups {
				add(g, "")
			}
		case Operator:
			add(entry.Operator, "link "+entry.Name)
		}
	}
	return fates
}

// endSite reports whether the site is that of an end of the intent.
func (c *checker) endSite(in *Intent, site string) bool {
	for _, end := range []string{in.From, in.To} {
		if n, ok := c.t.Node(end); ok {
			end = c.t.Nodes[n].Site
		}
		if site != "" && site == end {
			return true
		}
	}
	return false
}

// margin recomputes how many failures of a kind the paths survive.
func (c *checker) margin(in *Intent, walks []walk, a *Answer) {
	if a.Margin == nil {
		c.fail(in.Name, -1, RuleMargin, "satisfied, but gives no margin")
		return
	}
	for _, m := range []struct {
		kind   Kind
		said   *int
		breaks []string
	}{
		{Link, a.Margin.Link, a.Margin.Breaks.Link}, {Node, a.Margin.Node, a.Margin.Breaks.Node},
		{SRLG, a.Margin.SRLG, a.Margin.Breaks.SRLG},
	} {
		want, ok := c.survives(in, m.kind, walks)
		if m.breaks != nil && m.said != nil {
			c.breaks(in, m.kind, walks, *m.said, m.breaks)
		}
		switch {
		case !ok && m.said != nil:
			c.fail(in.Name, -1, RuleMargin, "no failures of kind %s take all paths, so it is null, not %d", m.kind, *m.said)
		case ok && m.said == nil:
			c.fail(in.Name, -1, RuleMargin, "survives %d failures of kind %s, not any number", want, m.kind)
		case ok && *m.said != want:
			c.fail(in.Name, -1, RuleMargin, "survives %d failures of kind %s, not %d", want, m.kind, *m.said)
		case !ok && m.breaks != nil:
			c.fail(in.Name, -1, RuleMargin, "no failures of kind %s take all paths, yet some are named", m.kind)
		}
	}
}

// breaks checks failures of which it is said that they take all paths and are
// one more than the margin.
func (c *checker) breaks(in *Intent, k Kind, walks []walk, margin int, names []string) {
	if len(names) != margin+1 {
		c.fail(in.Name, -1, RuleMargin, "names %d failures of kind %s that take all paths; the margin and one is %d", len(names), k, margin+1)
	}
	exists := make([]bool, len(names))
	left := 0
	for _, w := range walks {
		taken := false
		for _, f := range c.fates(in, k, w) {
			name := k.String() + ":" + f.name
			if f.unknown {
				name = UnstatedOf(strings.TrimPrefix(f.name, "link "))
				taken = true // what nobody stated falls with whatever is named
			}
			if i := slices.Index(names, name); i >= 0 {
				exists[i], taken = true, true
			}
		}
		if !taken {
			left++
		}
	}
	if left > 0 || slices.Contains(exists, false) {
		c.fail(in.Name, -1, RuleMargin, "the failures of kind %s that are named leave %d paths, or are not on any", k, left)
	}
}

// survives is the largest number of failures of kind k of which any leave at
// least one path; false where no failures take all.
//
// A group that nobody stated may be any group: a path with such a link falls
// with the first failure.
func (c *checker) survives(in *Intent, k Kind, walks []walk) (int, bool) {
	taken := map[fate]int{} // the set of paths, as bits, that a failure takes
	var fragile, all int
	for i, w := range walks {
		fates := c.fates(in, k, w)
		if len(fates) == 0 {
			return 0, false
		}
		for _, f := range fates {
			if f.unknown {
				fragile |= 1 << i
			}
			taken[f] |= 1 << i
		}
		all |= 1 << i
	}
	down := map[int]bool{0: true} // what some n failures take
	for n := 1; ; n++ {
		next := map[int]bool{}
		for set := range down {
			for _, more := range taken {
				next[set|more|fragile] = true
			}
		}
		if next[all] {
			return n - 1, true
		}
		down = next
	}
}
