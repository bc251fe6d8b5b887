package probe

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// inquiry is what a trace asked about one path and what it was told. It does
// no I/O.
type inquiry struct {
	// answers[i] is to the packet with hop limit i; answers[0] to the one
	// that goes all the way and back.
	answers []answer
	trouble error // with sending the last packet
}

// answer is who ended the way of a packet, and how.
type answer struct {
	known bool
	home  bool // it came home; there is no error
	from  netip.Addr
	err   icmpError
	rtt   time.Duration
}

func newInquiry(links int) *inquiry {
	return &inquiry{answers: make([]answer, max(links, 0)+1)}
}

// take keeps the first answer to a question, and of a packet that only
// counted hops no homecoming.
func (q *inquiry) take(hops int, a answer) {
	if !q.answers[hops].known && (hops == 0 || !a.home) {
		q.answers[hops] = a
	}
}

// settled says that nothing is to be learned from another packet with this
// hop limit: it was answered, or a node before that one refuses all.
func (q *inquiry) settled(hops int) bool {
	if q.answers[hops].known {
		return true
	}
	before := q.answers[1:]
	if hops > 0 {
		before = q.answers[1:hops]
	}
	return slices.ContainsFunc(before, answer.refused)
}

// open says whether some question is not settled.
func (q *inquiry) open() bool {
	for hops := range q.answers {
		if !q.settled(hops) {
			return true
		}
	}
	return false
}

// result says what the packets of the path saw.
//
// A node that refuses packets does so at every hop limit that reaches it. It
// is shown at the first, where it stands; behind it nothing was seen.
func (q *inquiry) result(path *nodecfg.Path, names names) nodecfg.TracePath {
	out := nodecfg.TracePath{Name: path.Name, Hops: []nodecfg.TraceHop{}}
	seen := map[netip.Addr]bool{}
	far := "none"
	var wrong, refused string
	for i := 1; i < len(q.answers); i++ {
		a := q.answers[i]
		hop := nodecfg.TraceHop{Want: path.Hops[i]}
		if a.known && (a.err.passed() || !seen[a.from]) {
			seen[a.from] = true
			hop.Addr, hop.Seen, hop.RTTUS = a.from.String(), names.of(a.from), microseconds(a.rtt)
			far = fmt.Sprintf("%s (%s)", cmp.Or(hop.Seen, "unknown node"), hop.Addr)
			if wrong == "" && hop.Seen != "" && hop.Seen != hop.Want {
				wrong = fmt.Sprintf("hop %d should be %s and is %s", i, hop.Want, far)
			}
		}
		refused = cmp.Or(refused, a.refusal(names))
		out.Hops = append(out.Hops, hop)
	}
	whole := q.answers[0]
	refused = cmp.Or(refused, whole.refusal(names))
	switch {
	case q.trouble != nil:
		out.Error = q.trouble.Error()
	case refused != "":
		out.Error = refused
	case wrong != "":
		out.Error = wrong
	case !whole.known:
		out.Error = "no packet came all the way there and back; the last node that answered: " + far
	}
	if whole.home {
		out.RTTUS = microseconds(whole.rtt)
	}
	return out
}

// refused says that a node would not carry the packet.
func (a answer) refused() bool { return a.known && !a.home && !a.err.passed() }

// refusal says so to people, or is "".
func (a answer) refusal(names names) string {
	if !a.refused() {
		return ""
	}
	return fmt.Sprintf("%s (%v) answers: %v", cmp.Or(names.of(a.from), "unknown node"), a.from, a.err)
}

// names tell nodes by the locators and addresses that a Config mentions.
type names map[netip.Prefix]string

func namesOf(cfg *nodecfg.Config) names {
	n := names{cfg.Locator: cfg.Node}
	for _, l := range cfg.Links {
		n[l.PeerLocator] = l.Peer
		if l.PeerAddress.IsValid() {
			n[netip.PrefixFrom(l.PeerAddress, l.PeerAddress.BitLen())] = l.Peer
		}
	}
	for _, policy := range cfg.Policies {
		for _, path := range policy.Paths {
			for i, locator := range path.Locators {
				if i < len(path.Hops) {
					n[locator] = path.Hops[i]
				}
			}
		}
	}
	return n
}

// of is the node that the address belongs to, the narrowest prefix saying so;
// "" when nobody says.
func (n names) of(addr netip.Addr) string {
	at, found := -1, ""
	for prefix, name := range n {
		if prefix.Contains(addr) && prefix.Bits() > at {
			at, found = prefix.Bits(), name
		}
	}
	return found
}

// microseconds are never 0 for a time that was measured.
func microseconds(d time.Duration) int64 { return max(d.Microseconds(), 1) }
