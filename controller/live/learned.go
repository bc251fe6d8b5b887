package live

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/keiro-net/keiro/bgp/lsdb"
	"github.com/keiro-net/keiro/bgp/said"
	"github.com/keiro-net/keiro/topology"
)

// Learned is what was learned alone, as a Topology to start a file from: routers
// by their names or else by their router IDs, links of two halves with their
// addresses, SRLGs with their numbers. Sites, ducts and operators are for the
// operator to add. Links that no path may use are there as well: they may be
// tomorrow.
func Learned(name string, v *lsdb.View) *topology.Topology {
	nodes := make([]topology.Node, len(v.Routers))
	at := make(map[string]int, len(v.Routers))
	called := nodeNames(v.Routers)
	taken := map[string]bool{}
	locatorTaken := map[netip.Prefix]bool{}
	for i, r := range v.Routers {
		at[r.Key] = i
		nodes[i].Name = called[i]
		for _, id := range routerIDs(r) {
			if id, err := topology.ParseRouterID(id); err == nil && !taken[id] {
				nodes[i].RouterID, taken[id] = id, true
				break
			}
		}
		if list := locators(r); len(list) == 1 && !locatorTaken[list[0].prefix] {
			if p, err := topology.ParseLocator(list[0].prefix.String()); err == nil {
				nodes[i].Locator, locatorTaken[p] = p, true
			}
		}
	}
	ends, given := make([][2]string, len(v.Links)), make([]string, len(v.Links))
	for i, l := range v.Links {
		ends[i] = [2]string{called[at[l.A]], called[at[l.B]]}
	}
	entries, links := make([]topology.Entry, len(v.Links)), make([]topology.Link, 0, 2*len(v.Links))
	numbers := map[uint32]bool{}
	addresses := map[netip.Addr]bool{}
	names := topology.LinkNames(given, ends)
	for i, l := range v.Links {
		e := &entries[i]
		*e = topology.Entry{Name: names[i], A: at[l.A], B: at[l.B]}
		e.AAddress, e.BAddress = firstAddress(l, l.A, addresses), firstAddress(l, l.B, addresses)
		ab, ba := topology.Link{Entry: i, From: e.A, To: e.B, Metric: 1}, topology.Link{Entry: i, From: e.B, To: e.A, Metric: 1}
		(&joiner{}).joinLink(&Link{Learned: l}, e, &ab, &ba)
		links = append(links, ab, ba)
		for _, adj := range l.Adjacencies {
			for _, h := range []*lsdb.Half{adj.AB, adj.BA} {
				groups, _ := said.Get(h.Words, said.SRLGs)
				for _, n := range groups {
					numbers[n] = true
				}
			}
		}
	}
	t := topology.New(name, nil, nodes, entries, links)
	for n := range numbers {
		t.SRLGs = append(t.SRLGs, topology.SRLG{Name: SRLGName(n), Number: n})
	}
	slices.SortFunc(t.SRLGs, func(a, b topology.SRLG) int { return int(int64(a.Number) - int64(b.Number)) })
	return t
}

// nodeNames gives each router a name of its own that a file may have: the first
// label of its node name, if it is the only one of it, else a router ID.
func nodeNames(routers []*lsdb.Router) []string {
	count := map[string]int{}
	wanted := make([]string, len(routers))
	for i, r := range routers {
		if list := names(r); len(list) > 0 {
			if s := list[len(list)-1]; topology.CheckName(s) == nil {
				wanted[i] = s
				count[s]++
			}
		}
	}
	taken := map[string]bool{}
	for i := range wanted {
		if count[wanted[i]] == 1 {
			taken[wanted[i]] = true
		} else {
			wanted[i] = ""
		}
	}
	for i, r := range routers {
		if wanted[i] != "" {
			continue
		}
		base := "router"
		if ids := routerIDs(r); len(ids) > 0 {
			base = strings.Trim(strings.ReplaceAll(ids[0], ":", "-"), "-")
		}
		wanted[i] = base
		for n := 2; taken[wanted[i]]; n++ {
			wanted[i] = fmt.Sprintf("%s-%d", base, n)
		}
		taken[wanted[i]] = true
	}
	return wanted
}

// firstAddress is the first address of an end that a file may state, and no
// other end has.
func firstAddress(l *lsdb.Link, router string, taken map[netip.Addr]bool) netip.Addr {
	for _, a := range interfaces(l, router) {
		if _, err := topology.ParseInterfaceAddress(a.String()); err == nil && !taken[a] {
			taken[a] = true
			return a
		}
	}
	return netip.Addr{}
}
