// Package clab reads stock containerlab topology files (.clab.yml, version
// 0.79) and turns them into a Keiro topology. It is pure: the environment
// comes in as an argument. It runs nothing; the lab does.
package clab

import (
	"net/netip"

	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/strictyaml"
)

// File is a containerlab file with templates, substitution and inheritance
// resolved: what each node and link finally is.
type File struct {
	Name   string
	Prefix string // of container names; "clab" where the file says nothing
	Nodes  []Node // sorted by name
	Links  []Link // file order

	doc *strictyaml.Document // where it was read; nil where it was made
}

// Node is one node with defaults, kind and group merged into it.
type Node struct {
	Name    string
	Kind    string
	Image   string
	Cmd     string
	Labels  map[string]string
	Env     map[string]string
	Exec    []string
	Binds   []string
	Sysctls map[string]string
	// Ignored lists keys that are valid in containerlab and have no meaning
	// without a container, such as `ports`; the lab says so once.
	Ignored []string
}

// Link joins two interfaces.
type Link struct {
	A, B   Endpoint
	MTU    int // 0: containerlab's default for node links
	Labels map[string]string
	Traits Traits
	Line   int

	path string // in the document
}

// Endpoint is one end of a link.
type Endpoint struct {
	Node      string
	Interface string
	MAC       string
	IPv4      netip.Prefix
	IPv6      netip.Prefix
}

// Traits are the characteristics that ride in the `vars` of a link.
type Traits struct {
	Capacity topology.Attr[topology.Bandwidth]
	Delay    topology.Attr[topology.Delay]
	SRLGs    topology.Attr[[]string]
	Operator string
	Metric   int64 // 0: not given
	QKD      bool
	Name     string // name of the Keiro link; Parse gives every link one, a--b where the file does not
}
