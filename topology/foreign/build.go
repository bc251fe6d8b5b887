package foreign

import (
	"github.com/keiro-net/keiro/topology"
)

// Import is what becomes of a file.
type Import struct {
	Topology *topology.Topology
	Demands  []Demand // between nodes of the topology, with unique legal names
	Report   Report
}

// Build makes a topology of the graph. Errors of the readers and references to
// nodes that are not there are returned at once, as strictyaml.Errors.
func (g *Graph) Build() (*Import, error) {
	b := builder{g: g}
	b.addNodes()
	b.addEdges()
	demands := b.demands()
	if err := g.Errors.Err(); err != nil {
		return nil, err
	}
	b.reportParts()
	t := topology.New(g.name(), b.sites, b.nodes, b.entries, b.links)
	return &Import{Topology: t, Demands: demands, Report: g.Report}, nil
}

type builder struct {
	g       *Graph
	sites   []topology.Site
	nodes   []topology.Node
	where   []topology.Attr[topology.Point] // of each node
	entries []topology.Entry
	links   []topology.Link
}

// addNodes names the nodes and puts them into sites. Nodes at one point share a
// site: files give the place of a city, so that two of them may stand in one
// building, and what may be shared is not disjoint. A node without a place has
// no site.
func (b *builder) addNodes() {
	g := b.g
	namer := newNamer()
	names := g.nodeNames(namer)
	siteAt, torn := map[topology.Point]int{}, map[int]bool{}
	b.nodes = make([]topology.Node, len(g.Nodes))
	b.where = make([]topology.Attr[topology.Point], len(g.Nodes))
	for i := range g.Nodes {
		n := &g.Nodes[i]
		node := topology.Node{Name: names[i]}
		country, known := CountryCode(n.Country)
		if n.Country != "" && !known {
			g.Report.Add("countries without an ISO 3166 code, left unknown", n.Country)
		}
		lat, haveLat := n.Lat.Get()
		lon, haveLon := n.Lon.Get()
		if haveLat && haveLon {
			p := topology.Point{Lat: lat, Lon: lon}
			b.where[i] = topology.Declare(p)
			s, old := siteAt[p]
			if old {
				g.Report.Add("nodes at the place of another, in one site with it", names[i])
			} else {
				s = len(b.sites)
				siteAt[p] = s
				name := namer.take("site-" + names[i][:min(len(names[i]), maxBase)])
				b.sites = append(b.sites, topology.Site{Name: name, Where: b.where[i]})
			}
			site := &b.sites[s]
			if site.Country != "" && country != "" && site.Country != country {
				torn[s] = true
			}
			if country != "" {
				site.Country = country
			}
			node.Site = site.Name
		} else {
			g.Report.Add("nodes without coordinates, so without site and country", names[i])
		}
		b.describe(&node, n, known)
		b.nodes[i] = node
	}
	countries := 0
	for i := range b.sites {
		site := &b.sites[i]
		if torn[i] {
			site.Country = ""
			g.Report.Add("sites whose nodes name several countries, left unknown", site.Name)
		}
		if site.Country != "" {
			countries++
		}
	}
	g.Report.Count("sites with a country, as the file has it from a search for the name, which is wrong in places: check before relying on it", countries)
}

// describe keeps what the file says about a node and a topology has no key for.
func (b *builder) describe(node *topology.Node, n *Node, countryKnown bool) {
	labels := map[string]string{}
	for key, value := range n.Labels {
		labels[key] = value
	}
	labels["label"] = n.Label
	if node.Site == "" || !countryKnown {
		labels["country"] = n.Country
	}
	if n.External {
		labels["external"] = "true"
		b.g.Report.Add("nodes of other networks, labelled external", node.Name)
	}
	if n.Junction {
		labels["junction"] = "true"
		b.g.Report.Add("hyperedge nodes, where cables meet and perhaps no router stands, labelled junction", node.Name)
	}
	node.Labels = legalLabels(labels)
}

// legalLabels drops the empty and cleans the others; nil where none is left.
func legalLabels(labels map[string]string) map[string]string {
	var legal map[string]string
	for key, value := range labels {
		value = printable(value)
		if value == "" || topology.CheckLabel(key, value) != nil {
			continue
		}
		if legal == nil {
			legal = map[string]string{}
		}
		legal[key] = value
	}
	return legal
}

// reportParts tells that the network is in pieces, and names a node of each
// but the first largest.
func (b *builder) reportParts() {
	part := make([]int, len(b.nodes)) // a forest: the root of each tree points to itself
	for i := range part {
		part[i] = i
	}
	root := func(i int) int {
		for part[i] != i {
			part[i] = part[part[i]]
			i = part[i]
		}
		return i
	}
	for i := range b.entries {
		part[root(b.entries[i].B)] = root(b.entries[i].A)
	}
	size := make([]int, len(part))
	largest := 0
	for i := range part {
		size[root(i)]++
	}
	for i := range size {
		if size[i] > size[largest] {
			largest = i
		}
	}
	seen := make([]bool, len(part))
	for i := range part {
		if r := root(i); r != largest && !seen[r] {
			seen[r] = true
			b.g.Report.Add("parts that no link joins to the largest, each by one of its nodes", b.nodes[i].Name)
		}
	}
}
