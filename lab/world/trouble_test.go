package world_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/lab"
)

// Each of these does something to the network that nobody was to do, and
// returns how it is undone.

// broken is a link without carrier.
func (c *cloud) broken(link string) func() func() {
	target := lab.Target{Kind: lab.Link, Name: link}
	return func() func() {
		_, err := c.Lab.Cut(c.ctx, target)
		c.must(err)
		return func() {
			_, err := c.Lab.Restore(c.ctx, target)
			c.must(err)
		}
	}
}

// lossy is a link that loses a share of what one node sends into it, while its
// interfaces stay up.
func (c *cloud) lossy(link, from string, ppm int64) func() func() {
	return func() func() {
		c.must(c.Lab.Impair(c.ctx, link, lab.Impairment{Loss: ppm, From: from}))
		return func() { c.must(c.Lab.Impair(c.ctx, link, lab.Impairment{})) }
	}
}

// slow is a link that takes longer, in both directions.
func (c *cloud) slow(link string, by time.Duration) func() func() {
	return func() func() {
		d, err := c.Lab.Delay(c.ctx, link, by)
		c.must(err)
		return func() { c.must(d.Close()) }
	}
}

// routeless is a node without one of the routes into an intent's paths. It
// comes back by itself.
func (c *cloud) routeless(node string) func() func() {
	return func() func() {
		c.must(c.Lab.In(node, func() error {
			all, err := answers(unix.RTM_GETROUTE, unix.AF_INET, unix.SizeofRtMsg)
			for _, b := range all {
				if b[5] == nodecfg.RouteProtocol && b[7] == unix.RTN_UNICAST && attribute(b, unix.RTA_ENCAP_TYPE) != nil {
					return change(unix.RTM_DELROUTE, 0, b)
				}
			}
			return errors.Join(err, errors.New("no route into a path"))
		}))
		return func() {}
	}
}

// ruleless is a node without one of the rules that lead to an intent's paths. It
// comes back by itself.
func (c *cloud) ruleless(node string) func() func() {
	return func() func() {
		c.must(c.Lab.In(node, func() error {
			rules, err := netlink.RuleList(netlink.FAMILY_V4)
			for _, r := range rules {
				if r.Protocol == nodecfg.RouteProtocol && r.Priority < nodecfg.RulePrefBase+nodecfg.MaxPref {
					return netlink.RuleDel(&r)
				}
			}
			return errors.Join(err, errors.New("no rule of an intent"))
		}))
		return func() {}
	}
}

// astray is a node that sends what is to leave by one of its links, by a SID of
// that link, over another link.
func (c *cloud) astray(node, right, wrong string) func() func() {
	swap := func() (before []byte, err error) {
		all, err := answers(unix.RTM_GETROUTE, unix.AF_INET6, unix.SizeofRtMsg)
		var other []byte
		for _, b := range all {
			dev, err := device(attribute(b, unix.RTA_OIF))
			switch {
			case err != nil || !isEndX(b):
			case dev == right:
				before = b
			case dev == wrong:
				other = b
			}
		}
		if err != nil || before == nil || other == nil {
			return nil, errors.Join(err, fmt.Errorf("no End.X over %s or over %s", right, wrong))
		}
		return before, change(unix.RTM_NEWROUTE, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, directed(before, other))
	}
	return func() func() {
		var before []byte
		c.must(c.Lab.In(node, func() (err error) {
			before, err = swap()
			return err
		}))
		return func() {
			c.must(c.Lab.In(node, func() error { return change(unix.RTM_NEWROUTE, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, before) }))
		}
	}
}

// device is the name of the interface with the index in an attribute.
func device(index []byte) (string, error) {
	if len(index) != 4 {
		return "", errors.New("no interface")
	}
	link, err := netlink.LinkByIndex(int(binary.NativeEndian.Uint32(index)))
	if err != nil {
		return "", err
	}
	return link.Attrs().Name, nil
}

// isEndX tells of a route whether it is an End.X SID.
func isEndX(route []byte) bool {
	const action, endX = 1, 2 // SEG6_LOCAL_ACTION, SEG6_LOCAL_ACTION_END_X
	attrs, err := nl.ParseRouteAttr(attribute(route, unix.RTA_ENCAP))
	for _, a := range attrs {
		if a.Attr.Type == action && len(a.Value) >= 4 {
			return err == nil && binary.NativeEndian.Uint32(a.Value) == endX
		}
	}
	return false
}

// directed is a route with the interface and the encapsulation of another.
func directed(route, other []byte) []byte {
	out := append([]byte(nil), route[:unix.SizeofRtMsg]...)
	attrs, _ := nl.ParseRouteAttr(route[unix.SizeofRtMsg:]) // it came from the kernel
	for _, a := range attrs {
		value := a.Value
		switch kind := a.Attr.Type &^ unix.NLA_F_NESTED; kind {
		case unix.RTA_OIF, unix.RTA_ENCAP:
			value = attribute(other, kind)
		}
		out = append(out, nl.NewRtAttr(int(a.Attr.Type), value).Serialize()...)
	}
	return out
}

// attribute is the value of one attribute of a route; nil: it has none.
func attribute(route []byte, kind uint16) []byte {
	attrs, _ := nl.ParseRouteAttr(route[unix.SizeofRtMsg:]) // it came from the kernel
	for _, a := range attrs {
		if a.Attr.Type&^unix.NLA_F_NESTED == kind {
			return a.Value
		}
	}
	return nil
}

// change sends a route to the kernel.
func change(command, flags int, route []byte) error {
	req := nl.NewNetlinkRequest(command, flags|unix.NLM_F_ACK)
	req.AddRawData(route)
	_, err := req.Execute(unix.NETLINK_ROUTE, 0)
	return err
}

// agentless is a node whose agent has died.
func (c *cloud) agentless(node string) func() func() {
	return func() func() {
		c.must(c.KillAgent(node))
		return func() { c.must(c.StartAgent(c.ctx, node, "")) }
	}
}
