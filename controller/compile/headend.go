package compile

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"net/netip"
	"slices"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/route"
	"github.com/keiro-net/keiro/bgp/service"
	"github.com/keiro-net/keiro/bgp/srpolicy"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// ColorBase plus the number of an intent is the color of its SR Policies. Operators
// have the colors below for themselves.
const ColorBase = 1_000_000

// Preferences of candidate paths: that of the first path of a set, from which it falls
// with the index, and that of the fence, the least.
const (
	firstPreference = 1000
	fencePreference = 1
)

// Headend is what a node with steering by BGP is to be told.
type Headend struct {
	Node string
	// RouterID is its BGP Identifier; invalid: not known.
	RouterID   netip.Addr
	Candidates []Candidate
	Services   []Service
	// Refused says of intents why they are not told to the headend, or not all of
	// them.
	Refused []Refusal
}

// Candidate is a candidate path, and what of an intent it carries.
type Candidate struct {
	srpolicy.CandidatePath
	Intent string
	// Paths are the indices in the intent's set of what it carries, and Ways the
	// paths as they lead from the headend. There is one, or with weights several; or
	// none: it is the fence.
	Paths []int
	Ways  []pathspec.Path
	// Unknown says which SID is not known, now; "" none. Then there are no segment
	// lists and no distinguisher.
	Unknown string
	// Closed: the intent is blocked; other paths of it may not carry anything.
	Closed bool
}

// Fence reports whether the candidate path is the one that is never valid: with it
// the policy drops what no other path carries.
func (c *Candidate) Fence() bool { return len(c.Paths) == 0 }

// Service is a colored route, and the intent whose packets it steers.
type Service struct {
	service.Route
	Intent string
}

// Refusal says why a headend is not told an intent.
type Refusal struct{ Intent, Why string }

// Headends returns what the nodes with steering by BGP are to be told, in the order
// of the topology; all of them, also those for which there is nothing.
//
// Each intent that begins at a headend is one SR Policy there and the routes whose
// color and next hop name it (RFC 9256 section 8.4). In mode failover each path of the
// set is a candidate path of its own; in mode spread they are the segment lists of one,
// as traffic is only shared within one (RFC 9256 section 2.11).
//
// An intent's packets never leave its paths, as with agents: each policy has a fence, a
// candidate path of the least preference without a segment list, hence never valid (RFC
// 9256 section 5.1), with Drop-Upon-Invalid (I-Flag, RFC 9830 section 2.4.2). While
// nothing else is valid it is made active to drop (RFC 9256 section 8.2); without it the
// headend would route such packets by their next hop.
//
// A distinguisher names what is said, so that an NLRI never changes its meaning and the
// new is announced beside the old.
func Headends(in Input) []Headend {
	t := in.Topology
	var heads []Headend
	at := map[string]int{}
	for n := range t.Nodes {
		if node := &t.Nodes[n]; node.Steering == topology.ByBGP {
			at[node.Name] = len(heads)
			heads = append(heads, Headend{Node: node.Name, RouterID: in.identifier(node)})
		}
	}
	// The older intent has the lower number, and keeps a prefix that others want too.
	policies := make([]*Policy, len(in.Policies))
	for i := range policies {
		policies[i] = &in.Policies[i]
	}
	slices.SortStableFunc(policies, func(a, b *Policy) int {
		return cmp.Compare(in.IDs.Intents[a.Intent], in.IDs.Intents[b.Intent])
	})
	taken := make([][]claim, len(heads))
	for _, p := range policies {
		for _, end := range p.Ends {
			if h, ok := at[end.Node]; ok {
				in.headend(&heads[h], &taken[h], p, end)
			}
		}
	}
	return heads
}

// claim is a selector that a headend has been told of, as seen from it.
type claim struct {
	pathspec.Selector
	intent string
}

// identifier is the BGP Identifier of a node.
func (in *Input) identifier(node *topology.Node) netip.Addr {
	if id := in.SIDs.Router(node.Name).Identifier; id.IsValid() {
		return id
	}
	if id, err := netip.ParseAddr(node.RouterID); err == nil && id.Is4() {
		return id
	}
	return netip.Addr{}
}

// address is that of a tail: the endpoint of policies and the next hop of routes.
func (in *Input) address(node string) (a netip.Addr, why string) {
	if !in.noAgent(node) {
		return nodecfg.Loopback(in.IDs.Locator(node)), ""
	}
	if a = in.SIDs.Router(node).Address; !a.IsValid() {
		return a, fmt.Sprintf("no address of node %s is learned by BGP-LS: neither an IPv6 router ID nor an End SID", node)
	}
	return a, ""
}

// headend adds to h what it is to be told of a policy that begins there.
func (in *Input) headend(h *Headend, taken *[]claim, p *Policy, end End) {
	ways, paths, tails := in.ways(p, end)
	refuse := func(format string, args ...any) {
		h.Refused = append(h.Refused, Refusal{p.Intent, "node " + h.Node + ": " + fmt.Sprintf(format, args...)})
	}
	switch {
	case len(tails) == 0:
		return // another node of the site begins all paths, or nobody knows where they end
	case len(tails) > 1:
		refuse("its paths end at %s and %s, and a colored route has one next hop: let it end at one node", tails[0], tails[1])
		return
	}
	endpoint, why := in.address(tails[0])
	if why != "" {
		refuse("%s", why)
		return
	}
	name := srpolicy.NLRI{Color: ColorBase + uint32(in.IDs.Intents[p.Intent]), Endpoint: endpoint}
	routed := false
	for _, s := range p.Traffic {
		if end.Reverse {
			s = s.Reverse()
		}
		if rival := conflict(*taken, p.Intent, s); rival != nil {
			refuse("packets from %s to %s are not told from those of intent %s from %s to %s, as a colored route says no more than where they go: let one of the two begin at a node with `steering: agent`, or merge them",
				s.From, s.To, rival.intent, rival.From, rival.To)
			continue
		}
		out, why := in.decapsulation(tails[0], s.To.Addr().Is4())
		if why != "" {
			refuse("%s", why)
			continue
		}
		*taken = append(*taken, claim{s, p.Intent})
		h.service(p.Intent, s.To, name, out)
		routed = true
	}
	if !routed && len(p.Traffic) > 0 {
		return // nothing is steered into it; without traffic the operator's own routes are
	}
	for n := range ways {
		if p.Encryption != pathspec.NoEncryption {
			refuse("%s", laneless(h.Node))
			ways = nil
			break
		}
		if why := in.Obstacle(p, ways[n].Links); why != "" {
			refuse("%s", why)
		}
	}
	h.Candidates = append(h.Candidates, in.candidates(p, name, ways, paths)...)
}

// service adds the route of a prefix. Two selectors of an intent may lead to one
// prefix, which takes one route.
func (h *Headend) service(intent string, to netip.Prefix, name srpolicy.NLRI, out sid) {
	same := func(s Service) bool { return s.Prefix == to }
	if slices.ContainsFunc(h.Services, same) {
		return
	}
	r := service.Route{Prefix: to, NextHop: name.Endpoint, Colors: []route.Color{{Value: name.Color}}}
	r.SID = ls.Some(service.SID{Addr: out.Addr, Behavior: out.Behavior, Structure: out.Structure})
	h.Services = append(h.Services, Service{r, intent})
}

// ways are the serving paths of a policy that begin at an end, as they lead from there,
// with their indices; and the nodes at which its standing ones end. Where none stands it
// is the only node on the other side, so that its packets are fenced there too.
func (in *Input) ways(p *Policy, end End) (ways []pathspec.Path, paths []int, tails []string) {
	for i, path := range p.Paths {
		if end.Reverse {
			path = pathspec.Path{Nodes: reversed(path.Nodes), Links: reversed(path.Links)}
		}
		if path.Nodes[0] != end.Node {
			continue
		}
		if tail := path.Nodes[len(path.Nodes)-1]; !slices.Contains(tails, tail) {
			tails = append(tails, tail)
		}
		if p.Serving[i] {
			ways, paths = append(ways, path), append(paths, i)
		}
	}
	if len(p.Paths) > 0 {
		return ways, paths, tails
	}
	for _, other := range p.Ends {
		if other.Reverse != end.Reverse {
			tails = append(tails, other.Node)
		}
	}
	if len(tails) > 1 {
		tails = nil
	}
	return nil, nil, tails
}

// conflict is what of another intent a headend would not tell from the selector. Routes
// know where packets go only. Where prefixes overlap, the longer has all of its packets,
// which is what the selectors say only if both are for the same sources.
func conflict(taken []claim, intent string, s pathspec.Selector) *claim {
	for i := range taken {
		t := &taken[i]
		if t.intent != intent && t.To.Overlaps(s.To) && (t.To == s.To || t.From != s.From) {
			return t
		}
	}
	return nil
}

// candidates are the candidate paths of a policy with these ways; the fence is the last.
func (in *Input) candidates(p *Policy, name srpolicy.NLRI, ways []pathspec.Path, paths []int) (out []Candidate) {
	add := func(c Candidate, preference uint32, label string) {
		c.Intent, c.NLRI, c.Closed = p.Intent, name, p.Closed
		c.Preference, c.Priority = ls.Some(preference), ls.Some(priority(p.Priority))
		c.BindingSID = ls.Some(srpolicy.BindingSID{BindingSIDFlags: srpolicy.BindingSIDFlags{DropUponInvalid: true}})
		c.Name, c.PolicyName = label, p.Intent
		if c.Unknown == "" {
			c.Distinguisher = distinguish(out, c.Tunnel)
		}
		out = append(out, c)
	}
	var shared Candidate // of all ways, in mode spread
	for n, way := range ways {
		c := Candidate{Paths: []int{paths[n]}, Ways: []pathspec.Path{way}}
		list, why := in.steer(way.Nodes, way.Links)
		if c.Unknown = why; why == "" {
			c.SegmentLists = []srpolicy.SegmentList{segments(list)}
		}
		if p.Weights == nil {
			add(c, uint32(firstPreference-paths[n]), PathName(p.Intent, paths[n]))
			continue
		}
		shared.Paths, shared.Ways = append(shared.Paths, paths[n]), append(shared.Ways, way)
		if why != "" {
			shared.Unknown = why
			continue
		}
		c.SegmentLists[0].Weight = ls.Some(uint32(p.Weights[paths[n]]))
		shared.SegmentLists = append(shared.SegmentLists, c.SegmentLists...)
	}
	if len(shared.Paths) > 0 {
		if len(shared.SegmentLists) > 0 {
			shared.Unknown = "" // those that are known share the traffic meanwhile
		}
		add(shared, firstPreference, p.Intent)
	}
	add(Candidate{}, fencePreference, p.Intent+"/fence")
	return out
}

// priority turns that of an intent, of which the greatest comes first, into that of
// a policy, of which the least does (RFC 9256 section 2.12).
func priority(intent int) uint8 { return uint8(min(max(128-intent, 0), 255)) }

func segments(list []sid) (out srpolicy.SegmentList) {
	for _, s := range list {
		segment := srpolicy.Segment{SID: s.Addr}
		if structure, known := s.Structure.Get(); known {
			segment.Endpoint = ls.Some(srpolicy.Endpoint{Behavior: s.Behavior, Structure: structure})
		}
		out.Segments = append(out.Segments, segment)
	}
	return out
}

// distinguish names a candidate path by what it says, apart from others of its policy.
func distinguish(others []Candidate, t srpolicy.Tunnel) uint32 {
	octets, err := srpolicy.AppendTunnel(nil, t)
	if err != nil {
		octets = []byte(err.Error()) // who sends it is told again
	}
	h := fnv.New32a()
	_, _ = h.Write(octets)
	d := max(h.Sum32(), 1)
	for slices.ContainsFunc(others, func(o Candidate) bool { return o.Distinguisher == d }) {
		d = max(d+1, 1)
	}
	return d
}

func laneless(node string) string {
	return fmt.Sprintf("node %s is told its paths by BGP, which has no word for encryption: give it `steering: agent`", node)
}

// Unsayable says why a path of the policy could not be told by BGP to those of its ends
// that are told so; "" nothing.
func (in *Input) Unsayable(p *Policy, path pathspec.Path) string {
	back := pathspec.Path{Nodes: reversed(path.Nodes), Links: reversed(path.Links)}
	for i, way := range []pathspec.Path{path, back} {
		head, tail := way.Nodes[0], way.Nodes[len(way.Nodes)-1]
		n, ok := in.Topology.Node(head)
		if !ok || in.Topology.Nodes[n].Steering != topology.ByBGP {
			continue
		}
		if p.Encryption != pathspec.NoEncryption {
			return laneless(head)
		}
		if _, why := in.steer(way.Nodes, way.Links); why != "" {
			return why
		}
		if _, why := in.address(tail); why != "" {
			return why
		}
		for _, s := range p.Traffic {
			if i == 1 {
				s = s.Reverse()
			}
			if _, why := in.decapsulation(tail, s.To.Addr().Is4()); why != "" {
				return why
			}
		}
	}
	return ""
}
