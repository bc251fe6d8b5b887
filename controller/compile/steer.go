package compile

import (
	"fmt"
	"net/netip"
	"reflect"

	"github.com/keiro-net/keiro/controller/live"
	"github.com/keiro-net/keiro/pathspec"
)

// steer is the SID list of a path that begins at a headend which is told it by BGP; why
// says what is in the way.
//
// Linux does not execute an End.X on packets that it makes (nodecfg.Ingress), so beside
// a router without an agent it begins with a SID of that router, as a head that is told
// by its agent does: the router's End.X, or its End if it is the tail. BGP has no word
// for the link, which the agent finds by the locator of the router (agent/steer).
func (in *Input) steer(way pathspec.Path) (list []live.SID, why string) {
	list, why = in.Segments(way)
	head, next := way.Nodes[0], way.Nodes[1]
	if why != "" || in.named(head).NoAgent || !in.named(next).NoAgent {
		return list, why
	}
	if len(list) == 0 {
		end, ok := in.SIDs.Node(next)
		if !ok {
			return nil, fmt.Sprintf("no End SID of router %s is learned, with which paths from node %s that end there would begin, as it is told them by BGP: give %s `steering: agent`", next, head, head)
		}
		if why := in.unfit(next, "SID", end.Addr); why != "" {
			return nil, why
		}
		list = append(list, end)
	}
	if why := in.unled(head, way.Links[0], list[0].Addr); why != "" {
		return nil, why
	}
	return list, ""
}

// unled says why the agent of a head would not lead a SID of the router behind a link
// over that link: it has to be in the locator of a router beside the head to which only
// this link leads. "" nothing.
func (in *Input) unled(head, link string, sid netip.Addr) string {
	n, _ := in.Topology.Node(head)
	if in.foreign().beside[plug{n, sid}] > 0 {
		return fmt.Sprintf("SID %v is the address of a router beside node %s as well", sid, head)
	}
	found := false
	for e := range in.Topology.Entries {
		entry := &in.Topology.Entries[e]
		m := entry.A + entry.B - n
		if entry.A != n && entry.B != n || !in.Topology.Nodes[m].NoAgent || !in.beginsAt(n, e) {
			continue
		}
		if locator := in.peerLocator(m); !locator.IsValid() || !locator.Contains(sid) {
			continue
		}
		if entry.Name != link {
			return fmt.Sprintf("node %s is told its paths by BGP, which does not say over which link: SID %v is in the locator of the router behind its link %s as well as behind %s: give %s `steering: agent`",
				head, sid, entry.Name, link, head)
		}
		found = true
	}
	if !found {
		return fmt.Sprintf("node %s is told its paths by BGP, and could not know that SID %v leads over link %s, as it is in no locator that is known of the router behind it, a /48 within 5f00::/16: declare the router's `locator`, or give %s `steering: agent`",
			head, sid, link, head)
	}
	return ""
}

// Said reports whether the SIDs that a candidate path was made of are still those of
// its ways; what it is told by others does not lead along them any more.
func (in *Input) Said(c *Candidate) bool {
	for n, way := range c.Ways {
		list, why := in.steer(way)
		if why != "" || !reflect.DeepEqual(segments(list).Segments, c.SegmentLists[n].Segments) {
			return false
		}
	}
	return true
}
