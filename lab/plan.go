package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/keiro-net/keiro/lab/words"
	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/clab"
)

// defaultMTU is what containerlab gives a link between two nodes, in bytes.
const defaultMTU = 9500

// plan is what a clab file asks the lab to be, and all the lab keeps of it.
// Equal files make equal plans.
type plan struct {
	Name  string     `json:"name"`
	Nodes []nodePlan `json:"nodes"` // sorted by name
	Links []linkPlan `json:"links"` // file order: the index is the number of the cable
	Notes []string   `json:"notes"` // what the file asks for and the lab does not do
}

type nodePlan struct {
	Name     string            `json:"name"`
	Netns    string            `json:"netns"` // as `ip netns` shows it
	Loopback []netip.Prefix    `json:"loopback"`
	Sysctls  map[string]string `json:"sysctls"`
	Env      map[string]string `json:"env"`
	Exec     [][]string        `json:"exec"`
	Binds    []bind            `json:"binds"`
}

type linkPlan struct {
	Name     string     `json:"name"`
	Ends     [2]endPlan `json:"ends"`
	MTU      int        `json:"mtu_bytes"`
	Capacity int64      `json:"capacity_bps"` // 0: not limited
	SRLGs    []string   `json:"srlgs"`
}

type endPlan struct {
	Node      string           `json:"node"`
	Interface string           `json:"interface"`
	MAC       net.HardwareAddr `json:"mac"`
	Addresses []netip.Prefix   `json:"addresses"`
}

// newPlan turns a clab file into a plan, or says all that the lab cannot do.
// Relative names in binds start at dir.
func newPlan(file *clab.File, dir string) (*plan, error) {
	p := &plan{Name: file.Name}
	var errs []error
	if err := topology.CheckName(file.Name); err != nil {
		errs = append(errs, err)
	}
	delays, ignored := 0, map[string][]string{}
	for _, n := range file.Nodes {
		node, err := planNode(file, n, dir)
		errs = append(errs, err)
		p.Nodes = append(p.Nodes, node)
		for _, key := range n.Ignored {
			ignored[key] = append(ignored[key], n.Name)
		}
		if n.Cmd != "" {
			ignored["cmd"] = append(ignored["cmd"], n.Name)
		}
	}
	names := linkNames(file)
	used := map[string]bool{}
	for i, l := range file.Links {
		link, err := p.planLink(names[i], l)
		if err != nil {
			errs = append(errs, fmt.Errorf("line %d: links: %w", l.Line, err))
		}
		for _, e := range link.Ends {
			if port := e.Node + ":" + e.Interface; used[port] {
				errs = append(errs, fmt.Errorf("line %d: links: %s has two links", l.Line, port))
			} else {
				used[port] = true
			}
		}
		if l.Traits.Delay.Known() {
			delays++
		}
		p.Links = append(p.Links, link)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("lab %s:\n%w", file.Name, err)
	}
	if delays > 0 {
		p.Notes = append(p.Notes, fmt.Sprintf("the delay of %d links is not emulated: packets take what this machine takes", delays))
	}
	for key, nodes := range ignored {
		p.Notes = append(p.Notes, fmt.Sprintf("%s has no meaning without a container and is ignored (%s)", key, strings.Join(nodes, ", ")))
	}
	slices.Sort(p.Notes)
	return p, nil
}

func planNode(file *clab.File, n clab.Node, dir string) (nodePlan, error) {
	node := nodePlan{Name: n.Name, Netns: netnsName(file, n.Name), Sysctls: n.Sysctls, Env: n.Env}
	var errs []error
	fail := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("nodes.%s: "+format, append([]any{n.Name}, args...)...))
	}
	if err := topology.CheckName(n.Name); err != nil {
		fail("%w", err)
	}
	if n.Kind != "linux" {
		fail("kind %q cannot run here: a lab node is a plain network namespace, so the kind must be linux", n.Kind)
	}
	for _, word := range strings.Fields(n.Labels["loopback"]) {
		prefix, err := parseAddress(word)
		if err != nil {
			fail("labels.loopback: %w", err)
			continue
		}
		node.Loopback = append(node.Loopback, prefix)
	}
	for key := range n.Sysctls {
		if _, err := sysctlPath(key); err != nil {
			fail("sysctls: %w", err)
		}
	}
	for _, command := range n.Exec {
		argv, err := words.Split(command)
		if err != nil {
			fail("exec %q: %w", command, err)
			continue
		}
		node.Exec = append(node.Exec, argv)
	}
	for _, text := range n.Binds {
		b, err := parseBind(text, dir)
		if err != nil {
			fail("binds: %w", err)
			continue
		}
		node.Binds = append(node.Binds, b)
	}
	return node, errors.Join(errs...)
}

func (p *plan) planLink(name string, l clab.Link) (linkPlan, error) {
	link := linkPlan{Name: name, MTU: l.MTU}
	if p.link(name) >= 0 {
		return link, fmt.Errorf("link %s stands twice", name)
	}
	if link.MTU == 0 {
		link.MTU = defaultMTU
	}
	// 1280 is the least that IPv6 runs on (RFC 8200 section 5); the kernel's
	// veth takes up to 65535.
	if link.MTU < 1280 || link.MTU > 65535 {
		return link, fmt.Errorf("mtu %d: want 1280 to 65535", link.MTU)
	}
	for i, e := range [2]clab.Endpoint{l.A, l.B} {
		end := endPlan{Node: e.Node, Interface: e.Interface}
		if p.node(e.Node) < 0 {
			return link, fmt.Errorf("endpoint %s:%s: there is no node %q", e.Node, e.Interface, e.Node)
		}
		if err := topology.CheckInterface(e.Interface); err != nil || e.Interface == "lo" {
			return link, fmt.Errorf("endpoint %s:%s: bad interface name %q", e.Node, e.Interface, e.Interface)
		}
		if e.MAC != "" {
			mac, err := net.ParseMAC(e.MAC)
			if err != nil || len(mac) != 6 || mac[0]&1 != 0 {
				return link, fmt.Errorf("endpoint %s:%s: bad MAC address %q: want six bytes, not multicast", e.Node, e.Interface, e.MAC)
			}
			end.MAC = mac
		}
		for _, prefix := range []netip.Prefix{e.IPv4, e.IPv6} {
			if prefix.IsValid() {
				end.Addresses = append(end.Addresses, prefix)
			}
		}
		link.Ends[i] = end
	}
	if capacity, known := l.Traits.Capacity.Get(); known {
		link.Capacity = int64(capacity)
	}
	link.SRLGs, _ = l.Traits.SRLGs.Get()
	return link, nil
}

// linkNames are the names that the topology made of the same file has.
func linkNames(file *clab.File) []string {
	given, ends := make([]string, len(file.Links)), make([][2]string, len(file.Links))
	for i, l := range file.Links {
		given[i], ends[i] = l.Traits.Name, [2]string{l.A.Node, l.B.Node}
	}
	return topology.LinkNames(given, ends)
}

func (p *plan) node(name string) int {
	return slices.IndexFunc(p.Nodes, func(n nodePlan) bool { return n.Name == name })
}

func (p *plan) link(name string) int {
	return slices.IndexFunc(p.Links, func(l linkPlan) bool { return l.Name == name })
}

// netnsName is the name that containerlab gives a node's container, and with
// it the namespace: an empty prefix and __lab-name have a meaning of their own.
func netnsName(file *clab.File, node string) string {
	switch file.Prefix {
	case "":
		return node
	case "__lab-name":
		return file.Name + "-" + node
	}
	return file.Prefix + "-" + file.Name + "-" + node
}

func (p *plan) wireName() string { return "keiro-" + p.Name + "-wire" }

// parseAddress reads an address with or without a prefix length.
func parseAddress(s string) (netip.Prefix, error) {
	if !strings.Contains(s, "/") {
		addr, err := netip.ParseAddr(s)
		if err != nil || addr.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("bad address %q: want one such as 10.1.0.1/16 or 2001:db8::1", s)
		}
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("bad address %q: want one such as 10.1.0.1/16 or 2001:db8::1", s)
	}
	return prefix, nil
}

// bind is a directory or file of the machine seen at another place, or at
// the same, by the processes of a node.
type bind struct {
	Source   string `json:"source"`
	Target   string `json:"target"`
	ReadOnly bool   `json:"read_only"`
}

// parseBind reads source:target[:options] of docker. As in containerlab the
// source may be relative to the file's directory or to ~.
func parseBind(s, dir string) (bind, error) {
	parts := strings.Split(s, ":")
	if len(parts) < 2 || len(parts) > 3 || parts[0] == "" || !filepath.IsAbs(parts[1]) {
		return bind{}, fmt.Errorf("bad bind %q: want SOURCE:TARGET or SOURCE:TARGET:ro, the target absolute", s)
	}
	source := parts[0]
	if rest, ok := strings.CutPrefix(source, "~/"); ok {
		home, err := os.UserHomeDir()
		if err != nil {
			return bind{}, fmt.Errorf("bind %q: %w", s, err)
		}
		source = filepath.Join(home, rest)
	}
	if !filepath.IsAbs(source) {
		source = filepath.Join(dir, source)
	}
	b := bind{Source: filepath.Clean(source), Target: filepath.Clean(parts[1])}
	if b.Target == "/" {
		return bind{}, fmt.Errorf("bad bind %q: the target would hide the whole machine", s)
	}
	if len(parts) == 3 {
		b.ReadOnly = slices.Contains(strings.Split(parts[2], ","), "ro")
	}
	return b, nil
}
