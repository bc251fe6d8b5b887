package way

import (
	"cmp"
	"fmt"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// finding is what one probe says of the way.
type finding struct {
	way       string // nodecfg.Proven, nodecfg.Deviates, or "": cannot tell
	deviation string
}

// place is an interface that packets come in by, as nodes write it.
type place struct {
	node uint32
	link uint16
}

// names are those that are known of places and of nodes.
type names struct {
	nodes map[uint32]string
	links map[place]string
}

func namesOf(cfg *nodecfg.Config) names {
	n := names{map[uint32]string{nodecfg.OAMNode(cfg.Locator): cfg.Node}, map[place]string{}}
	for _, l := range cfg.Links {
		n.links[place{nodecfg.OAMNode(cfg.Locator), l.ID}] = l.Name
		if l.PeerID != 0 {
			n.nodes[nodecfg.OAMNode(l.PeerLocator)] = l.Peer
			n.links[place{nodecfg.OAMNode(l.PeerLocator), l.PeerID}] = l.Name
		}
	}
	for i := range cfg.Policies {
		for j := range cfg.Policies[i].Paths {
			for _, a := range cfg.Policies[i].Paths[j].There() {
				if a.OAMLink != 0 {
					n.nodes[a.OAMNode] = a.Node
					n.links[place{a.OAMNode, a.OAMLink}] = a.Link
				}
			}
		}
	}
	return n
}

// of names a place as far as it is known.
func (n names) of(p place) string {
	node := cmp.Or(n.nodes[p.node], fmt.Sprintf("a node with the number %d", p.node))
	switch link := n.links[p]; {
	case link != "":
		return fmt.Sprintf("%s over link %s", node, link)
	case p.link == nodecfg.OAMUnknownLink:
		return node
	}
	return fmt.Sprintf("%s over its link %d", node, p.link)
}

// want is the way that a path says.
type want struct {
	head  string
	there []nodecfg.Arrival
	// counted: every node of the path has an agent, and takes one off the hop
	// limit.
	counted bool
}

func wantOf(cfg *nodecfg.Config, p *nodecfg.Path) want {
	w := want{head: cfg.Node, there: p.There(), counted: true}
	for _, a := range w.there {
		w.counted = w.counted && a.OAMLink != 0
	}
	return w
}

// compare says what a trace, and the hop limit at home, mean for the way.
func (w *want) compare(entries []entry, left int, n names) finding {
	proven := 0
	for _, e := range entries {
		at := fullHops - int(e.hops) // how many nodes were reached, this one included
		i := w.index(e)
		switch {
		case at < 1:
			return finding{}
		case i >= 0 && i == at-1:
			proven++
		case i >= 0:
			return deviates("%s is reached as node %d of the way from %s, not as node %d", n.of(place{e.node, e.link}), at, w.head, i+1)
		case at <= len(w.there) && w.contradicts(at-1, e):
			after := w.head
			if at > 1 {
				after = w.there[at-2].Node
			}
			a := w.there[at-1]
			return deviates("after %s they come to %s, not to %s over link %s", after, n.of(place{e.node, e.link}), a.Node, a.Link)
		}
	}
	if proven == len(w.there) && proven > 0 {
		return finding{way: nodecfg.Proven}
	}
	if passed, say := fullHops-left, 2*len(w.there)-1; w.counted && left > 0 && passed != say {
		return deviates("%d nodes are passed there and back, not %d", passed, say)
	}
	return finding{}
}

// index is the arrival that an entry is, -1 for none.
func (w *want) index(e entry) int {
	for i, a := range w.there {
		if a.OAMLink != 0 && a.OAMNode == e.node && a.OAMLink == e.link {
			return i
		}
	}
	return -1
}

// contradicts says whether an entry cannot be that of an arrival. What a node
// does not know of itself, or nobody of the node, contradicts nothing.
func (w *want) contradicts(i int, e entry) bool {
	a := w.there[i]
	if a.OAMLink == 0 || e.node == nodecfg.OAMUnknownNode {
		return false
	}
	return e.node != a.OAMNode || e.link != nodecfg.OAMUnknownLink
}

func deviates(format string, args ...any) finding {
	return finding{nodecfg.Deviates, fmt.Sprintf(format, args...)}
}
