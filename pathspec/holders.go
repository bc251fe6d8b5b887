package pathspec

import (
	"fmt"
	"strings"

	"github.com/keiro-net/keiro/topology"
)

// Holders are the nodes that see the QKD keys of the lanes between two nodes,
// or may: what follows from where QKD systems run. Which way a key took, no KME
// tells (ETSI GS QKD 014 V1.1.1).
type Holders struct {
	Ends [2]string `json:"ends"`
	// Relays see every key: all ways of links with a QKD system lead by them.
	Relays []string `json:"relays" nullable:"false"`
	// Possible see a key when the QKD network relays it by them, which it may
	// do for neighbours too when their own link has no key.
	Possible []string `json:"possible" nullable:"false"`
	// Unknown: no way of links with a QKD system joins the ends, so that it
	// cannot be told where their keys come by.
	Unknown bool `json:"unknown,omitempty"`
}

// HoldersOf finds them for each pair of ends of paths, in the order of the
// paths. An intent that asks for no QKD keys has none.
func HoldersOf(t *topology.Topology, r *Require, paths []Path) []Holders {
	all := []Holders{}
	if r.Encryption != QKD {
		return all
	}
	seen := map[[2]string]bool{}
	for _, p := range paths {
		ends := [2]string{p.Nodes[0], p.Nodes[len(p.Nodes)-1]}
		a, ok := t.Node(ends[0])
		b, also := t.Node(ends[1])
		if seen[ends] || !ok || !also {
			continue
		}
		seen[ends] = true
		relays := t.KeyRelays(a, b)
		all = append(all, Holders{
			Ends: ends, Unknown: !relays.Joined,
			Relays: append([]string{}, relays.Every...), Possible: append([]string{}, relays.Some...),
		})
	}
	return all
}

// String is a sentence for people.
func (h Holders) String() string {
	text := fmt.Sprintf("QKD keys of %s and %s are seen by the KMEs of both", h.Ends[0], h.Ends[1])
	switch {
	case h.Unknown:
		return text + "; by whom else cannot be told: the topology has no way of QKD links between them"
	case len(h.Relays) > 0 && len(h.Possible) > 0:
		text += fmt.Sprintf(", by the trusted nodes on every way of QKD links (%s), and by those of others that the QKD network relays them by (any of %s)",
			strings.Join(h.Relays, ", "), strings.Join(h.Possible, ", "))
	case len(h.Relays) > 0:
		text += fmt.Sprintf(", and by the trusted nodes between them: %s", strings.Join(h.Relays, ", "))
	case len(h.Possible) > 0:
		text += fmt.Sprintf(", and by the trusted nodes that the QKD network relays them by: any of %s", strings.Join(h.Possible, ", "))
	default:
		return text + ", and by no other node: QKD links lead nowhere else"
	}
	return text + "; the KMEs do not tell which way a key took"
}
