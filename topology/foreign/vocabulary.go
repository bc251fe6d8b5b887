package foreign

import (
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/keiro-net/keiro/topology"
)

// The words that GML and GraphML files use for what a topology knows. The
// formats themselves define none; these are the words of the Internet Topology
// Zoo, and the common ones for places.

// noLabel is what the Zoo's tools, written in Python, print for no label.
const noLabel = "None"

// SetNode takes an attribute of a node. Of an attribute that is given twice
// the last counts.
func (g *Graph) SetNode(n *Node, line int, key, value string) {
	switch strings.ToLower(key) {
	case "id":
	case "label":
		if n.Label = value; value == noLabel {
			n.Label = ""
		}
	case "name":
		if n.Label == "" {
			n.Label = value
		}
	case "latitude", "lat":
		g.degrees(&n.Lat, line, key, value)
	case "longitude", "lon", "lng", "long":
		g.degrees(&n.Lon, line, key, value)
	case "country":
		n.Country = strings.TrimSpace(value)
	case "internal":
		n.External = value == "0" || value == "0.0" || strings.EqualFold(value, "false")
	case "hyperedge":
		n.Junction = value != "" && value != "0" && !strings.EqualFold(value, "false")
	case "type":
		setLabel(&n.Labels, "type", value)
	default:
		g.unread(key)
	}
}

// bundle matches a LinkNote that says how many lines there are: x2, Ex24.
var bundle = regexp.MustCompile(`(?i)^\s*e?\s*x\s*[0-9]`)

// SetEdge takes an attribute of an edge.
func (g *Graph) SetEdge(e *Edge, key, value string) {
	switch strings.ToLower(key) {
	case "id", "key", "source", "target", "linkspeed", "linkspeedunits": // LinkSpeedRaw is the product of the two
	case "linklabel", "label":
		setLabel(&e.Labels, "label", value)
	case "linktype", "type":
		setLabel(&e.Labels, "type", value)
	case "linknote":
		setLabel(&e.Labels, "note", value)
		if bundle.MatchString(value) {
			g.Report.Add("bundles of lines (LinkNote), given the speed of one of them if any", value)
		}
	case "linkspeedraw":
		v, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || !(v > 0 && v <= float64(topology.MaxBandwidth)) {
			g.Report.Add("link speeds out of range, left unknown", value)
			return
		}
		e.Capacity = topology.Declare(topology.Bandwidth(math.Round(v)))
	default:
		g.unread(key)
	}
}

func setLabel(labels *map[string]string, key, value string) {
	if *labels == nil {
		*labels = map[string]string{}
	}
	(*labels)[key] = value
}

func (g *Graph) degrees(into *topology.Attr[float64], line int, key, value string) {
	if value = strings.TrimSpace(value); value == "" {
		return
	}
	v, err := strconv.ParseFloat(value, 64)
	if err != nil {
		g.Fail(line, "%.80s %.80q is not a number of degrees", key, value)
		return
	}
	*into = topology.Declare(v)
}

// maxUnread bounds how many names of attributes are remembered.
const maxUnread = 1000

// unread reports an attribute that means nothing here, once.
func (g *Graph) unread(key string) {
	if !g.unknown[key] && len(g.unknown) < maxUnread {
		g.unknown[strings.Clone(key)] = true
		g.Report.Add("attributes that a topology has no key for, left out", key)
	}
}
