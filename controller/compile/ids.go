package compile

import (
	"encoding/binary"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// block is the SRv6 SID block of RFC 9602.
var block = netip.MustParsePrefix("5f00::/16")

// IDs are the numbers given to names. They are kept with the spec: a number
// stays with its name for as long as the name exists, and is not given to
// another name soon after, because nodes may still forward by it.
type IDs struct {
	Locators map[string]netip.Prefix      `json:"locators"` // by node
	Links    map[string]map[string]uint16 `json:"links"`    // by node, then link
	Intents  map[string]uint16            `json:"intents"`
	Lanes    map[string]uint16            `json:"lanes"` // by PathName, of encrypted intents
	// Last are the numbers given last; the search goes on from there.
	LastLocator uint32            `json:"lastLocator"`
	LastLink    map[string]uint16 `json:"lastLink"`
	LastIntent  uint16            `json:"lastIntent"`
	LastLane    uint16            `json:"lastLane"`
}

// Locator is the SRv6 locator of a node, a /48. A node without an agent has one
// only if its topology says so.
func (ids IDs) Locator(node string) netip.Prefix { return ids.Locators[node] }

// Link is a node's own number of one of its links.
func (ids IDs) Link(node, link string) uint16 { return ids.Links[node][link] }

// Allocate returns the numbers for a topology and its intents: those of old
// where the name is still there, fresh ones elsewhere.
// No locator is given in which one is that is taken: those that routers say are theirs.
// What a node has been given stays with it.
func Allocate(old IDs, t *topology.Topology, intents []pathspec.Intent, taken ...netip.Prefix) (IDs, error) {
	ids := IDs{
		Locators: make(map[string]netip.Prefix, len(t.Nodes)), LastLocator: old.LastLocator,
		Links: make(map[string]map[string]uint16, len(t.Nodes)), LastLink: map[string]uint16{},
		Intents: make(map[string]uint16, len(intents)), LastIntent: old.LastIntent,
		Lanes: make(map[string]uint16),
	}
	if err := ids.locators(old, t, taken); err != nil {
		return IDs{}, err
	}
	for n := range t.Nodes {
		name := t.Nodes[n].Name
		ids.Links[name], ids.LastLink[name] = map[string]uint16{}, old.LastLink[name]
	}
	ends := make([][]string, len(t.Nodes)) // names of the links at each node
	for e := range t.Entries {
		entry := &t.Entries[e]
		ends[entry.A] = append(ends[entry.A], entry.Name)
		ends[entry.B] = append(ends[entry.B], entry.Name)
	}
	for n := range t.Nodes {
		name := t.Nodes[n].Name
		last, err := number(ends[n], old.Links[name], ids.Links[name], old.LastLink[name], nodecfg.MaxLinkID)
		if err != nil {
			return IDs{}, fmt.Errorf("links of node %s: %w", name, err)
		}
		ids.LastLink[name] = last
	}
	names := make([]string, len(intents))
	var lanes []string
	for i := range intents {
		names[i] = intents[i].Name
		for n := range intents[i].Require.Multiplicity {
			if intents[i].Require.Encryption != pathspec.NoEncryption {
				lanes = append(lanes, PathName(names[i], n))
			}
		}
	}
	last, err := number(names, old.Intents, ids.Intents, old.LastIntent, nodecfg.MaxPref)
	if err != nil {
		return IDs{}, fmt.Errorf("intents: %w", err)
	}
	ids.LastIntent = last
	ids.LastLane, err = number(lanes, old.Lanes, ids.Lanes, old.LastLane, nodecfg.MaxLaneID)
	if err != nil {
		return IDs{}, fmt.Errorf("lanes of encrypted intents: %w", err)
	}
	return ids, nil
}

// number fills out with a number from 1 to most for each name and returns the
// number given last. Names that have left keep theirs as long as there is
// plenty, so that one that comes back finds its own again.
func number(names []string, old, out map[string]uint16, last, most uint16) (uint16, error) {
	if len(names) > int(most) {
		return 0, fmt.Errorf("%d are too many, at most %d can be numbered", len(names), most)
	}
	used := make(map[uint16]bool, len(names))
	take := func(name string) {
		if id, ok := old[name]; ok {
			out[name] = id
			used[id] = true
		}
	}
	for _, name := range names {
		take(name)
	}
	for _, name := range slices.Sorted(maps.Keys(old)) {
		if len(out) < int(most)/2 {
			take(name)
		}
	}
	for _, name := range names {
		if _, ok := out[name]; ok {
			continue
		}
		for last = last%most + 1; used[last]; last = last%most + 1 {
		}
		out[name] = last
		used[last] = true
	}
	return last, nil
}

// locators keeps what the topology declares, then what was assigned before,
// and assigns the rest from 5f00:0:1::/48 upwards, to nodes with an agent.
func (ids *IDs) locators(old IDs, t *topology.Topology, taken []netip.Prefix) error {
	const most = 1<<32 - 1
	used := make(map[netip.Prefix]bool, len(t.Nodes))
	for n := range t.Nodes {
		if l := t.Nodes[n].Locator; l.IsValid() {
			ids.Locators[t.Nodes[n].Name] = l
			used[l] = true
		}
	}
	for n := range t.Nodes {
		name := t.Nodes[n].Name
		if l := old.Locators[name]; l.IsValid() && !used[l] && !ids.Locators[name].IsValid() && !t.Nodes[n].NoAgent {
			ids.Locators[name] = l
			used[l] = true
		}
	}
	for _, l := range taken { // one that claims more than a locator would leave none
		if l.Bits() >= 48 {
			used[netip.PrefixFrom(l.Addr(), 48).Masked()] = true
		}
	}
	for n := range t.Nodes {
		name := t.Nodes[n].Name
		if ids.Locators[name].IsValid() || t.Nodes[n].NoAgent {
			continue // what has no agent has its own
		}
		for {
			ids.LastLocator = ids.LastLocator%most + 1
			if l := assigned(ids.LastLocator); !used[l] {
				ids.Locators[name] = l
				used[l] = true
				break
			}
		}
	}
	return nil
}

// assigned is the nth locator of the block: 5f00:HHHH:LLLL::/48.
func assigned(n uint32) netip.Prefix {
	b := block.Addr().As16()
	binary.BigEndian.PutUint32(b[2:], n)
	return netip.PrefixFrom(netip.AddrFrom16(b), 48)
}
