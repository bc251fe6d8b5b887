package steer

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"

	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/bgp/rib"
	"github.com/keiro-net/keiro/bgp/service"
	"github.com/keiro-net/keiro/bgp/srpolicy"
)

// kept is a Table on disk. What could not be used is not in it.
type kept struct {
	Version int        `json:"version"`
	Node    netip.Addr `json:"node"` // its BGP Identifier
	Peers   []keptPeer `json:"peers"`
}

const keptVersion = 1

type keptPeer struct {
	Name   string      `json:"name"`
	Paths  []keptPath  `json:"paths,omitempty"`
	Routes []keptRoute `json:"routes,omitempty"`
}

type keptRoute struct {
	service.Route
	Addressed bool
}

type keptPath struct {
	Originator Originator `json:"originator"`
	NLRI       srpolicy.NLRI
	Tunnel     srpolicy.Tunnel
}

// Encode writes the table, so that what was said outlives the agent.
func (t *Table) Encode() ([]byte, error) {
	k := kept{Version: keptVersion, Node: t.o.Identifier, Peers: []keptPeer{}}
	h := t.Heard()
	at := map[string]int{}
	peer := func(name string) *keptPeer {
		i, ok := at[name]
		if !ok {
			i = len(k.Peers)
			at[name] = i
			k.Peers = append(k.Peers, keptPeer{Name: name})
		}
		return &k.Peers[i]
	}
	for _, p := range h.Paths {
		to := peer(p.Peer)
		to.Paths = append(to.Paths, keptPath{p.Originator, p.NLRI, p.Tunnel})
	}
	for _, r := range h.Routes {
		to := peer(r.Peer)
		to.Routes = append(to.Routes, keptRoute{r.Route, r.Addressed})
	}
	slices.SortFunc(k.Peers, func(a, b keptPeer) int { return cmp.Compare(a.Name, b.Name) })
	return json.Marshal(k)
}

// Restore takes in what Encode wrote, as said in sessions that are over. Of a peer
// that is none any more it is kept until the others have said everything.
func (t *Table) Restore(b []byte) error {
	var k kept
	if err := json.Unmarshal(b, &k); err != nil {
		return err
	}
	if k.Version != keptVersion {
		return fmt.Errorf("it is of version %d, and this agent reads version %d", k.Version, keptVersion)
	}
	if k.Node != t.o.Identifier {
		return fmt.Errorf("it is of node %v, this is %v", k.Node, t.o.Identifier)
	}
	for _, from := range k.Peers {
		p := t.peers[from.Name]
		if p == nil {
			p = &peer{Peer: Peer{Name: from.Name}, alone: true, said: map[rib.Name]*said{}}
			t.peers[from.Name] = p
		}
		for _, x := range from.Paths {
			if !x.NLRI.Endpoint.IsValid() {
				return fmt.Errorf("peer %s: a candidate path without an endpoint", from.Name)
			}
			name := rib.Name{Family: x.NLRI.Family(), Policy: x.NLRI}
			p.said[name] = &said{stale: true, path: &Path{CandidatePath: srpolicy.CandidatePath{NLRI: x.NLRI, Tunnel: x.Tunnel}, Originator: x.Originator, Peer: from.Name}}
		}
		for _, r := range from.Routes {
			if !r.Prefix.IsValid() || r.Prefix != r.Prefix.Masked() {
				return fmt.Errorf("peer %s: a route to no prefix", from.Name)
			}
			f := message.IPv6Unicast
			if r.Prefix.Addr().Is4() {
				f = message.IPv4Unicast
			}
			p.said[rib.Name{Family: f, Prefix: r.Prefix}] = &said{stale: true, route: &Route{Route: r.Route, Addressed: r.Addressed, Peer: from.Name}}
		}
	}
	return nil
}
