package world_test

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/controller/api/resource"
)

// What hands change in a node is put back.
func TestTamper(t *testing.T) {
	c := demo(t)
	kernel := c.kernel()
	for name, tamper := range map[string]func() error{
		"routes of Keiro flushed": func() error {
			return errors.Join(flush(unix.AF_INET), flush(unix.AF_INET6))
		},
		"rules deleted": func() error {
			rules, err := netlink.RuleList(netlink.FAMILY_ALL)
			for _, r := range rules {
				if r.Protocol == nodecfg.RouteProtocol {
					if r.Dst != nil && r.Dst.IP.To4() == nil {
						r.Family = unix.AF_INET6
					}
					err = errors.Join(err, netlink.RuleDel(&r))
				}
			}
			return err
		},
		"addresses deleted": func() error {
			link, err := netlink.LinkByName("eth1")
			if err != nil {
				return err
			}
			addrs, err := netlink.AddrList(link, unix.AF_INET6)
			for _, a := range addrs {
				if a.IP.IsGlobalUnicast() {
					err = errors.Join(err, netlink.AddrDel(link, &a))
				}
			}
			return err
		},
		"a sysctl changed": func() error {
			return os.WriteFile("/proc/sys/net/ipv6/conf/all/forwarding", []byte("0"), 0)
		},
	} {
		for _, node := range []string{"tyo1", "nag1", "hkt1"} {
			c.must(c.Lab.In(node, tamper))
			c.returnsTo(fmt.Sprintf("%s in %s to be put back", name, node), kernel)
		}
	}
	c.settled()
	c.lossless("after all", all, func() {})
}

// An interface that is set down by hand is a link that is down, until it is
// set up again: then all that Linux dropped with it is put back.
func TestInterfaceDown(t *testing.T) {
	c := demo(t)
	kernel := c.kernel()
	set := func(change func(netlink.Link) error) {
		c.must(c.Lab.In("nag1", func() error {
			link, err := netlink.LinkByName("eth1")
			if err != nil {
				return err
			}
			return change(link)
		}))
	}
	set(netlink.LinkSetDown)
	c.await("the controller to see it", func() error {
		links, err := c.Client.Links(c.ctx)
		for _, l := range links {
			if l.Name == "tyo1--nag1" && l.State != resource.LinkDown {
				return fmt.Errorf("link %s is %s", l.Name, l.State)
			}
		}
		return err
	})
	s := c.stream(gold, 0)
	c.flows(s, 100)
	set(netlink.LinkSetUp)
	c.returnsTo("the kernel state to be as before", kernel)
	c.settled()
	c.flows(s, 100)
	s.Stop()
}

// flush deletes the routes with Keiro's mark, each by what the kernel itself
// said of it: the library does not know all that is in them.
func flush(family int) error {
	routes, err := answers(unix.RTM_GETROUTE, family, unix.SizeofRtMsg)
	for _, b := range routes {
		if b[5] != nodecfg.RouteProtocol {
			continue
		}
		err = errors.Join(err, change(unix.RTM_DELROUTE, 0, b))
	}
	return err
}
