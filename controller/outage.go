package controller

import (
	"strings"

	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/declare"
	"github.com/keiro-net/keiro/controller/show"
	"github.com/keiro-net/keiro/pathspec/gate"
	"github.com/keiro-net/keiro/topology"
)

// exists reports whether the topology has a node, link or SRLG of that name.
func exists(d declare.State, kind, name string) bool {
	if d.Topology == nil {
		return false
	}
	found := false
	switch kind {
	case "node":
		_, found = d.Topology.Node(name)
	case "link":
		_, found = d.Topology.Entry(name)
	case "srlg":
		for e := range d.Topology.Entries {
			found = found || d.Topology.Entries[e].HasSRLG(name)
		}
	}
	return found
}

// outage is what the newest state says carries no traffic or is drained.
func (b *backend) outage() topology.Outage {
	state := b.State()
	if state == nil {
		return outageNamed(nil)
	}
	return outageOf(state, state.Drains)
}

// drainFor is a drain as the gate sees it.
func drainFor(kind, name, by string) gate.Drain {
	return gate.Drain{Name: kind + ":" + name, Outage: outageNamed([]string{kind + ":" + name}), By: by}
}

func outageNamed(names []string) topology.Outage {
	o := topology.Outage{Nodes: map[string]bool{}, Entries: map[string]bool{}, SRLGs: map[string]bool{}}
	for _, name := range names {
		kind, name, _ := strings.Cut(name, ":")
		switch kind {
		case "node":
			o.Nodes[name] = true
		case "srlg":
			o.SRLGs[name] = true
		default:
			o.Entries[name] = true
		}
	}
	return o
}

// outageOf is what carries no traffic in a state, with those drains in force.
func outageOf(state *resource.State, drains []*resource.Drain) topology.Outage {
	if state == nil {
		return outageNamed(nil)
	}
	with := *state
	with.Drains = drains
	o := outageNamed(show.OutageNames(&with))
	o.Keyless = show.Keyless(state)
	return o
}
