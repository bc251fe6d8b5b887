package clab

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/strictyaml"
)

// The labels of a node that have a meaning of their own. All others become
// labels in the topology. Country, region, lat and lon describe the site.
const (
	labelSite     = "site"
	labelCountry  = "country"
	labelRegion   = "region"
	labelLat      = "lat"
	labelLon      = "lon"
	labelOperator = "operator"
	labelLocator  = "locator"
	labelLoopback = "loopback" // addresses that only the lab gives the node
)

// Topology makes a topology of the file: sites, operators, locators and labels
// from the labels of its nodes, the rest from its links and their traits. What
// the file does not say stays unknown. All mistakes are returned at once.
func (f *File) Topology() (*topology.Topology, error) {
	b := &builder{file: f, site: map[string]int{}, stated: map[string]string{}, node: map[string]int{}}
	b.check("name", topology.CheckName(f.Name))
	for i := range f.Nodes {
		b.addNode(&f.Nodes[i])
	}
	for i, name := range linkNames(f.Links) {
		b.addLink(&f.Links[i], name)
	}
	if err := b.errs.Err(); err != nil {
		return nil, err
	}
	return topology.New(f.Name, b.sites, b.nodes, b.entries, b.links), nil
}

type builder struct {
	file *File
	errs strictyaml.Errors

	sites      []topology.Site
	nodes      []topology.Node
	entries    []topology.Entry
	links      []topology.Link
	site, node map[string]int
	stated     map[string]string // what describes a site or must be unique, and the value or node that has it
}

func (b *builder) fail(path, format string, args ...any) {
	if b.file.doc == nil {
		b.errs.Add(strictyaml.Error{Path: path, Msg: fmt.Sprintf(format, args...)})
		return
	}
	b.errs.Add(b.file.doc.Errorf(path, format, args...))
}

func (b *builder) check(path string, err error) {
	if err != nil {
		b.fail(path, "%v", err)
	}
}

func (b *builder) addNode(n *Node) {
	at := strictyaml.Key("topology.nodes", n.Name)
	b.check(at, topology.CheckName(n.Name))
	node := topology.Node{Name: n.Name}
	for _, key := range slices.Sorted(maps.Keys(n.Labels)) {
		path, value := strictyaml.Key(at+".labels", key), n.Labels[key]
		switch key {
		case labelSite:
			b.check(path, topology.CheckName(value))
			node.Site = value
		case labelOperator:
			b.check(path, topology.CheckName(value))
			node.Operator = value
		case labelLocator:
			locator, err := topology.ParseLocator(value)
			b.check(path, err)
			if other, twice := b.stated[locator.String()]; twice && err == nil {
				b.fail(path, "node %s has locator %v already", other, locator)
			}
			b.stated[locator.String()] = n.Name
			node.Locator = locator
		case labelCountry, labelRegion, labelLat, labelLon:
			if _, ok := n.Labels[labelSite]; !ok {
				b.fail(path, "want a label site beside it, which it describes")
			}
		case labelLoopback:
		default:
			b.check(path, topology.CheckLabel(key, value))
			if node.Labels == nil {
				node.Labels = map[string]string{}
			}
			node.Labels[key] = value
		}
	}
	if node.Site != "" {
		b.describeSite(at+".labels", node.Site, n.Labels)
	}
	b.node[n.Name] = len(b.nodes)
	b.nodes = append(b.nodes, node)
}

// describeSite takes what a node says about its site. Nodes of one site may
// leave things out, but not contradict each other.
func (b *builder) describeSite(at, name string, labels map[string]string) {
	i, known := b.site[name]
	if !known {
		i = len(b.sites)
		b.site[name] = i
		b.sites = append(b.sites, topology.Site{Name: name})
	}
	site := &b.sites[i]
	consistent := func(key string) (value string, ok bool) {
		value, ok = labels[key]
		id := name + " " + key
		if before, twice := b.stated[id]; ok && twice && before != value {
			b.fail(at+"."+key, "site %s has %s %.80q at another node, and %.80q here", name, key, before, value)
			return "", false
		}
		if ok {
			b.stated[id] = value
		}
		return value, ok
	}
	if country, ok := consistent(labelCountry); ok {
		b.check(at+"."+labelCountry, topology.CheckCountry(country))
		site.Country = country
	}
	if region, ok := consistent(labelRegion); ok {
		b.check(at+"."+labelRegion, topology.CheckText(region))
		site.Region = region
	}
	latText, haveLat := consistent(labelLat)
	lonText, haveLon := consistent(labelLon)
	switch {
	case haveLat && haveLon:
		lat := b.degrees(at+"."+labelLat, latText, topology.CheckLatitude)
		lon := b.degrees(at+"."+labelLon, lonText, topology.CheckLongitude)
		site.Where = topology.Declare(topology.Point{Lat: lat, Lon: lon})
	case haveLat && labels[labelLon] == "":
		b.fail(at+"."+labelLat, "lat without lon")
	case haveLon && labels[labelLat] == "":
		b.fail(at+"."+labelLon, "lon without lat")
	}
}

func (b *builder) degrees(path, text string, check func(float64) error) float64 {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		b.fail(path, "bad degrees %.80q: want a decimal number", text)
		return 0
	}
	b.check(path, check(v))
	return v
}

func (b *builder) addLink(l *Link, name string) {
	at := firstOf(l.path, "link "+name)
	from, okA := b.node[l.A.Node]
	to, okB := b.node[l.B.Node]
	switch {
	case !okA || !okB:
		b.fail(at+".endpoints", "no such node: %s or %s", l.A.Node, l.B.Node)
		return
	case from == to:
		b.fail(at+".endpoints", "the link leads from %s to itself", l.A.Node)
		return
	}
	entry := topology.Entry{
		Name: name, A: from, B: to,
		Operator: l.Traits.Operator, SRLGs: l.Traits.SRLGs, QKD: l.Traits.QKD,
		AInterface: kernelName(l.A.Interface), BInterface: kernelName(l.B.Interface),
	}
	for _, key := range slices.Sorted(maps.Keys(l.Labels)) {
		b.check(strictyaml.Key(at+".labels", key), topology.CheckLabel(key, l.Labels[key]))
	}
	if len(l.Labels) > 0 {
		entry.Labels = l.Labels
	}
	b.check(at, topology.CheckLinkName(name))
	link := topology.Link{
		Entry: len(b.entries), From: from, To: to,
		Metric: max(1, l.Traits.Metric), Capacity: l.Traits.Capacity, Delay: l.Traits.Delay,
	}
	back := link
	back.From, back.To = to, from
	b.entries = append(b.entries, entry)
	b.links = append(b.links, link, back)
}

// kernelName is the interface, or unknown where the kind of the node has names
// of its own, such as ethernet-1/1.
func kernelName(name string) string {
	if topology.CheckInterface(name) != nil {
		return ""
	}
	return name
}
