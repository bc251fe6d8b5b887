package comply

import (
	"fmt"
	"slices"
	"strings"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// delay: what is measured counts, in both directions. That the topology says
// less is no proof; that it says more is a contradiction.
func (j *judge) delay() {
	c := Condition{Characteristic: MaxDelay, Declared: j.Intent.Require.MaxDelay.String(), Status: Satisfied, Measured: "within the bound on every path"}
	j.verdicts(&c, func(s *nodecfg.PathState) string { return s.Delay }, nodecfg.Within, nodecfg.Beyond, func(p *PathFacts, e *End) string {
		return fmt.Sprintf("path %s from %s takes %s", p.Name, e.Node, Taken(e.Seen))
	})
	for _, v := range j.Broken {
		if v.Rule == pathspec.RuleDelay && !v.Lacks && c.Status != Violated {
			c.Status, c.Measured = Violated, j.says(v)+", by the topology"
			j.blame(&c)
		}
	}
	j.add(c)
}

// Taken is what a path takes, as far as it is known.
func Taken(s *nodecfg.PathState) string {
	var words []string
	for _, d := range []struct {
		name string
		m    nodecfg.Measured
	}{{"there", s.There}, {"back", s.Back}} {
		if d.m.Packets > 0 && d.m.Synced {
			words = append(words, topology.Delay(d.m.DelayUS).String()+" "+d.name)
		}
	}
	if s.RTTUS > 0 {
		words = append(words, topology.Delay(s.RTTUS).String()+" there and back")
	}
	if len(words) == 0 {
		return "longer than the bound"
	}
	return strings.Join(words, ", ")
}

// spread compares the delays of the paths. Where clocks are not known to agree,
// round trips that are more than twice the bound apart are too far apart for
// sure, in one direction at least.
func (j *judge) spread() {
	bound := *j.Intent.Require.MaxDelaySpread
	c := Condition{Characteristic: Spread, Declared: bound.String(), Status: Satisfied}
	widest, known := topology.Delay(0), false
	for _, first := range []bool{true, false} {
		var there, back, around []topology.Delay
		for _, p := range j.alive() {
			seen := p.seenFrom(first)
			if seen == nil {
				continue
			}
			if seen.There.Synced && seen.There.Packets > 0 && seen.Back.Synced && seen.Back.Packets > 0 {
				there, back = append(there, topology.Delay(seen.There.DelayUS)), append(back, topology.Delay(seen.Back.DelayUS))
			}
			if seen.RTTUS > 0 {
				around = append(around, topology.Delay(seen.RTTUS))
			}
		}
		known = known || len(there) == len(j.alive())
		widest = max(widest, apart(there), apart(back), apart(around)/2)
	}
	switch alive := j.alive(); {
	case len(alive) == 0:
		c.Status, c.Measured = Unknown, "no path carries packets"
	case widest > bound:
		c.Status, c.Measured, c.Cause = Violated, fmt.Sprintf("%s apart", widest), "path:"+alive[0].Name
	case len(alive) == 1:
		c.Measured = "one path carries packets"
	case !known:
		c.Status, c.Measured = Unknown, "the delays of the paths are not all measured one way"
	default:
		c.Measured = widest.String() + " apart"
	}
	for _, v := range j.Broken {
		if v.Rule == pathspec.RuleSpread && !v.Lacks && c.Status != Violated {
			c.Status, c.Measured = Violated, j.says(v)+", by the topology"
			j.blame(&c)
		}
	}
	j.add(c)
}

// seenFrom is what the headend at the first node of the path says, or at the last.
func (p *PathFacts) seenFrom(first bool) *nodecfg.PathState {
	for _, e := range p.Ends {
		if (e.Node == p.Nodes[0]) == first {
			return e.Seen
		}
	}
	return nil
}

func apart(delays []topology.Delay) topology.Delay {
	if len(delays) == 0 {
		return 0
	}
	return slices.Max(delays) - slices.Min(delays)
}

// encryption: no open lane may have less than is declared, and no packet may be
// seen in the clear.
func (j *judge) encryption() {
	wanted := j.Intent.Require.Encryption.String()
	j.structure(Encryption, wanted, "", pathspec.RuleEncryption)
	c := &j.out[len(j.out)-1]
	if c.Status != Satisfied {
		return
	}
	open := 0
	for n := range j.Paths {
		for _, l := range j.Paths[n].Lanes {
			switch {
			case l.State == nil:
				c.Status, c.Measured = Worse(c.Status, Unknown), fmt.Sprintf("node %s does not tell of lane %s", l.Node, j.Paths[n].Name)
			case !l.State.Open:
			case level(l.State.Level) < level(wanted):
				c.Status, c.Cause = Violated, "path:"+j.Paths[n].Name
				c.Measured = fmt.Sprintf("lane %s at %s is open with a key of level %q", j.Paths[n].Name, l.Node, l.State.Level)
				return
			default:
				open++
			}
		}
	}
	for _, l := range j.Leaks {
		if l.Kind == nodecfg.LeakClear {
			c.Status, c.Cause = Violated, "link:"+l.Link
			c.Measured = fmt.Sprintf("%d packets were seen in the clear on link %s", l.Seen, l.Link)
			return
		}
	}
	switch {
	case c.Status != Satisfied:
	case open == 0:
		c.Status, c.Measured = Unknown, "no lane is open"
	default:
		c.Measured = "every open lane has keys of that strength"
	}
}

func level(name string) int { return slices.Index(nodecfg.Encryptions, name) }

func (j *judge) hops() string {
	most := 0
	for _, p := range j.Paths {
		most = max(most, len(p.Nodes)-1)
	}
	return fmt.Sprintf("%d at most", most)
}

func countries(c pathspec.Countries) string {
	if c.Allow != nil {
		return "allow " + strings.Join(c.Allow, ",")
	}
	return "deny " + strings.Join(c.Deny, ",")
}

func avoided(a pathspec.Avoid) string {
	var out []string
	for _, l := range []struct {
		kind  string
		names []string
	}{{"node", a.Nodes}, {"link", a.Links}, {"srlg", a.SRLGs}, {"site", a.Sites}, {"operator", a.Operators}} {
		for _, name := range l.names {
			out = append(out, l.kind+":"+name)
		}
	}
	return strings.Join(out, " ")
}

// Percent is a share in percent.
func Percent(ppm int64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%d.%04d", ppm/10_000, ppm%10_000), "0"), ".") + " %"
}
