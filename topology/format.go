package topology

import (
	"bytes"
	"encoding/json"

	"github.com/keiro-net/keiro/topology/strictyaml"
)

// Format writes a topology as canonical YAML, which Parse reads back to an
// equal topology. A file tells values that were derived from declared ones; what
// was measured is declared in the file, since the time of it is not there.
func Format(t *Topology) []byte {
	if len(t.Sites)+len(t.Nodes)+len(t.Entries)+len(t.SRLGs) <= formatPart {
		return strictyaml.Marshal(t.document())
	}
	var out []byte
	out = formatList(t, out, len(t.Sites), func(d *specDoc, i int) { d.Sites = append(d.Sites, t.Sites[i].document()) })
	out = formatList(t, out, len(t.Nodes), func(d *specDoc, i int) { d.Nodes = append(d.Nodes, t.Nodes[i].document()) })
	out = formatList(t, out, len(t.Entries), func(d *specDoc, i int) { d.Links = append(d.Links, t.linkDocument(i)) })
	return formatList(t, out, len(t.SRLGs), func(d *specDoc, i int) { d.SRLGs = append(d.SRLGs, t.SRLGs[i].document()) })
}

// formatPart is how many elements of a list are written at once. The writer
// keeps several times the size of what one document has it write, so that a
// large topology would take gigabytes.
const formatPart = 1000

// formatList appends a list of n elements, in parts, of which each is written as
// a document of its own and loses the head that it has in common with the others.
func formatList(t *Topology, out []byte, n int, add func(*specDoc, int)) []byte {
	for from := 0; from < n; from += formatPart {
		part := t.head()
		for i := from; i < min(n, from+formatPart); i++ {
			add(&part.Spec, i)
		}
		head, body, _ := bytes.Cut(strictyaml.Marshal(part), []byte("\nspec:\n"))
		if len(out) == 0 {
			out = append(append(out, head...), "\nspec:\n"...)
		}
		if from > 0 {
			_, body, _ = bytes.Cut(body, []byte("\n")) // the key of the list
		}
		out = append(out, body...)
	}
	return out
}

// MarshalJSON writes the same document as JSON.
func (t *Topology) MarshalJSON() ([]byte, error) { return json.Marshal(t.document()) }

func (t *Topology) head() document {
	return document{APIVersion: APIVersion, Kind: DocumentKind, Metadata: metadataDoc{Name: t.Name}}
}

func (t *Topology) document() document {
	doc := t.head()
	for i := range t.Sites {
		doc.Spec.Sites = append(doc.Spec.Sites, t.Sites[i].document())
	}
	for i := range t.Nodes {
		doc.Spec.Nodes = append(doc.Spec.Nodes, t.Nodes[i].document())
	}
	for e := range t.Entries {
		doc.Spec.Links = append(doc.Spec.Links, t.linkDocument(e))
	}
	for i := range t.SRLGs {
		doc.Spec.SRLGs = append(doc.Spec.SRLGs, t.SRLGs[i].document())
	}
	return doc
}

func (g *SRLG) document() srlgDoc { return srlgDoc{Name: g.Name, Number: new(int64(g.Number))} }

func (s *Site) document() siteDoc {
	d := siteDoc{Name: s.Name, Country: s.Country, Region: s.Region}
	if p, ok := s.Where.Get(); ok {
		d.Lat, d.Lon = &p.Lat, &p.Lon
	}
	return d
}

func (n *Node) document() nodeDoc {
	d := nodeDoc{Name: n.Name, Site: n.Site, Operator: n.Operator, Labels: n.Labels}
	if n.Locator.IsValid() {
		d.Locator = &locator{n.Locator}
	}
	if level, ok := n.Evidence.Get(); ok {
		d.Evidence = &level
	}
	if n.RouterID != "" {
		d.RouterID = &routerID{n.RouterID}
	}
	d.Guard = string(n.Guard)
	switch {
	case n.NoAgent:
		d.Agent = new(bool)
	case n.Steering != ByAgent:
		d.Steering = string(n.Steering)
	}
	return d
}

func (t *Topology) linkDocument(e int) linkDoc {
	entry, ab, ba := &t.Entries[e], &t.Links[2*e], &t.Links[2*e+1]
	d := linkDoc{Name: entry.Name, A: t.Nodes[entry.A].Name, B: t.Nodes[entry.B].Name, Labels: entry.Labels}
	d.Operator = entry.Operator
	if groups, ok := entry.SRLGs.Get(); ok {
		d.SRLGs = append([]string{}, groups...) // given, even where empty
	}
	if entry.QKD {
		d.QKD = &entry.QKD
	}
	for _, p := range entry.Route {
		d.Route = append(d.Route, []float64{p.Lat, p.Lon})
	}
	if entry.AInterface != "" || entry.BInterface != "" {
		d.Interfaces = &interfacesDoc{A: entry.AInterface, B: entry.BInterface}
	}
	if entry.AAddress.IsValid() || entry.BAddress.IsValid() {
		d.Addresses = &addressesDoc{}
		if entry.AAddress.IsValid() {
			d.Addresses.A = &address{entry.AAddress}
		}
		if entry.BAddress.IsValid() {
			d.Addresses.B = &address{entry.BAddress}
		}
	}
	d.directionDoc = directionDoc{
		Metric:   unlessEqual(ab.Metric, 1),
		Capacity: unlessEqual(stated[Bandwidth]{ab.Capacity}, stated[Bandwidth]{}),
		Delay:    unlessEqual(stated[Delay]{ab.Delay}, stated[Delay]{}),
	}
	d.mark()
	back := directionDoc{
		Metric:   unlessEqual(ba.Metric, ab.Metric),
		Capacity: unlessEqual(stated[Bandwidth]{ba.Capacity}, stated[Bandwidth]{ab.Capacity}),
		Delay:    unlessEqual(stated[Delay]{ba.Delay}, stated[Delay]{ab.Delay}),
	}
	back.mark()
	if back.Metric != nil || back.Capacity != nil || back.Delay != nil {
		d.BA = &back
	}
	return d
}

// mark lists what is stated and derived.
func (d *directionDoc) mark() {
	if d.Capacity != nil && d.Capacity.Source() == Derived {
		d.Derived = append(d.Derived, capacityKey)
	}
	if d.Delay != nil && d.Delay.Source() == Derived {
		d.Derived = append(d.Derived, delayKey)
	}
}

func unlessEqual[T comparable](v, general T) *T {
	if v == general {
		return nil
	}
	return &v
}
