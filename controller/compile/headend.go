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
	"github.com/keiro-net/keiro/controller/live"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// ColorBase plus the number of an intent is the color of its SR Policies. Operators
// have the colors below for themselves.
const ColorBase = nodecfg.ColorBase

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

// Lacks reports whether something that the headend is to be told is not known.
func (h *Headend) Lacks() bool {
	return slices.ContainsFunc(h.Candidates, func(c Candidate) bool { return c.Unknown != "" }) ||
		slices.ContainsFunc(h.Services, func(s Service) bool { return s.Unknown != "" })
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
	// Unknown says what is not known, now, so that nothing can be said anew; what was
	// said of the same ways stands. "" nothing.
	Unknown string
	// Closed: the intent is blocked; other paths of it may not carry anything.
	Closed bool
	// Octets are the tunnel as it is sent, to compare by.
	Octets string
}

// Fence reports whether the candidate path is the one that is never valid: with it
// the policy drops what no other path carries.
func (c *Candidate) Fence() bool { return len(c.Paths) == 0 }

// Service is a colored route, and the intent whose packets it steers.
type Service struct {
	service.Route
	Intent  string
	Unknown string // as of a Candidate
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
	room := make([]int, len(heads)) // candidate paths are large
	for _, p := range policies {
		for _, end := range p.Ends {
			if h, ok := at[end.Node]; ok {
				room[h] += len(p.Paths) + 1
			}
		}
	}
	for h := range heads {
		heads[h].Candidates = make([]Candidate, 0, min(room[h], 4096))
	}
	all := make([][]taken, len(heads))
	for _, p := range policies {
		for _, end := range p.Ends {
			if h, ok := at[end.Node]; ok {
				in.headend(&heads[h], &all[h], p, end)
			}
		}
	}
	return heads
}

// taken is a selector that a headend has been told of, as seen from it.
type taken struct {
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

// endpoint is the address of a tail: the endpoint of policies and the next hop of routes.
func (in *Input) endpoint(node string) (a netip.Addr, why string) {
	if !in.named(node).NoAgent {
		return nodecfg.Loopback(in.IDs.Locator(node)), ""
	}
	if a = in.SIDs.Router(node).Address; !a.IsValid() {
		return a, fmt.Sprintf("no address of node %s is learned by BGP-LS: neither an IPv6 router ID nor an End SID", node)
	}
	return a, ""
}

// Address is the address of a node as its neighbours in BGP know it; invalid: unknown.
func (in *Input) Address(node string) netip.Addr { a, _ := in.endpoint(node); return a }

// headend adds to h what it is to be told of a policy that begins there.
func (in *Input) headend(h *Headend, had *[]taken, p *Policy, end End) {
	ways, paths, tails := in.ways(p, end)
	refuse := func(format string, args ...any) {
		h.Refused = append(h.Refused, Refusal{p.Intent, fmt.Sprintf(format, args...)})
	}
	closed := p.Closed
	switch {
	case len(tails) == 0:
		return // it ends nowhere
	case len(tails) > 1: // fenced
		refuse("%s", split(tails))
		ways, closed = nil, true
	}
	endpoint, unknown := in.endpoint(tails[0])
	unknown = cmp.Or(unknown, in.Missing[tails[0]])
	name := srpolicy.NLRI{Color: ColorBase + uint32(in.IDs.Intents[p.Intent]), Endpoint: endpoint}
	routed := false
	for _, s := range p.Traffic {
		if end.Reverse {
			s = s.Reverse()
		}
		if rival := conflict(*had, p.Intent, s); rival != nil {
			refuse("packets from %s to %s are not told from those of intent %s from %s to %s, as a colored route says no more than where they go: let one of the two begin at a node with `steering: agent`, or merge them",
				s.From, s.To, rival.intent, rival.From, rival.To)
			continue
		}
		*had = append(*had, taken{s, p.Intent})
		out, why := in.Decapsulation(tails[0], s.To.Addr().Is4())
		h.service(p.Intent, s.To, name, out, cmp.Or(unknown, why))
		routed = true
	}
	if !routed && len(p.Traffic) > 0 {
		return // nothing is steered into it; without traffic the operator's own routes are
	}
	if p.Encryption != pathspec.NoEncryption && len(ways) > 0 {
		refuse("BGP has no word for encryption %s: give it `steering: agent`", p.Encryption)
		ways, closed = nil, true
	}
	in.candidates(h, p, name, ways, paths, unknown, closed)
}

// service adds the route of a prefix. Two selectors of an intent may lead to one
// prefix, which takes one route.
func (h *Headend) service(intent string, to netip.Prefix, name srpolicy.NLRI, out live.SID, unknown string) {
	same := func(s Service) bool { return s.Prefix == to }
	if slices.ContainsFunc(h.Services, same) {
		return
	}
	r := service.Route{Prefix: to, NextHop: name.Endpoint, Colors: []route.Color{{Value: name.Color}}}
	r.SID = ls.Some(service.SID{Addr: out.Addr, Behavior: out.Behavior, Structure: structured(out)})
	h.Services = append(h.Services, Service{r, intent, unknown})
}

// ways are the serving paths of a policy that begin at an end, as they lead from there,
// with their indices; and the nodes at which its standing ones end. Where none stands it
// is the first node on the other side, so that its packets are fenced there too.
func (in *Input) ways(p *Policy, end End) (ways []pathspec.Path, paths []int, tails []string) {
	var elsewhere []string // tails of paths that another node of the site begins
	for i, path := range p.Paths {
		if end.Reverse {
			path = Reversed(path)
		}
		if path.Nodes[0] != end.Node {
			elsewhere = append(elsewhere, path.Nodes[len(path.Nodes)-1])
			continue
		}
		if tail := path.Nodes[len(path.Nodes)-1]; !slices.Contains(tails, tail) {
			tails = append(tails, tail)
		}
		if p.Serving[i] {
			ways, paths = append(ways, path), append(paths, i)
		}
	}
	if len(tails) > 0 {
		return ways, paths, tails
	}
	for _, other := range p.Ends {
		if other.Reverse != end.Reverse {
			elsewhere = append(elsewhere, other.Node)
		}
	}
	return nil, nil, elsewhere[:min(len(elsewhere), 1)]
}

// conflict is what of another intent a headend would not tell from the selector. Routes
// know where packets go only. Where prefixes overlap, the longer has all of its packets,
// which is what the selectors say only if both are for the same sources.
func conflict(had []taken, intent string, s pathspec.Selector) *taken {
	for i := range had {
		t := &had[i]
		if t.intent != intent && t.To.Overlaps(s.To) && (t.To == s.To || t.From != s.From) {
			return t
		}
	}
	return nil
}

// candidates adds the candidate paths of a policy with these ways; the fence is the
// last. Nothing can be said of a policy whose endpoint is unknown.
func (in *Input) candidates(h *Headend, p *Policy, name srpolicy.NLRI, ways []pathspec.Path, paths []int, unknown string, closed bool) {
	first := len(h.Candidates)
	add := func(c Candidate, preference int, label string) {
		c.Intent, c.NLRI, c.Closed, c.Unknown = p.Intent, name, closed, cmp.Or(unknown, c.Unknown)
		c.Preference, c.Priority = ls.Some(uint32(preference)), ls.Some(priority(p.Priority))
		c.BindingSID = ls.Some(srpolicy.BindingSID{BindingSIDFlags: srpolicy.BindingSIDFlags{DropUponInvalid: true}})
		c.Name, c.PolicyName = label, p.Intent
		if c.Unknown == "" {
			c.Distinguisher, c.Octets = distinguish(h.Node, h.Candidates[first:], c.Tunnel)
		}
		h.Candidates = append(h.Candidates, c)
	}
	var shared Candidate // of all ways, in mode spread
	for n, way := range ways {
		c := Candidate{Paths: []int{paths[n]}, Ways: []pathspec.Path{way}}
		list, why := in.steer(way)
		if against := in.Against(p, way); against != "" {
			why = against
		}
		if c.Unknown = why; why == "" {
			c.SegmentLists = []srpolicy.SegmentList{segments(list)}
		}
		if p.Weights == nil {
			add(c, firstPreference-paths[n], PathName(p.Intent, paths[n]))
			continue
		}
		if why != "" {
			shared.Unknown = why
			continue // those that are known share the traffic meanwhile
		}
		c.SegmentLists[0].Weight = ls.Some(uint32(p.Weights[paths[n]]))
		shared.Paths, shared.Ways = append(shared.Paths, paths[n]), append(shared.Ways, way)
		shared.SegmentLists = append(shared.SegmentLists, c.SegmentLists...)
	}
	switch {
	case len(shared.Paths) > 0:
		shared.Unknown = ""
		add(shared, firstPreference, p.Intent)
	case p.Weights != nil && len(ways) > 0:
		shared.Paths, shared.Ways = paths, ways
		add(shared, firstPreference, p.Intent)
	}
	add(Candidate{}, fencePreference, p.Intent+"/fence")
}

// priority turns that of an intent, of which the greatest comes first, into that of
// a policy, of which the least does (RFC 9256 section 2.12).
func priority(intent int) uint8 { return uint8(min(max(128-intent, 0), 255)) }

// segments always states the weight, though 1 is what a list without one has: gobgp v4.8
// ends when it is asked to list a policy in which it is missing.
func segments(list []live.SID) srpolicy.SegmentList {
	out := srpolicy.SegmentList{Weight: ls.Some[uint32](1)}
	for _, s := range list {
		segment := srpolicy.Segment{SID: s.Addr}
		if structure, known := structured(s).Get(); known {
			segment.Endpoint = ls.Some(srpolicy.Endpoint{Behavior: s.Behavior, Structure: structure})
		}
		out.Segments = append(out.Segments, segment)
	}
	return out
}

// structured is how a SID is divided. In a locator that an operator declared for a node
// with an agent only the operator knows where the block ends, and a headend may judge by
// it.
func structured(s live.SID) ls.Opt[ls.SIDStructure] {
	if s.Structure == structure && !block.Contains(s.Addr) {
		return ls.Opt[ls.SIDStructure]{}
	}
	return s.Structure
}

// distinguish names a candidate path by its headend, so that a route reflector keeps
// those of several apart, and by what it says, apart from others of its policy.
func distinguish(node string, others []Candidate, t srpolicy.Tunnel) (uint32, string) {
	octets, err := srpolicy.AppendTunnel(nil, t)
	if err != nil {
		octets = []byte(err.Error()) // who sends it is told again
	}
	h := fnv.New32a()
	_, _ = h.Write(append([]byte(node+"\x00"), octets...))
	d := max(h.Sum32(), 1)
	for slices.ContainsFunc(others, func(o Candidate) bool { return o.Distinguisher == d }) {
		d = max(d+1, 1)
	}
	return d, string(octets)
}
