package core

import (
	"slices"

	"github.com/keiro-net/keiro/controller/compile"
	"github.com/keiro-net/keiro/pathspec"
)

// collision says why the answer of an intent cannot be installed beside the paths
// of others: a head leads the first SID of a path to a router without an agent over
// one link only (compile.Claims). "" is nothing.
func (c *Core) collision(i *intent) string {
	if !c.crosses(i.answer.Paths) {
		return ""
	}
	if c.collisions == nil {
		c.collide()
	}
	return c.collisions[i]
}

// collide finds the answers that cannot be installed. Intents that are to move do
// so in one Step, so what they leave is in nobody's way: else two that begin with
// one SID could never move to another link. One that cannot move stays, and may be
// in the way of others; so they are all asked again without it.
func (c *Core) collide() {
	c.collisions = map[*intent]string{}
	moves := map[*intent]bool{}
	for _, i := range c.intents {
		moves[i] = c.moves(i)
	}
	for again := true; again; {
		again = false
		claims := compile.Claims{}
		stays := func(i *intent) {
			if c.crosses(i.standing.Paths) {
				p := c.policy(i)
				claims.Add(c.inputNow(), &p)
			}
		}
		for _, i := range c.intents {
			if !moves[i] {
				stays(i)
			}
		}
		for _, i := range c.intents {
			if !moves[i] {
				continue
			}
			p := c.policy(i)
			p.Paths = i.answer.Paths
			if why := claims.Obstacle(c.inputNow(), &p); why != "" {
				c.collisions[i], again, moves[i] = why, true, false
				stays(i)
				continue
			}
			claims.Add(c.inputNow(), &p)
		}
	}
}

// moves reports whether an intent is given its answer, if others are not in the
// way: see choose.
func (c *Core) moves(i *intent) bool {
	return c.fresh() && i.answer != nil && i.answer.Status == pathspec.Satisfied && !c.holds(i) &&
		!equalPaths(i.answer.Paths, i.standing.Paths) && (c.crosses(i.answer.Paths) || c.crosses(i.standing.Paths)) && c.lacking(i) == ""
}

// crosses reports whether a router without an agent is on some of the paths.
func (c *Core) crosses(paths []pathspec.Path) bool {
	return slices.ContainsFunc(paths, func(p pathspec.Path) bool { return slices.ContainsFunc(p.Nodes, c.hasNoAgent) })
}
