package pathspec

import (
	"slices"

	"github.com/keiro-net/keiro/topology"
)

// CheckSet verifies paths that stand against what an intent requires of them,
// the bandwidth excepted, which intents share (CheckBandwidth). What an answer
// states beside its paths, no one claims here.
func CheckSet(t *topology.Topology, in *Intent, paths []Path) []Violation {
	c := &checker{t: t}
	if len(paths) != in.Require.Multiplicity {
		c.fail(in.Name, -1, RuleMultiplicity, "%d paths, not %d", len(paths), in.Require.Multiplicity)
	}
	walks := c.walks(in, paths)
	if walks == nil {
		return c.found // what follows is about paths that exist
	}
	for i, w := range walks {
		c.require(in, i, w)
	}
	c.disjoint(in, walks)
	c.separation(in, walks)
	c.spread(in, walks)
	return c.found
}

// CheckBandwidth verifies that the links hold what is reserved on the paths that
// stand for all intents together, in the order of admission. sets are theirs;
// paths that do not exist reserve nothing.
func CheckBandwidth(t *topology.Topology, intents []Intent, sets [][]Path) []Violation {
	c := &checker{t: t, reserved: make([]topology.Bandwidth, len(t.Links))}
	var found []Violation
	for _, i := range admission(intents) {
		if intents[i].Require.Bandwidth == 0 {
			continue
		}
		c.found = nil
		walks := c.walks(&intents[i], sets[i])
		c.found = nil // CheckSet tells of those
		c.reserve(&intents[i], walks)
		found = append(found, c.found...)
	}
	return found
}

// MarginOf is how many failures of each kind the paths survive; false where one
// of them does not exist, or there is none. It names no Breaks.
func MarginOf(t *topology.Topology, in *Intent, paths []Path) (Margin, bool) {
	c := &checker{t: t}
	walks := c.walks(in, paths)
	if len(walks) == 0 {
		return Margin{}, false
	}
	var m Margin
	for k, to := range map[Kind]**int{Link: &m.Link, Node: &m.Node, SRLG: &m.SRLG} {
		if n, bounded := c.survives(in, k, walks); bounded {
			*to = &n
		}
	}
	return m, true
}

// Shared names what all of two paths or more share, as risks of the kinds of
// margin: groups first, then nodes, then links.
func Shared(t *topology.Topology, in *Intent, paths []Path) (risks []string) {
	c := &checker{t: t}
	walks := c.walks(in, paths)
	if len(walks) < 2 {
		return nil
	}
	for _, k := range []Kind{SRLG, Node, Link} {
		for _, f := range c.fates(in, k, walks[0]) {
			if !f.unknown && !slices.ContainsFunc(walks[1:], func(w walk) bool { return !slices.Contains(c.fates(in, k, w), f) }) {
				risks = append(risks, k.String()+":"+f.name)
			}
		}
	}
	return risks
}

// walks resolves paths; nil where one is none.
func (c *checker) walks(in *Intent, paths []Path) []walk {
	walks := make([]walk, len(paths))
	for i := range paths {
		var ok bool
		if walks[i], ok = c.walk(in, i, &paths[i]); !ok {
			return nil
		}
	}
	return walks
}
