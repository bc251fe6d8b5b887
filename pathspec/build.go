package pathspec

import (
	"maps"
	"slices"

	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/strictyaml"
)

const maxMultiplicity = 8

// MaxWeight bounds the weight of a path; Linux has 8 bits for it.
const MaxWeight = 256

// builder checks a document and makes an Intent of it.
type builder struct {
	*strictyaml.Checker
}

func build(d *strictyaml.Document) (Intent, strictyaml.Errors) {
	var doc document
	b := builder{d.Check(&doc)}
	s := &doc.Spec
	in := Intent{
		Name: doc.Metadata.Name, Labels: doc.Metadata.Labels,
		From: s.From, To: s.To, Priority: s.Priority, Mode: s.Mode, Weights: s.Weights,
		Objective: s.Objective, OnViolation: s.OnViolation,
		doc: d,
	}
	b.Check("metadata.name", topology.CheckName(in.Name))
	for _, key := range slices.Sorted(maps.Keys(in.Labels)) {
		b.Check(strictyaml.Key("metadata.labels", key), topology.CheckLabel(key, in.Labels[key]))
	}
	b.Check("spec.from", topology.CheckName(in.From))
	b.Check("spec.to", topology.CheckName(in.To))
	if in.From == in.To && in.From != "" {
		b.Fail("spec.to", "from and to are both %.80s", in.To)
	}
	in.Traffic = b.traffic(s.Traffic)
	in.Require = b.require(&s.Require)
	b.mode(&in)
	b.countries(&in.Require.Countries)
	b.avoid(&in.Require.Avoid, in.From, in.To)
	return in, b.Errors
}

func (b builder) traffic(docs []selectorDoc) []Selector {
	var selectors []Selector
	have := map[Selector]bool{}
	for i, d := range docs {
		path := strictyaml.Index("spec.traffic", i)
		s := Selector{From: d.From.Prefix, To: d.To.Prefix}
		switch {
		case !s.From.IsValid() || !s.To.IsValid():
			continue // said already
		case s.From.Addr().Is4() != s.To.Addr().Is4():
			b.Fail(path, "%v and %v are not of one family", s.From, s.To)
		case have[s]:
			b.Fail(path, "%v to %v stands twice in the list", s.From, s.To)
		case have[s.Reverse()]:
			b.Fail(path, "%v to %v is the opposite direction of another selector, which is implied", s.From, s.To)
		}
		have[s] = true
		selectors = append(selectors, s)
	}
	return selectors
}

func (b builder) require(d *requireDoc) Require {
	const at = "spec.require"
	r := Require{
		Multiplicity: 1, MaxDelaySpread: d.MaxDelaySpread,
		Countries: Countries(d.Countries), Avoid: Avoid(d.Avoid), Encryption: d.Encryption,
	}
	if d.Multiplicity != nil {
		if r.Multiplicity = *d.Multiplicity; r.Multiplicity < 1 || r.Multiplicity > maxMultiplicity {
			b.Fail(at+".multiplicity", "bad multiplicity %d: want 1 to %d", r.Multiplicity, maxMultiplicity)
		}
	}
	r.Disjoint = b.disjoint(at+".disjoint", d.Disjoint, r.Multiplicity)
	if d.Separation != nil {
		if r.Separation = *d.Separation; r.Separation == 0 {
			b.Fail(at+".separation", "want more than 0m: leave the key out to ask for none")
		}
		if r.Multiplicity == 1 {
			b.Fail(at+".separation", "one path is separate from nothing: want multiplicity 2 or more")
		}
	}
	if d.SeparationExcept != nil {
		if r.SeparationExcept = *d.SeparationExcept; d.Separation == nil {
			b.Fail(at+".separationExcept", "want a separation to make an exception from")
		}
	}
	if d.Bandwidth != nil {
		r.Bandwidth = *d.Bandwidth
		b.Check(at+".bandwidth", topology.CheckBandwidth(r.Bandwidth))
	}
	if d.MaxDelay != nil {
		if r.MaxDelay = *d.MaxDelay; r.MaxDelay == 0 {
			b.Fail(at+".maxDelay", "no path is as fast as 0us: leave the key out to ask for none")
		}
	}
	if d.MaxHops != nil {
		if r.MaxHops = *d.MaxHops; r.MaxHops < 1 {
			b.Fail(at+".maxHops", "bad number of hops %d: want 1 or more", r.MaxHops)
		}
	}
	r.Nodes = b.predicate(at+".nodes", d.Nodes, CompileNodes)
	r.Links = b.predicate(at+".links", d.Links, CompileLinks)
	return r
}

// mode checks how the paths share the packets.
func (b builder) mode(in *Intent) {
	const at = "spec.weights"
	if in.Mode == Spread && in.Require.Multiplicity == 1 {
		b.Fail("spec.mode", "over one path there is nothing to spread: want require.multiplicity 2 or more")
	}
	switch n := len(in.Weights); {
	case in.Weights == nil:
		return
	case in.Mode != Spread:
		b.Fail(at, "only mode spread takes weights; failover takes the first path that works")
	case n != in.Require.Multiplicity:
		b.Fail(at, "%d weights for %d paths: want one each, or leave the key out to weigh all the same", n, in.Require.Multiplicity)
	}
	for i, w := range in.Weights {
		if w < 1 || w > MaxWeight {
			b.Fail(strictyaml.Index(at, i), "bad weight %d: want 1 to %d", w, MaxWeight)
		}
	}
}

// disjoint sorts the kinds and adds what they imply.
func (b builder) disjoint(path string, given []Kind, multiplicity int) []Kind {
	var kinds []Kind
	for i, k := range given {
		if slices.Contains(kinds, k) {
			b.Fail(strictyaml.Index(path, i), "%v stands twice in the list", k)
			continue
		}
		kinds = append(kinds, k)
	}
	if (len(kinds) > 0 || multiplicity > 1) && !slices.Contains(kinds, Link) {
		kinds = append(kinds, Link)
	}
	slices.Sort(kinds)
	return kinds
}

func (b builder) predicate(path string, text *string, compile func(string) (*Predicate, error)) *Predicate {
	if text == nil {
		return nil
	}
	p, err := compile(*text)
	b.Check(path, err)
	return p
}

// list checks a list of names and returns the set of them.
func (b builder) list(path string, names []string, check func(string) error) map[string]bool {
	have := make(map[string]bool, len(names))
	for i, name := range names {
		b.Check(strictyaml.Index(path, i), check(name))
		if have[name] {
			b.Fail(strictyaml.Index(path, i), "%.80s stands twice in the list", name)
		}
		have[name] = true
	}
	return have
}

func (b builder) countries(c *Countries) {
	const at = "spec.require.countries"
	allowed := b.list(at+".allow", c.Allow, topology.CheckCountry)
	b.list(at+".deny", c.Deny, topology.CheckCountry)
	if c.Allow != nil && len(c.Allow) == 0 {
		b.Fail(at+".allow", "an empty list allows no path at all: leave the key out to allow every country")
	}
	if len(c.Deny) == 0 {
		c.Deny = nil
	}
	for i, country := range c.Deny {
		if allowed[country] {
			b.Fail(strictyaml.Index(at+".deny", i), "%.80s is both allowed and denied", country)
		}
	}
}

func (b builder) avoid(a *Avoid, from, to string) {
	const at = "spec.require.avoid"
	for _, list := range []struct {
		key   string
		names *[]string
		check func(string) error
		ends  bool // may hold an end of the intent
	}{
		{"nodes", &a.Nodes, topology.CheckName, true},
		{"links", &a.Links, topology.CheckLinkName, false},
		{"srlgs", &a.SRLGs, topology.CheckName, false},
		{"sites", &a.Sites, topology.CheckName, true},
		{"operators", &a.Operators, topology.CheckName, false},
	} {
		path := at + "." + list.key
		b.list(path, *list.names, list.check)
		for i, name := range *list.names {
			if list.ends && (name == from || name == to) {
				b.Fail(strictyaml.Index(path, i), "%.80s is an end of the intent itself", name)
			}
		}
		if len(*list.names) == 0 {
			*list.names = nil
		}
	}
}
