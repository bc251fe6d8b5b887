package clab

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/strictyaml"
)

var macAddress = regexp.MustCompile(`^([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}$`)

func (r *reader) link(v strictyaml.Value) {
	var head struct {
		Type strictyaml.Value `json:"type"`
	}
	_ = v.Decode(&head) // the other keys are those of the type
	kind := ""
	if head.Type.Present() {
		r.Decode(head.Type, &kind)
	}
	switch kind = strings.ToLower(strings.TrimSpace(kind)); kind {
	case "", "brief":
		r.brief(v)
	case "veth", "veth-stitch":
		var doc vethDoc
		r.Decode(v, &doc)
		if doc.Endpoints != nil && len(doc.Endpoints) != 2 {
			r.Fail(v.Path()+".endpoints", "want two endpoints, found %d", len(doc.Endpoints))
		} else if doc.Endpoints != nil {
			r.veth(v, [2]endpointDoc(doc.Endpoints), &doc.linkDoc)
		}
	case "host", "mgmt-net", "macvlan", "vxlan", "vxlan-stitch", "dummy":
		var doc leavingDoc
		r.Decode(v, &doc)
		r.port(v.Path()+".endpoint.interface", &doc.Endpoint)
		r.cannotRun(v.Path()+".type", "a %s link needs containerlab: only links between two nodes run without it", kind)
	default:
		r.Fail(v.Path()+".type", "unknown type %.80q: want veth, veth-stitch, host, mgmt-net, macvlan, vxlan, vxlan-stitch or dummy", kind)
	}
}

// brief reads a link of the form `endpoints: ["a:eth1", "b:eth1"]`.
func (r *reader) brief(v strictyaml.Value) {
	var doc briefDoc
	r.Decode(v, &doc)
	if doc.Endpoints == nil {
		return
	}
	if len(doc.Endpoints) != 2 {
		r.Fail(v.Path()+".endpoints", "want two endpoints, found %d", len(doc.Endpoints))
		return
	}
	var ends [2]endpointDoc
	for i, text := range doc.Endpoints {
		at := strictyaml.Index(v.Path()+".endpoints", i)
		node, port, ok := strings.Cut(text, ":")
		if !ok {
			r.Fail(at, "bad endpoint %.80q: want node:interface", text)
			return
		}
		if special := strings.ToLower(node); special == "host" || special == "mgmt-net" || special == "macvlan" {
			r.cannotRun(at, "a link to %s needs containerlab: only links between two nodes run without it", special)
			return
		}
		ends[i] = endpointDoc{Node: node, Interface: port}
	}
	r.veth(v, ends, &doc.linkDoc)
}

func (r *reader) veth(v strictyaml.Value, ends [2]endpointDoc, doc *linkDoc) {
	at := v.Path()
	l := Link{Labels: doc.Labels, Line: v.Line(), path: at}
	if doc.MTU != nil {
		if l.MTU = *doc.MTU; l.MTU < 1 || l.MTU > 65535 {
			r.Fail(at+".mtu", "bad mtu %d: want 1 to 65535", l.MTU)
		}
	}
	l.A, l.B = r.endpoint(at, 0, &ends[0], doc), r.endpoint(at, 1, &ends[1], doc)
	for _, family := range []struct {
		key  string
		list []string
	}{{"ipv4", doc.IPv4}, {"ipv6", doc.IPv6}} {
		if len(family.list) > 2 {
			r.Fail(at+"."+family.key, "want at most two addresses, one for each endpoint, found %d", len(family.list))
		}
	}
	l.Traits = r.traits(doc.Vars)
	r.file.Links = append(r.file.Links, l)
}

func (r *reader) endpoint(link string, i int, doc *endpointDoc, common *linkDoc) Endpoint {
	at := strictyaml.Index(link+".endpoints", i)
	if _, ok := r.doc.Topology.Nodes[doc.Node]; !ok {
		r.Fail(at+".node", "no such node %.80q", doc.Node)
	}
	r.port(at+".interface", doc)
	if doc.MAC != "" && !macAddress.MatchString(doc.MAC) {
		r.Fail(at+".mac", "bad MAC address %.80q: want one such as 02:00:00:00:00:01", doc.MAC)
	}
	e := Endpoint{Node: doc.Node, Interface: doc.Interface, MAC: doc.MAC}
	for _, family := range []struct {
		key, own string
		common   []string
		into     *netip.Prefix
		is       func(netip.Addr) bool
	}{
		{"ipv4", doc.IPv4, common.IPv4, &e.IPv4, netip.Addr.Is4},
		{"ipv6", doc.IPv6, common.IPv6, &e.IPv6, netip.Addr.Is6},
	} {
		text, path := family.own, at+"."+family.key
		if text == "" && i < len(family.common) {
			text, path = strings.TrimSpace(family.common[i]), strictyaml.Index(link+"."+family.key, i)
		}
		if text == "" {
			continue
		}
		prefix, err := netip.ParsePrefix(text)
		if err != nil || !family.is(prefix.Addr()) {
			r.Fail(path, "bad %s address %.80q: want one with its prefix length", family.key, text)
			continue
		}
		*family.into = prefix
	}
	return e
}

// port checks the interface of an endpoint. Only linux nodes take the names of
// the kernel; what others make of theirs is their own affair.
func (r *reader) port(path string, doc *endpointDoc) {
	if doc.Interface == "" && doc.Node == "" {
		return // said already
	}
	n, found := slices.BinarySearchFunc(r.file.Nodes, doc.Node, func(n Node, name string) int { return strings.Compare(n.Name, name) })
	if found && r.file.Nodes[n].Kind == "linux" {
		r.Check(path, topology.CheckInterface(doc.Interface))
		switch doc.Interface {
		case "lo":
			r.Fail(path, "lo is the loopback interface of the node")
		case "eth0":
			r.Fail(path, "eth0 is the management interface: links begin with eth1")
		}
	}
	port := doc.Node + ":" + doc.Interface
	if first, twice := r.ports[port]; twice {
		r.Fail(path, "interface %.80s stands twice: first on line %d", port, r.Line(first))
		return
	}
	r.ports[port] = path
}

// traits reads what is ours of the `vars` of a link. The rest is free for
// others.
func (r *reader) traits(vars map[string]strictyaml.Value) Traits {
	var t Traits
	read := func(key string, into any, check func() error) bool {
		v, ok := vars[key]
		switch {
		case !ok:
			return false
		case v.IsNull():
			r.Fail(v.Path(), "no value: give one or leave the key out")
			return false
		}
		before := len(r.Errors)
		r.Decode(v, into)
		if len(r.Errors) == before && check != nil {
			r.Check(v.Path(), check())
		}
		return len(r.Errors) == before
	}
	var capacity topology.Bandwidth
	if read("capacity", &capacity, func() error { return topology.CheckBandwidth(capacity) }) {
		t.Capacity = topology.Declare(capacity)
	}
	var delay topology.Delay
	if read("delay", &delay, func() error { return topology.CheckDelay(delay) }) {
		t.Delay = topology.Declare(delay)
	}
	var srlgs []string
	if read("srlgs", &srlgs, nil) {
		t.SRLGs = topology.Declare(srlgs)
		have := map[string]bool{}
		for i, group := range srlgs {
			path := strictyaml.Index(vars["srlgs"].Path(), i)
			r.Check(path, topology.CheckName(group))
			if have[group] {
				r.Fail(path, "%.80s stands twice in the list", group)
			}
			have[group] = true
		}
	}
	read("operator", &t.Operator, func() error { return topology.CheckName(t.Operator) })
	read("metric", &t.Metric, func() error { return topology.CheckMetric(t.Metric) })
	read("qkd", &t.QKD, nil)
	read("name", &t.Name, func() error { return topology.CheckLinkName(t.Name) })
	return t
}
