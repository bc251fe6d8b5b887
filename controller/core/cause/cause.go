// Package cause finds what explains failed links: a duct, a node, or each link
// by itself. It is pure. controller/core names causes in its alarms with it.
package cause

import (
	"maps"
	"slices"

	"github.com/keiro-net/keiro/topology"
)

// Cause is one thing whose failure explains links that failed.
type Cause struct {
	Name   string   // srlg:NAME, node:NAME or link:NAME
	Links  []string // all links it takes down
	Failed []string // those of them that were to be explained
}

// Explain explains the failed links by as few things as possible: an SRLG or a
// node of which two or more links, and all of them, are down; else each link
// by itself. What explains most comes first, then SRLGs, then nodes, then
// names.
func Explain(t *topology.Topology, failed []string, down func(link string) bool) []Cause {
	left := map[string]bool{}
	for _, link := range failed {
		left[link] = true
	}
	groups := groups(t, down)
	var found []Cause
	for {
		best := Cause{}
		for _, g := range groups {
			g.Failed = nil
			for _, link := range g.Links {
				if left[link] {
					g.Failed = append(g.Failed, link)
				}
			}
			if len(g.Failed) > max(1, len(best.Failed)) {
				best = g
			}
		}
		if best.Name == "" {
			break
		}
		for _, link := range best.Failed {
			delete(left, link)
		}
		found = append(found, best)
	}
	for _, link := range slices.Sorted(maps.Keys(left)) {
		found = append(found, Cause{Name: "link:" + link, Links: []string{link}, Failed: []string{link}})
	}
	return found
}

// groups are the SRLGs, then the nodes, that have two links or more, all of
// them down; each kind sorted by name.
func groups(t *topology.Topology, down func(link string) bool) []Cause {
	srlgs, nodes := map[string][]string{}, map[string][]string{}
	for e := range t.Entries {
		entry := &t.Entries[e]
		names, _ := entry.SRLGs.Get()
		for _, g := range names {
			srlgs[g] = append(srlgs[g], entry.Name)
		}
		for _, n := range []int{entry.A, entry.B} {
			nodes[t.Nodes[n].Name] = append(nodes[t.Nodes[n].Name], entry.Name)
		}
	}
	out := allDown("srlg:", srlgs, down)
	return append(out, allDown("node:", nodes, down)...)
}

func allDown(prefix string, members map[string][]string, down func(link string) bool) []Cause {
	var out []Cause
	for _, name := range slices.Sorted(maps.Keys(members)) {
		links := members[name]
		up := slices.ContainsFunc(links, func(l string) bool { return !down(l) })
		if len(links) > 1 && !up {
			out = append(out, Cause{Name: prefix + name, Links: links})
		}
	}
	return out
}
