package lab

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/keiro-net/keiro/lab/netns"
)

// dump is the kernel state of a lab in text: links, addresses, routes and
// queueing of all its namespaces.
func dump(t *testing.T, l *Lab) string {
	t.Helper()
	var out strings.Builder
	d := rundir{path: runPath(l.Name())}
	paths, err := d.namespaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		ns, err := netns.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&out, path)
		err = ns.Do(func() error { return dumpHere(&out) })
		ns.Close()
		if err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}

func dumpHere(out *strings.Builder) error {
	links, err := netlink.LinkList()
	if err != nil {
		return err
	}
	for _, link := range links {
		a := link.Attrs()
		fmt.Fprintf(out, "link %d %s mtu %d mac %s flags %s %#x oper %s peer %d group %d\n",
			a.Index, a.Name, a.MTU, a.HardwareAddr, a.Flags, a.RawFlags, a.OperState, a.ParentIndex, a.Group)
		addrs, err := netlink.AddrList(link, netlink.FAMILY_ALL)
		if err != nil {
			return err
		}
		for _, a := range addrs {
			fmt.Fprintf(out, " addr %s flags %#x scope %d\n", a.IPNet, a.Flags, a.Scope)
		}
		qdiscs, err := netlink.QdiscList(link)
		if err != nil {
			return err
		}
		for _, q := range qdiscs {
			if tbf, ok := q.(*netlink.Tbf); ok {
				fmt.Fprintf(out, " tbf %s rate %d limit %d buffer %d\n", q.Attrs(), tbf.Rate, tbf.Limit, tbf.Buffer)
				continue
			}
			fmt.Fprintf(out, " qdisc %s %d %d\n", q.Type(), q.Attrs().Handle, q.Attrs().Parent)
		}
		for _, parent := range []uint32{netlink.HANDLE_MIN_INGRESS, netlink.HANDLE_MIN_EGRESS} {
			filters, err := netlink.FilterList(link, parent)
			if err != nil {
				return err
			}
			for _, f := range filters {
				fmt.Fprintf(out, " filter %s prio %d handle %d\n", f.Type(), f.Attrs().Priority, f.Attrs().Handle)
			}
		}
	}
	return dumpRoutes(out)
}

func dumpRoutes(out *strings.Builder) error {
	var lines []string
	for _, family := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
		routes, err := netlink.RouteListFiltered(family, &netlink.Route{Table: 0}, netlink.RT_FILTER_TABLE)
		if err != nil {
			return err
		}
		for _, r := range routes {
			lines = append(lines, fmt.Sprintf("route %s table %d type %d metric %d flags %d proto %d\n", r, r.Table, r.Type, r.Priority, r.Flags, r.Protocol))
		}
		rules, err := netlink.RuleList(family)
		if err != nil {
			return err
		}
		for _, r := range rules {
			lines = append(lines, fmt.Sprintf("rule %s\n", r))
		}
	}
	// A route that comes back goes to the end of its hash bucket or list.
	slices.Sort(lines)
	out.WriteString(strings.Join(lines, ""))
	return nil
}

// settled is the dump of a lab without cuts once the kernel's own work on it,
// such as link-local addresses, is over.
func settled(t *testing.T, l *Lab) string {
	t.Helper()
	var got string
	eventually(t, "every interface is up and has its link-local address", func() bool {
		got = dump(t, l)
		ports := 2 * len(l.plan.Links)
		return strings.Count(got, " oper up") == 2*ports && strings.Count(got, " addr fe80:") == ports
	})
	return got
}

// awaitDump waits until the kernel state is the given one.
func awaitDump(t *testing.T, l *Lab, want string) {
	t.Helper()
	var got string
	defer func() {
		if t.Failed() {
			t.Log(difference(want, got))
		}
	}()
	eventually(t, "the kernel state is as before", func() bool {
		got = dump(t, l)
		return got == want
	})
}

// difference lists the lines that only one of two dumps has.
func difference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	var out []string
	for _, line := range w {
		if !slices.Contains(g, line) {
			out = append(out, "- "+line)
		}
	}
	for _, line := range g {
		if !slices.Contains(w, line) {
			out = append(out, "+ "+line)
		}
	}
	return strings.Join(out, "\n")
}

// carrier tells whether an interface of a node is up and has carrier.
func carrier(t *testing.T, l *Lab, node, port string) bool {
	t.Helper()
	var up bool
	err := l.In(node, func() error {
		i, err := net.InterfaceByName(port)
		if err == nil {
			up = i.Flags&net.FlagRunning != 0
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return up
}

// indices are the index of an interface and that of its peer.
func indices(name string) (own, peer int, err error) {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return 0, 0, err
	}
	return link.Attrs().Index, link.Attrs().ParentIndex, nil
}

// receivedBytes counts what an interface took in.
func receivedBytes(name string) (uint64, error) {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return 0, err
	}
	return link.Attrs().Statistics.RxBytes, nil
}
