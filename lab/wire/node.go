package wire

import (
	"net/netip"

	"github.com/keiro-net/keiro/lab/netns"
)

// loopbackIndex is the interface index of lo in every network namespace.
const loopbackIndex = 1

// Attach puts addresses on the loopback of a node and on its cable ends, and
// brings the interfaces up.
func Attach(node *netns.Namespace, loopback []netip.Prefix, cables []Cable) error {
	s, err := dial(node)
	if err != nil {
		return err
	}
	defer s.close()
	requests := []request{setUp(loopbackIndex, true, "lo")}
	for _, p := range loopback {
		requests = append(requests, newAddr(loopbackIndex, p, "lo"))
	}
	for _, c := range cables {
		for e, end := range c.Ends {
			if end.Node.ID() != node.ID() {
				continue
			}
			for _, p := range end.Addresses {
				requests = append(requests, newAddr(inner(c.Number, e), p, end.Interface))
			}
			requests = append(requests, setUp(inner(c.Number, e), true, end.Interface))
		}
	}
	return s.do(requests)
}
