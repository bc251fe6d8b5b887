package topology

import (
	"encoding/json"

	"github.com/keiro-net/keiro/topology/strictyaml"
)

// Format writes a topology as canonical YAML, which Parse reads back to an
// equal topology. A file tells values that were derived from declared ones; what
// was measured is declared in the file, since the time of it is not there.
func Format(t *Topology) []byte { return strictyaml.Marshal(t.document()) }

// MarshalJSON writes the same document as JSON.
func (t *Topology) MarshalJSON() ([]byte, error) { return json.Marshal(t.document()) }

func (t *Topology) document() document {
	doc := document{APIVersion: APIVersion, Kind: DocumentKind, Metadata: metadataDoc{Name: t.Name}}
	for i := range t.Sites {
		doc.Spec.Sites = append(doc.Spec.Sites, t.Sites[i].document())
	}
	for i := range t.Nodes {
		doc.Spec.Nodes = append(doc.Spec.Nodes, t.Nodes[i].document())
	}
	for e := range t.Entries {
		doc.Spec.Links = append(doc.Spec.Links, t.linkDocument(e))
	}
	return doc
}

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
