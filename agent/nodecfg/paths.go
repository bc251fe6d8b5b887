package nodecfg

import "slices"

// LeftOut says which paths are left out of their policy's table: those that
// probes found down. But probes alone never take the last way of a policy:
// they may err, and a way that perhaps works is better than none for sure.
// Paths whose own link (linkDown, by link name) has no carrier count as no
// way; they stay installed, for the kernel passes over them by itself, but not
// over a lane, whose interface knows nothing of the link: it is left out. So
// is a path whose lane is closed (by path name), be it the last one. One whose
// lane is draining is left out while it still carries, so that packets are
// elsewhere before it closes; but only for a path that works and is not about
// to close itself. Of paths that are all down the one stays that was in use:
// not in before, the last answer of LeftOut.
//
// Where flows are spread, a path without carrier is left out too as long as
// another works: Linux takes no route to several next hops of which one is on
// an interface that is set down, so one such would keep all others as they are.
func (c *Config) LeftOut(before, probeDown, linkDown, closed, draining map[string]bool) map[string]bool {
	out := make(map[string]bool)
	for i := range c.Policies {
		p := &c.Policies[i]
		last, alive, lasting := "", false, false
		var dark []string // of a spread, not down but without carrier
		for _, path := range p.Paths {
			carrier := !linkDown[path.Link]
			switch {
			case path.Lane != nil && (!carrier || closed[path.Name]):
				out[path.Name] = true
				continue
			case !probeDown[path.Name]:
				alive = alive || carrier
				lasting = lasting || carrier && !draining[path.Name]
				if carrier || p.Mode != Spread {
					continue
				}
				dark = append(dark, path.Name)
			case carrier && (last == "" || before[last] && !before[path.Name]):
				last = path.Name
			}
			out[path.Name] = true
		}
		if !alive {
			delete(out, last)
			for _, name := range dark {
				delete(out, name)
			}
		}
		for _, path := range p.Paths {
			if lasting && draining[path.Name] {
				out[path.Name] = true
			}
		}
	}
	return out
}

// Closed names the paths whose lane is not open: those of which nothing is
// known too.
func (c *Config) Closed(lanes []LaneState) map[string]bool {
	closed := make(map[string]bool)
	for i := range c.Policies {
		for _, p := range c.Policies[i].Paths {
			if p.Lane != nil {
				closed[p.Name] = true
			}
		}
	}
	for _, s := range lanes {
		if s.Open {
			delete(closed, s.Name)
		}
	}
	return closed
}

// Draining names the paths whose lane is open and about to be closed.
func Draining(lanes []LaneState) map[string]bool {
	draining := make(map[string]bool)
	for _, s := range lanes {
		if s.Open && s.Draining {
			draining[s.Name] = true
		}
	}
	return draining
}

// Switch returns what Plan would for the Desired States of two sets of paths
// left out, without going through all that stays as it is. Interfaces of lanes
// are not looked at: who makes a lane sets its interface up.
func (c *Config) Switch(before, after map[string]bool) []Op {
	var ops []Op
	for i := range c.Policies {
		p := &c.Policies[i]
		if slices.ContainsFunc(p.Paths, func(path Path) bool { return before[path.Name] != after[path.Name] }) {
			ops = append(ops, Plan(stateOf(p.ways(before, c.device)), stateOf(p.ways(after, c.device)))...)
		}
	}
	slices.SortFunc(ops, compareOps)
	return ops
}

func stateOf(routes []Route) State {
	s := make(State, len(routes))
	for _, r := range routes {
		s.Add(r)
	}
	return s
}

// device returns the interface of a link.
func (c *Config) device(link string) string {
	for _, l := range c.Links {
		if l.Name == link {
			return l.Interface
		}
	}
	return ""
}

// Active returns the paths of each policy that its packets take: the first one
// that is installed and whose link has carrier, or all of them where flows are
// spread, if the rules that lead there are in the kernel too.
func (c *Config) Active(have State, leftOut, linkDown map[string]bool) map[string]bool {
	active := make(map[string]bool, len(c.Policies))
	for i := range c.Policies {
		p := &c.Policies[i]
		if !has(have, p.rules()) {
			continue
		}
		spread := p.Mode == Spread && has(have, p.spread(leftOut, c.device))
		for j, path := range p.Paths {
			if !leftOut[path.Name] && !linkDown[path.Link] && has(have, p.routes(j, c.device(path.Link))) {
				active[path.Name] = true
				if !spread {
					break
				}
			}
		}
	}
	return active
}

// Absent names the paths of which the kernel has no routes while it has another
// path of the same policy, and the rules that lead there: those that somebody has
// left out of its table.
func (c *Config) Absent(have State) map[string]bool {
	absent := make(map[string]bool)
	for i := range c.Policies {
		p := &c.Policies[i]
		var lacks []string
		for j, path := range p.Paths {
			if !has(have, p.routes(j, c.device(path.Link))) {
				lacks = append(lacks, path.Name)
			}
		}
		if len(lacks) == len(p.Paths) || !has(have, p.rules()) {
			continue
		}
		for _, name := range lacks {
			absent[name] = true
		}
	}
	return absent
}

func has[O Object](have State, objects []O) bool {
	for _, o := range objects {
		if !have.Has(o) {
			return false
		}
	}
	return true
}
