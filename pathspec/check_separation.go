package pathspec

import (
	"math"

	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/geo"
)

// separation measures how near the cables of every two paths come to each
// other, outside the radius around the ends of the intent.
func (c *checker) separation(in *Intent, walks []walk) {
	if in.Require.Separation == 0 || len(walks) < 2 {
		return
	}
	except, placeless := c.excepted(in)
	cables := make([][]cable, len(walks))
	for i, w := range walks {
		for _, l := range w.links {
			entry := &c.t.Entries[c.t.Links[l].Entry]
			line, ok := geo.Lay(entry.Route)
			if !ok {
				c.lacks(true, in.Name, i, RuleSeparation, "the route of link %s is unknown", entry.Name)
				continue
			}
			cables[i] = append(cables[i], cable{entry.Name, line.Outside(except)})
		}
		for j := range i {
			metres, at, mine, other := nearest(cables[i], cables[j])
			if geo.TooNear(metres, in.Require.Separation) {
				c.fail(in.Name, i, RuleSeparation, "link %s passes %s from link %s of path %d at %s, less than %s%s",
					mine, topology.Distance(metres), other, j+1, geo.Text(at), in.Require.Separation, placeless)
			}
		}
	}
}

// cable is what of the cable of a link lies outside the radius around the ends.
type cable struct {
	link string
	line geo.Line
}

// nearest is the least distance in metres between cables of two paths, the
// place on the first where it is, and the links; infinite where there is none.
func nearest(a, b []cable) (metres float64, at topology.Point, first, second string) {
	metres = math.Inf(1)
	for _, k := range a {
		for _, l := range b {
			if d, where := geo.Distance(k.line, l.line); d < metres {
				metres, at, first, second = d, where, k.link, l.link
			}
		}
	}
	return metres, at, first, second
}

// excepted is the ground around the ends where cables may be near each other:
// around the site that an end names, or where the node is that it names. Around
// a place that nobody stated nothing is excepted, and placeless says so.
func (c *checker) excepted(in *Intent) (discs []geo.Disc, placeless string) {
	if in.Require.SeparationExcept == 0 {
		return nil, ""
	}
	for _, end := range []string{in.From, in.To} {
		site := end
		if n, ok := c.t.Node(end); ok {
			site = c.t.Nodes[n].Site
		}
		if s, ok := c.t.Site(site); ok {
			if where, known := c.t.Sites[s].Where.Get(); known {
				discs = append(discs, geo.Disc{Centre: where, Radius: in.Require.SeparationExcept})
				continue
			}
		}
		placeless += "; where " + end + " is, is unknown, so nothing around it is excepted"
	}
	return discs, placeless
}
