package world_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// kernel is the state of the kernel in every node, as text: interfaces,
// addresses, routes of all tables, rules, and the sysctls that Keiro sets.
// Counters, ages and neighbours are no state.
func (c *cloud) kernel() string {
	c.t.Helper()
	var out strings.Builder
	for _, name := range c.nodes {
		fmt.Fprintln(&out, name)
		c.must(c.Lab.In(name, func() error { return kernelHere(&out) }))
	}
	return out.String()
}

// returnsTo waits until the kernel state is the given one.
func (c *cloud) returnsTo(what, want string) {
	c.t.Helper()
	c.await(what, func() error {
		if got := c.kernel(); got != want {
			return fmt.Errorf("the kernel differs:\n%s", difference(want, got))
		}
		return nil
	})
}

// dumps are the netlink dumps that make the state: the answer's header is
// kept byte by byte up to size, then its attributes but for those left out.
var dumps = []struct {
	name    string
	request uint16
	family  int
	size    int
	leave   []uint16
}{
	{"addr", unix.RTM_GETADDR, unix.AF_UNSPEC, unix.SizeofIfAddrmsg, []uint16{unix.IFA_CACHEINFO}},
	{"route", unix.RTM_GETROUTE, unix.AF_INET, unix.SizeofRtMsg, []uint16{unix.RTA_CACHEINFO}},
	{"route6", unix.RTM_GETROUTE, unix.AF_INET6, unix.SizeofRtMsg, []uint16{unix.RTA_CACHEINFO}},
	{"rule", unix.RTM_GETRULE, unix.AF_INET, unix.SizeofRtMsg, nil},
	{"rule6", unix.RTM_GETRULE, unix.AF_INET6, unix.SizeofRtMsg, nil},
}

func kernelHere(out *strings.Builder) error {
	links, err := netlink.LinkList()
	if err != nil {
		return err
	}
	for _, link := range links {
		a := link.Attrs()
		fmt.Fprintf(out, "link %d %s mtu %d flags %#x %s\n", a.Index, a.Name, a.MTU, a.RawFlags, a.OperState)
	}
	for _, d := range dumps {
		lines, err := dump(d.name, d.request, d.family, d.size, d.leave)
		if err != nil {
			return fmt.Errorf("dump %s: %w", d.name, err)
		}
		// What comes back goes to the end of its list or bucket.
		slices.Sort(lines)
		out.WriteString(strings.Join(lines, ""))
	}
	return sysctls(out)
}

func dump(name string, request uint16, family, size int, leave []uint16) ([]string, error) {
	all, err := answers(request, family, size)
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, b := range all {
		if request == unix.RTM_GETROUTE && binary.NativeEndian.Uint32(b[8:])&unix.RTM_F_CLONED != 0 {
			continue // learned, such as a path MTU
		}
		var line strings.Builder
		fmt.Fprintf(&line, "%s %x", name, b[:size])
		if err := attributes(&line, b[size:], leave, request == unix.RTM_GETROUTE); err != nil {
			return nil, err
		}
		lines = append(lines, line.String()+"\n")
	}
	return lines, nil
}

// answers are the messages of a dump.
func answers(request uint16, family, size int) ([][]byte, error) {
	req := nl.NewNetlinkRequest(int(request), unix.NLM_F_DUMP)
	msg := make([]byte, size)
	msg[0] = byte(family)
	req.AddRawData(msg)
	return req.Execute(unix.NETLINK_ROUTE, 0)
}

// attributes writes attributes as number=hex. The encapsulation of a route is
// taken apart, as it holds the counters of a SID.
func attributes(line *strings.Builder, b []byte, leave []uint16, route bool) error {
	attrs, err := nl.ParseRouteAttr(b)
	if err != nil {
		return err
	}
	for _, a := range attrs {
		kind := a.Attr.Type &^ (unix.NLA_F_NESTED | unix.NLA_F_NET_BYTEORDER)
		switch {
		case slices.Contains(leave, kind):
		case route && kind == unix.RTA_ENCAP && encapType(attrs) == unix.LWTUNNEL_ENCAP_SEG6_LOCAL:
			const counters = 10 // SEG6_LOCAL_COUNTERS
			line.WriteString(" encap{")
			if err := attributes(line, a.Value, []uint16{counters}, false); err != nil {
				return err
			}
			line.WriteString(" }")
		default:
			fmt.Fprintf(line, " %d=%x", kind, a.Value)
		}
	}
	return nil
}

func encapType(attrs []syscall.NetlinkRouteAttr) uint16 {
	for _, a := range attrs {
		if a.Attr.Type == unix.RTA_ENCAP_TYPE && len(a.Value) >= 2 {
			return binary.NativeEndian.Uint16(a.Value)
		}
	}
	return 0
}

// sysctls writes those that Keiro sets, of all interfaces.
func sysctls(out *strings.Builder) error {
	for _, names := range [][]string{
		{"ipv4", "forwarding", "rp_filter", "ignore_routes_with_linkdown"},
		{"ipv6", "forwarding", "ignore_routes_with_linkdown", "keep_addr_on_down", "accept_dad", "disable_ipv6"},
	} {
		conf := filepath.Join("/proc/sys/net", names[0], "conf")
		devices, err := os.ReadDir(conf)
		if err != nil {
			return err
		}
		for _, dev := range devices {
			for _, name := range names[1:] {
				file := filepath.Join(conf, dev.Name(), name)
				value, err := os.ReadFile(file)
				if err != nil {
					return err
				}
				fmt.Fprintf(out, "sysctl %s %s", file, value)
			}
		}
	}
	return nil
}

// difference lists the lines that only one of two texts has, under the name
// of their node.
func difference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	return strings.Join(append(only("-", w, g), only("+", g, w)...), "\n")
}

func only(sign string, in, other []string) []string {
	seen := map[string]int{}
	node := ""
	at := func(line string) string {
		if line != "" && !strings.Contains(line, " ") {
			node = line
		}
		return node + ": " + line
	}
	for _, line := range other {
		seen[at(line)]++
	}
	var out []string
	for _, line := range in {
		if key := at(line); seen[key] > 0 {
			seen[key]--
		} else {
			out = append(out, sign+" "+key)
		}
	}
	return out
}
