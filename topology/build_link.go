package topology

import (
	"net/netip"

	"github.com/keiro-net/keiro/topology/strictyaml"
)

func (b *builder) buildLinks(spec *specDoc) ([]Entry, []Link) {
	var defaults sharedDoc
	both := directionDoc{Metric: new(int64(1))}
	if d := spec.Defaults; d != nil {
		defaults = d.Link.sharedDoc
		both = both.override(b, "spec.defaults.link", &d.Link.directionDoc)
		b.shared("spec.defaults.link", &defaults)
	}
	given, ends := make([]string, len(spec.Links)), make([][2]string, len(spec.Links))
	for i, d := range spec.Links {
		given[i], ends[i] = d.Name, [2]string{d.A, d.B}
	}
	names := LinkNames(given, ends)
	entries := make([]Entry, len(spec.Links))
	links := make([]Link, 0, 2*len(spec.Links))
	for i := range spec.Links {
		d := &spec.Links[i]
		at := strictyaml.Index("spec.links", i)
		entries[i] = b.entry(at, names[i], d, defaults)
		ab := both.override(b, at, &d.directionDoc)
		ba := ab
		if d.BA != nil {
			ba = ab.override(b, at+".ba", d.BA)
		}
		links = append(links,
			ab.link(i, entries[i].A, entries[i].B),
			ba.link(i, entries[i].B, entries[i].A))
	}
	return entries, links
}

func (b *builder) entry(at, name string, d *linkDoc, defaults sharedDoc) Entry {
	if d.Name != "" {
		b.Check(at+".name", CheckLinkName(d.Name))
	}
	b.once(at+".name", "link", name)
	b.shared(at, &d.sharedDoc)
	b.labels(at+".labels", d.Labels)
	e := Entry{
		Name: name, A: b.end(at+".a", d.A), B: b.end(at+".b", d.B),
		Operator: d.Operator, Labels: d.Labels, Route: b.route(at+".route", d.Route),
	}
	if d.A == d.B && d.A != "" {
		b.Fail(at+".b", "the link leads from %.80s to itself", d.A)
	}
	if e.Operator == "" {
		e.Operator = defaults.Operator
	}
	if d.SRLGs != nil {
		e.SRLGs = Declare(d.SRLGs)
	} else if defaults.SRLGs != nil {
		e.SRLGs = Declare(defaults.SRLGs)
	}
	for _, qkd := range []*bool{defaults.QKD, d.QKD} {
		if qkd != nil {
			e.QKD = *qkd
		}
	}
	if d.Interfaces != nil {
		e.AInterface, e.BInterface = d.Interfaces.A, d.Interfaces.B
		b.port(at+".interfaces.a", d.A, e.AInterface)
		b.port(at+".interfaces.b", d.B, e.BInterface)
	}
	if d.Addresses != nil {
		e.AAddress = b.address(at+".addresses.a", d.Addresses.A)
		e.BAddress = b.address(at+".addresses.b", d.Addresses.B)
	}
	return e
}

func (b *builder) end(path, name string) int {
	n, ok := b.nodes[name]
	if !ok {
		b.Fail(path, "no such node %.80q", name)
	}
	return n
}

// port checks an interface: a cable is plugged into one of its own.
func (b *builder) port(path, node, name string) {
	if name != "" {
		b.Check(path, CheckInterface(name))
		b.once(path, "interface", node+":"+name)
	}
}

// address checks that of an interface: it is at one end of one link.
func (b *builder) address(path string, a *address) netip.Addr {
	if a == nil {
		return netip.Addr{}
	}
	b.once(path, "address", a.String())
	return a.Addr
}

// shared checks what both directions share.
func (b *builder) shared(at string, d *sharedDoc) {
	b.optional(at+".operator", d.Operator, CheckName)
	have := map[string]bool{}
	for i, group := range d.SRLGs {
		path := strictyaml.Index(at+".srlgs", i)
		b.Check(path, CheckName(group))
		if have[group] {
			b.Fail(path, "%.80s stands twice in the list", group)
		}
		have[group] = true
	}
}

func (b *builder) route(path string, points [][]float64) []Point {
	if points == nil {
		return nil
	}
	if len(points) < 2 {
		b.Fail(path, "want at least two points: the ends of the cable")
	}
	route := make([]Point, len(points))
	for i, p := range points {
		at := strictyaml.Index(path, i)
		if len(p) != 2 {
			b.Fail(at, "want [latitude, longitude], found %d numbers", len(p))
			continue
		}
		route[i] = b.point(strictyaml.Index(at, 0), strictyaml.Index(at, 1), p[0], p[1])
	}
	return route
}

// override checks what one direction states and returns it over what is
// stated in general.
func (d directionDoc) override(b *builder, at string, by *directionDoc) directionDoc {
	if by.Metric != nil {
		b.Check(at+".metric", CheckMetric(*by.Metric))
		d.Metric = by.Metric
	}
	if by.Capacity != nil {
		v, _ := by.Capacity.Get()
		b.Check(at+".capacity", CheckBandwidth(v))
		d.Capacity = by.Capacity
	}
	if by.Delay != nil {
		v, _ := by.Delay.Get()
		b.Check(at+".delay", CheckDelay(v))
		d.Delay = by.Delay
	}
	for i, key := range by.Derived {
		path := strictyaml.Index(at+".derived", i)
		switch {
		case key == capacityKey && by.Capacity != nil:
			d.Capacity = by.Capacity.derived(b, path, key)
		case key == delayKey && by.Delay != nil:
			d.Delay = by.Delay.derived(b, path, key)
		case key == capacityKey || key == delayKey:
			b.Fail(path, "no %s is stated beside it that could be derived", key)
		default:
			b.Fail(path, "bad value %.80q: want %s or %s", key, capacityKey, delayKey)
		}
	}
	return d
}

// derived is the stated value, marked.
func (s *stated[T]) derived(b *builder, path, key string) *stated[T] {
	v, known := s.Get()
	switch {
	case !known:
		b.Fail(path, "the %s is unknown: nothing was derived", key)
	case s.Source() == Derived:
		b.Fail(path, "%s stands twice in the list", key)
	}
	s.Attr = Derive(v)
	return s
}

func (d directionDoc) link(entry, from, to int) Link {
	l := Link{Entry: entry, From: from, To: to, Metric: *d.Metric}
	if d.Capacity != nil {
		l.Capacity = d.Capacity.Attr
	}
	if d.Delay != nil {
		l.Delay = d.Delay.Attr
	}
	return l
}
