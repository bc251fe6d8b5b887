package topology

import (
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/keiro-net/keiro/topology/strictyaml"
)

// builder checks a document and makes a Topology of it.
type builder struct {
	*strictyaml.Checker
	seen  map[string]string // what may stand once only, and where it first stood
	sites map[string]bool
	nodes map[string]int
}

func build(d *strictyaml.Document) (*Topology, strictyaml.Errors) {
	var doc document
	b := &builder{Checker: d.Check(&doc), seen: map[string]string{}, sites: map[string]bool{}, nodes: map[string]int{}}
	b.Check("metadata.name", CheckName(doc.Metadata.Name))
	sites := b.buildSites(doc.Spec.Sites)
	nodes := b.buildNodes(doc.Spec.Nodes)
	entries, links := b.buildLinks(&doc.Spec)
	t := New(doc.Metadata.Name, sites, nodes, entries, links)
	t.SRLGs = b.buildSRLGs(doc.Spec.SRLGs)
	return t, b.Errors
}

// optional checks a text that may be left out.
func (b *builder) optional(path, s string, check func(string) error) {
	if s != "" {
		b.Check(path, check(s))
	}
}

// once reports what stands a second time.
func (b *builder) once(path, what, name string) {
	if name == "" {
		return
	}
	if first, twice := b.seen[what+" "+name]; twice {
		b.Fail(path, "%s %.140s stands twice: first on line %d", what, name, b.Line(first))
		return
	}
	b.seen[what+" "+name] = path
}

func (b *builder) labels(path string, labels map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		b.Check(strictyaml.Key(path, key), CheckLabel(key, labels[key]))
	}
}

func (b *builder) buildSites(docs []siteDoc) []Site {
	sites := make([]Site, len(docs))
	for i, d := range docs {
		at := strictyaml.Index("spec.sites", i)
		b.Check(at+".name", CheckName(d.Name))
		b.once(at+".name", "site", d.Name)
		b.optional(at+".country", d.Country, CheckCountry)
		b.optional(at+".region", d.Region, CheckText)
		b.sites[d.Name] = true
		sites[i] = Site{Name: d.Name, Country: d.Country, Region: d.Region}
		switch {
		case d.Lat != nil && d.Lon != nil:
			sites[i].Where = Declare(b.point(at+".lat", at+".lon", *d.Lat, *d.Lon))
		case d.Lat != nil:
			b.Fail(at+".lat", "lat without lon")
		case d.Lon != nil:
			b.Fail(at+".lon", "lon without lat")
		}
	}
	return sites
}

func (b *builder) point(latPath, lonPath string, lat, lon float64) Point {
	b.Check(latPath, CheckLatitude(lat))
	b.Check(lonPath, CheckLongitude(lon))
	return Point{Lat: lat, Lon: lon}
}

func (b *builder) buildNodes(docs []nodeDoc) []Node {
	nodes := make([]Node, len(docs))
	for i, d := range docs {
		at := strictyaml.Index("spec.nodes", i)
		b.Check(at+".name", CheckName(d.Name))
		b.once(at+".name", "node", d.Name)
		if _, twice := b.nodes[d.Name]; !twice {
			b.nodes[d.Name] = i
		}
		if d.Site != "" && !b.sites[d.Site] {
			b.Fail(at+".site", "no such site %.80q", d.Site)
		}
		b.optional(at+".operator", d.Operator, CheckName)
		b.labels(at+".labels", d.Labels)
		nodes[i] = Node{Name: d.Name, Site: d.Site, Operator: d.Operator, Labels: d.Labels}
		if d.Locator != nil && d.Locator.IsValid() {
			b.once(at+".locator", "locator", d.Locator.String())
			nodes[i].Locator = d.Locator.Prefix
		}
		if d.RouterID != nil {
			b.once(at+".routerID", "router ID", d.RouterID.string)
			nodes[i].RouterID = d.RouterID.string
		}
		b.steering(at, &d, &nodes[i])
		b.guard(at+".guard", &d, &nodes[i])
		if d.Evidence != nil {
			if *d.Evidence < 0 {
				b.Fail(at+".evidence", "bad evidence %d: want a level from 0", *d.Evidence)
			}
			nodes[i].Evidence = Declare(*d.Evidence)
		}
	}
	return nodes
}

// steering reads who tells a node its paths.
func (b *builder) steering(at string, d *nodeDoc, n *Node) {
	n.NoAgent = d.Agent != nil && !*d.Agent
	switch d.Steering {
	case "":
		if n.NoAgent {
			n.Steering = ByBGP
		}
	case "agent":
		if n.NoAgent {
			b.Fail(at+".steering", "the node has no agent that could be told: want bgp, or leave it out")
		}
	case string(ByBGP):
		n.Steering = ByBGP
	default:
		b.Fail(at+".steering", "bad steering %.80q: want agent or bgp", d.Steering)
	}
}

// guard reads what becomes of changes by others.
func (b *builder) guard(at string, d *nodeDoc, n *Node) {
	switch {
	case d.Guard == "":
	case n.NoAgent:
		b.Fail(at, "the node has no agent that could guard it: leave it out")
	case d.Guard == string(Alert):
		n.Guard = Alert
	case d.Guard != "enforce":
		b.Fail(at, "bad guard %.80q: want enforce or alert", d.Guard)
	}
}

// buildSRLGs reads the numbers of shared risks. One number is one risk and the
// other way round: what an IGP says must not be read in two ways.
func (b *builder) buildSRLGs(docs []srlgDoc) []SRLG {
	var groups []SRLG
	for i, d := range docs {
		at := strictyaml.Index("spec.srlgs", i)
		b.Check(at+".name", CheckName(d.Name))
		b.once(at+".name", "srlg", d.Name)
		if d.Number == nil {
			continue // reported already
		}
		if *d.Number < 0 || *d.Number > math.MaxUint32 {
			b.Fail(at+".number", "bad number %d of an SRLG: want 0 to %d (RFC 5307 section 1.3)", *d.Number, uint32(math.MaxUint32))
		}
		b.once(at+".number", "srlg number", strconv.FormatInt(*d.Number, 10))
		groups = append(groups, SRLG{Name: d.Name, Number: uint32(*d.Number)})
	}
	return groups
}
