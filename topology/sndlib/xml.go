package sndlib

import "github.com/keiro-net/keiro/topology/foreign"

// network reads the XML form, http://sndlib.zib.de/network version 1.0.
func (r *reader) network(x *foreign.XML, _ *foreign.Element) {
	x.Children(func(e *foreign.Element) {
		switch e.Name {
		case "meta":
			x.Children(func(e *foreign.Element) {
				if e.Name == "unit" {
					r.unit, r.unitLine = x.Text(), e.Line
				}
			})
		case "networkStructure":
			x.Children(func(e *foreign.Element) {
				switch e.Name {
				case "nodes":
					r.nodes(x, e)
				case "links":
					r.each(x, "link", r.link)
				}
			})
		case "demands":
			r.each(x, "demand", r.demand)
		}
	})
}

// each reads the elements of a name for as long as read says so.
func (r *reader) each(x *foreign.XML, name string, read func(*foreign.XML, *foreign.Element) bool) {
	x.Children(func(e *foreign.Element) {
		if e.Name == name && !read(x, e) {
			x.Quit()
		}
	})
}

func (r *reader) nodes(x *foreign.XML, e *foreign.Element) {
	switch kind := e.Attr("coordinatesType"); kind {
	case "geographical":
	case "pixel", "": // pixel is the default of the schema
		r.pixels = true
	default:
		r.g.Fail(e.Line, "bad coordinatesType %.80q: want geographical or pixel", kind)
	}
	r.each(x, "node", r.node)
}

func (r *reader) node(x *foreign.XML, e *foreign.Element) bool {
	id := e.Attr("id")
	n := foreign.Node{Key: id, Label: id, Line: e.Line}
	x.Children(func(e *foreign.Element) {
		if e.Name != "coordinates" {
			return
		}
		x.Children(func(e *foreign.Element) {
			switch e.Name {
			case "x": // the longitude comes first
				n.Lon = r.coordinate(e.Line, x.Text())
			case "y":
				n.Lat = r.coordinate(e.Line, x.Text())
			}
		})
	})
	if r.pixels {
		r.drawn(&n)
	}
	return r.g.AddNode(n)
}

func (r *reader) link(x *foreign.XML, e *foreign.Element) bool {
	edge := foreign.Edge{Line: e.Line, Labels: map[string]string{"label": e.Attr("id")}}
	var a amount
	x.Children(func(e *foreign.Element) {
		switch e.Name {
		case "source":
			edge.From = x.Text()
		case "target":
			edge.To = x.Text()
		case "preInstalledModule":
			a.installed += r.capacity(x)
		case "additionalModules":
			r.each(x, "addModule", func(x *foreign.XML, _ *foreign.Element) bool {
				a.module(r.capacity(x))
				return true
			})
		}
	})
	return r.addLink(edge, a)
}

// capacity reads that of a module.
func (r *reader) capacity(x *foreign.XML) (v float64) {
	x.Children(func(e *foreign.Element) {
		if e.Name == "capacity" {
			v = r.number(e.Line, "capacity", x.Text())
		}
	})
	return v
}

func (r *reader) demand(x *foreign.XML, e *foreign.Element) bool {
	d := foreign.Demand{Name: e.Attr("id"), Line: e.Line}
	unit, volume := 1.0, 0.0
	x.Children(func(e *foreign.Element) {
		switch e.Name {
		case "source":
			d.From = x.Text()
		case "target":
			d.To = x.Text()
		case "routingUnit":
			unit = r.number(e.Line, "routing unit", x.Text())
		case "demandValue":
			volume = r.number(e.Line, "demand", x.Text())
		case "maxPathLength":
			d.MaxHops = r.hops(e.Line, x.Text())
		}
	})
	return r.addDemand(d, unit*volume)
}
