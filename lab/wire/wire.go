// Package wire is the cabling of a lab: what lies between the nodes. All of it
// sits in one network namespace. A cable is two veth pairs: each node holds
// the inner end of one, and the outer ends, the wire ends, are joined inside
// the wire namespace. So a cable can be cut (both wire ends down: both nodes
// lose carrier, as with a real one), slowed down and made lossy without a
// trace in any node. The package keeps no state. Its caller is lab.
package wire

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/lab/netns"
)

// Wire is the open cabling of one lab. It is not for concurrent use.
type Wire struct{ socket *socket }

// Cable is one link as it is to be made. Its number tells it from all others
// of the lab and names its interfaces.
type Cable struct {
	Number int
	MTU    int // bytes
	Ends   [2]End
}

// End is the plug of a cable in a node.
type End struct {
	Node      *netns.Namespace
	Interface string
	MAC       net.HardwareAddr // nil: the kernel chooses
	Addresses []netip.Prefix
}

// Open opens the cabling in the namespace ns.
func Open(ns *netns.Namespace) (*Wire, error) {
	s, err := dial(ns)
	if err != nil {
		return nil, err
	}
	return &Wire{socket: s}, nil
}

// Close lets go of the cabling; it stays in place.
func (w *Wire) Close() { w.socket.close() }

// outer and inner are the interface indices of an end, 0 or 1, of a cable.
//
// They are chosen here, four to a cable, so that no interface has the index of
// its veth peer. The kernel takes an interface whose index equals its iflink
// for one that stands on its own, and then may delay the news of a lost
// carrier by up to a second (linkwatch_urgent_event in net/core/link_watch.c);
// indices that two namespaces hand out by themselves often are equal.
func outer(number, end int) int { return 4*number + 2*end + 2 }
func inner(number, end int) int { return 4*number + 2*end + 3 }

// Plug makes cables and leaves their wire ends down: the nodes see interfaces
// without carrier.
func (w *Wire) Plug(cables []Cable) error {
	var plug, join []request
	for _, c := range cables {
		for e, end := range c.Ends {
			plug = append(plug, newVeth(
				port{index: outer(c.Number, e), name: fmt.Sprintf("cable%d%c", c.Number, 'a'+e), mtu: c.MTU},
				port{index: inner(c.Number, e), name: end.Interface, mtu: c.MTU, mac: end.MAC},
				end.Node.FD()))
			join = append(join, newClsact(outer(c.Number, e)), newRedirect(outer(c.Number, e), outer(c.Number, 1-e)))
		}
	}
	if err := w.socket.do(plug); err != nil {
		return err
	}
	return w.socket.do(join)
}

// Cut takes all wire ends of the numbered cables down, all in one request to
// the kernel.
func (w *Wire) Cut(numbers []int) error { return w.set(numbers, false) }

// Mend brings them up.
func (w *Wire) Mend(numbers []int) error { return w.set(numbers, true) }

func (w *Wire) set(numbers []int, up bool) error {
	var requests []request
	for _, n := range numbers {
		for e := range 2 {
			requests = append(requests, setUp(outer(n, e), up, fmt.Sprintf("wire end %d%c", n, 'a'+e)))
		}
	}
	return w.socket.do(requests)
}

// Limit limits the rate of a cable in both directions, in bits per second;
// 0 lifts the limit.
func (w *Wire) Limit(number int, bps int64, mtu int) error {
	var requests []request
	for e := range 2 {
		if bps > 0 {
			requests = append(requests, newRate(outer(number, e), bps, mtu))
		} else {
			requests = append(requests, delRate(outer(number, e)))
		}
	}
	return w.socket.do(requests)
}

// Lose makes a cable lose packets at random, in parts per million of those that
// come in at each of its ends; 0 loses none. What the kernel carries as one
// packet, a GSO burst for example, is lost as one.
func (w *Wire) Lose(number int, ppm [2]int64) error {
	var requests []request
	for e, share := range ppm {
		r := delLoss(outer(number, e))
		if share > 0 {
			r = newLoss(outer(number, e), share)
		}
		requests = append(requests, r)
	}
	return w.socket.do(requests)
}

// Up returns the numbers of the cables that have both wire ends up.
func (w *Wire) Up() (map[int]bool, error) {
	r := newRequest(unix.RTM_GETLINK, 0, "list the wire ends")
	r.AddData(nl.NewIfInfomsg(unix.AF_UNSPEC))
	links, err := w.socket.dump(r)
	if err != nil {
		return nil, err
	}
	down := map[int]bool{}
	seen := map[int]bool{}
	for _, body := range links {
		index := int(binary.NativeEndian.Uint32(body[4:]))
		number := (index - 2) / 4
		if index < 2 {
			continue // lo
		}
		seen[number] = true
		if binary.NativeEndian.Uint32(body[8:])&unix.IFF_UP == 0 {
			down[number] = true
		}
	}
	for number := range down {
		delete(seen, number)
	}
	return seen, nil
}

// Unplug removes all cables, whoever still holds the namespaces of the nodes.
func (w *Wire) Unplug() error { return w.socket.do([]request{delGroup()}) }
