package comply

import (
	"fmt"
	"slices"
	"strings"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/pathspec"
)

// Judge says of every characteristic of the intent whether it holds, in the
// order of output. Since is left to the Ledger.
func Judge(f *Facts) []Condition {
	j := &judge{Facts: f}
	r := &f.Intent.Require
	j.multiplicity()
	j.structure(Path, "", "", pathspec.RulePath, pathspec.RuleSimple, pathspec.RuleEnds)
	j.installed()
	for _, k := range r.Disjoint {
		j.structure(DisjointOf+k.String(), "yes", "nothing is shared", pathspec.Rule("disjoint-"+k.String()))
	}
	if r.Separation > 0 {
		j.structure(Separation, r.Separation.String(), "at least that", pathspec.RuleSeparation)
	}
	if r.Bandwidth > 0 {
		j.structure(Bandwidth, r.Bandwidth.String(), "reserved on every path", pathspec.RuleBandwidth)
	}
	if r.MaxDelay > 0 {
		j.delay()
	}
	if r.MaxDelaySpread != nil {
		j.spread()
	}
	if r.MaxHops > 0 {
		j.structure(MaxHops, fmt.Sprint(r.MaxHops), j.hops(), pathspec.RuleHops)
	}
	if r.Countries.Allow != nil || r.Countries.Deny != nil {
		j.structure(Countries, countries(r.Countries), "as declared", pathspec.RuleCountries)
	}
	if list := avoided(r.Avoid); list != "" {
		j.structure(Avoid, list, "none is touched", pathspec.RuleAvoid)
	}
	if r.Nodes != nil {
		j.structure(Nodes, r.Nodes.String(), "true of every node", pathspec.RuleNodes)
	}
	if r.Links != nil {
		j.structure(Links, r.Links.String(), "true of every link", pathspec.RuleLinks)
	}
	if r.Encryption != pathspec.NoEncryption {
		j.encryption()
	}
	j.way()
	j.loss()
	j.leaks()
	mark := f.Mark.Margin
	if mark != nil {
		capped := mark.capped(r.Multiplicity)
		mark = &capped
	}
	j.erosion(Margin, f.Margins.Margin, mark)
	j.erosion(Reserve, f.Margins.Reserve, f.Mark.Reserve)
	return j.out
}

type judge struct {
	*Facts
	out []Condition
}

// blame puts it down to what happened last, for want of anything better.
func (j *judge) blame(c *Condition) { c.Cause, c.Guessed = j.Changed, true }

func (j *judge) add(c Condition) { j.out = append(j.out, c) }

func (j *judge) multiplicity() {
	c := Condition{Characteristic: Multiplicity, Declared: fmt.Sprint(j.Intent.Require.Multiplicity), Status: Satisfied}
	up, down, doubt := 0, 0, 0
	for n := range j.Paths {
		switch s, why := j.Paths[n].carries(); s {
		case Satisfied:
			up++
		case Violated:
			if down++; c.Cause == "" {
				c.Cause = why
			}
		default:
			doubt++
		}
	}
	c.Measured = fmt.Sprintf("%d of %d paths carry packets", up, len(j.Paths))
	if doubt > 0 {
		c.Measured += fmt.Sprintf(", of %d it is not known", doubt)
	}
	switch {
	case j.Closed:
		c.Status, c.Measured = Violated, "closed: no path set meets the requirement, so no packet leaves"
		j.blame(&c)
	case len(j.Paths) == 0 && j.Answered:
		c.Status, c.Measured = Violated, "no path set stands"
		j.blame(&c)
	case len(j.Paths) == 0:
		c.Status, c.Measured = Unknown, "no answer yet"
	case down == len(j.Paths):
		c.Status = Violated
	case down > 0 || len(j.Paths) < j.Intent.Require.Multiplicity:
		if c.Status = Degraded; c.Cause == "" {
			j.blame(&c)
		}
	case doubt > 0:
		c.Status = Unknown
	}
	j.add(c)
}

func (j *judge) installed() {
	c := Condition{Characteristic: Installed, Status: j.Installed.Status, Measured: j.Installed.Says}
	for _, d := range j.Drifts {
		if c.Status != Violated {
			c.Status, c.Cause = Violated, "node:"+d.Node
			c.Measured = fmt.Sprintf("%s at %s was %s by %s", d.Object, d.Node, d.Change, whoever(d.By))
			if d.Kept != "" {
				c.Measured += ": " + d.Kept
			}
		}
	}
	j.add(c)
}

func whoever(by string) string {
	if by == "" {
		return "somebody"
	}
	return by
}

// structure judges what follows from the links that the paths take.
func (j *judge) structure(name, declared, fine string, rules ...pathspec.Rule) {
	c := Condition{Characteristic: name, Declared: declared, Status: Satisfied, Measured: fine}
	for _, v := range j.Broken {
		if !slices.Contains(rules, v.Rule) {
			continue
		}
		s := Violated
		switch {
		case v.Lacks:
			s = Unknown
		case (Latent(name) || strings.HasPrefix(v.Object, pathspec.KeysOf)) && len(j.alive()) > 0:
			s = Degraded // packets flow: the next failure may take more than was promised
		}
		if s.rank() > c.Status.rank() {
			c.Status, c.Measured, c.Cause = s, j.says(v), v.Object
			if c.Cause == "" && !v.Lacks {
				j.blame(&c)
			}
		}
	}
	switch {
	case c.Status != Satisfied:
	case len(j.Paths) == 0:
		c.Status, c.Measured = Unknown, "no path set stands"
	case j.astray() != nil:
		c.Status, c.Measured = Unknown, "packets take another way than "+j.astray().Name
	case c.Measured == "":
		c.Measured = "they exist and join the ends"
	}
	j.add(c)
}

// Latent reports whether a characteristic is felt at the next failure only.
func Latent(name string) bool {
	return strings.HasPrefix(name, DisjointOf) || name == Separation || name == Margin || name == Reserve
}

func (j *judge) says(v pathspec.Violation) string {
	if v.Path < 0 || v.Path >= len(j.Paths) {
		return v.Message
	}
	return fmt.Sprintf("path %s %s", j.Paths[v.Path].Name, v.Message)
}

// astray is the first path of which packets are known to take another way.
func (j *judge) astray() *PathFacts {
	for n := range j.Paths {
		for _, e := range j.Paths[n].Ends {
			if e.Seen != nil && e.Seen.Way == nodecfg.Deviates {
				return &j.Paths[n]
			}
		}
	}
	return nil
}

// verdicts judges what the headends say of each path that carries packets.
func (j *judge) verdicts(c *Condition, verdict func(*nodecfg.PathState) string, good, bad string, says func(p *PathFacts, e *End) string) {
	paths := j.alive()
	if len(paths) == 0 {
		c.Status, c.Measured = Unknown, "no path carries packets"
		return
	}
	for _, p := range paths {
		if len(p.Ends) == 0 && c.Status == Satisfied {
			c.Status, c.Measured = Unknown, fmt.Sprintf("path %s has no agent at its ends that measures it", p.Name)
		}
		for n := range p.Ends {
			e := &p.Ends[n]
			switch {
			case e.Seen != nil && verdict(e.Seen) == bad:
				if c.Status != Violated {
					c.Status, c.Measured, c.Cause = Violated, says(p, e), "path:"+p.Name
				}
			case c.Status != Satisfied:
			case e.Seen == nil:
				c.Status, c.Measured = Unknown, e.Why
			case verdict(e.Seen) != good:
				c.Status, c.Measured = Unknown, fmt.Sprintf("not known of path %s from %s", p.Name, e.Node)
			}
		}
	}
}

func (j *judge) way() {
	c := Condition{Characteristic: Way, Status: Satisfied, Measured: "proven on every path", Aside: true}
	j.verdicts(&c, func(s *nodecfg.PathState) string { return s.Way }, nodecfg.Proven, nodecfg.Deviates, func(p *PathFacts, e *End) string {
		return fmt.Sprintf("packets of path %s from %s take another way: %s", p.Name, e.Node, e.Seen.Deviation)
	})
	j.add(c)
}

func (j *judge) loss() {
	bound := int64(0)
	for _, p := range j.Paths {
		bound = max(bound, p.Bound)
	}
	if bound == 0 {
		return
	}
	c := Condition{Characteristic: Loss, Status: Satisfied, Measured: "within the bound of " + Percent(bound), Aside: true}
	j.verdicts(&c, func(s *nodecfg.PathState) string { return s.Loss }, nodecfg.Within, nodecfg.Beyond, func(p *PathFacts, e *End) string {
		return fmt.Sprintf("path %s from %s loses %s there and %s back, at most %s", p.Name, e.Node, Percent(e.Seen.There.LossPPM), Percent(e.Seen.Back.LossPPM), Percent(p.Bound))
	})
	j.add(c)
}

func (j *judge) leaks() {
	if !j.Watched && len(j.Leaks) == 0 {
		return
	}
	c := Condition{Characteristic: Leaks, Status: Satisfied, Measured: "none seen", Aside: true}
	switch {
	case len(j.Leaks) > 0:
		l := j.Leaks[0]
		c.Status, c.Cause = Violated, "link:"+l.Link
		c.Measured = fmt.Sprintf("%d packets %s on link %s, seen at %s: %s", l.Seen, leakWord(l.Kind), l.Link, l.Node, l.Packet)
	case len(j.Blind) > 0:
		c.Status, c.Measured, c.Aside = Unknown, "node "+j.Blind[0]+", which looks for them, does not tell", false
	}
	j.add(c)
}

func leakWord(kind string) string {
	switch kind {
	case nodecfg.LeakClear:
		return "in the clear"
	case nodecfg.LeakOutside:
		return "outside every path"
	}
	return "on a link that none of its paths takes"
}

func (j *judge) erosion(name string, now, mark *Counts) {
	c := Condition{Characteristic: name, Status: Satisfied, Aside: true}
	switch {
	case mark == nil && now == nil:
		return
	case now == nil:
		c.Status, c.Measured = Unknown, "not computed"
	default:
		c.Measured = now.String()
		if mark != nil && now.below(*mark) {
			c.Status, c.Cause, c.Guessed = Degraded, j.Changed, true
			if cause := j.Cause(); name == Margin && cause != j.Changed {
				c.Cause, c.Guessed = cause, false
			}
			c.Measured += ", was " + mark.String()
		}
	}
	j.add(c)
}
