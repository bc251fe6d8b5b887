// Package kmes is the QKD network of a lab: a KME (lab/kme) in every node with
// a link on which a QKD system runs, reached on the node's own 127.0.0.1 with
// mutual TLS, as in a site, and the files with which an agent there reaches it
// (`keiro-agent --kme`). It knows nothing of agents. lab/world and `keiro lab`
// call it.
package kmes

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/keiro-net/keiro/lab"
	"github.com/keiro-net/keiro/lab/kme"
	"github.com/keiro-net/keiro/topology/clab"
)

// Options of Start. A zero stands for the default.
type Options struct {
	Rate     int64 // bits of key that a link makes in a second; 10,000
	Capacity int64 // bits that each end of a link stores; 10,000,000
	Stored   int64 // bits there in the beginning; a tenth of Capacity
	// Agent are more fields of the files for agents, such as poll and low.
	Agent map[string]any
}

// KMEs are those of a lab at work.
type KMEs struct {
	// Network is for those who let stores run dry, or a KME misbehave. Its KMEs
	// have the IDs of function ID, its SAEs the names of the nodes.
	Network *kme.Network

	dir   string
	nodes []string
	stop  context.CancelFunc
	parts sync.WaitGroup
}

// ID is the KME ID of a node's.
func ID(node string) string { return "kme-" + node }

// Addr is where the KME of a node listens, inside the node.
const Addr = "127.0.0.1:14014"

// Nodes are those that have a KME, sorted: the ends of links with a QKD
// system.
func Nodes(f *clab.File) (nodes []string) {
	for i := range f.Links {
		if l := &f.Links[i]; l.Traits.QKD {
			nodes = append(nodes, l.A.Node, l.B.Node)
		}
	}
	slices.Sort(nodes)
	return slices.Compact(nodes)
}

// File is the one with which an agent of a node reaches its KME, whether it is
// there or not.
func File(l *lab.Lab, node string) string { return filepath.Join(dir(l), node, "kme.json") }

func dir(l *lab.Lab) string { return filepath.Join(l.Dir(), "kme") }

// Start serves the KMEs of a lab that is up, until Close. It has none where no
// link of the file has a QKD system.
func Start(l *lab.Lab, f *clab.File, o Options) (*KMEs, error) {
	o.Rate, o.Capacity = cmp.Or(o.Rate, 10_000), cmp.Or(o.Capacity, 10_000_000)
	o.Stored = cmp.Or(o.Stored, o.Capacity/10)
	c := kme.Config{NoDetour: true}
	k := &KMEs{dir: dir(l), nodes: Nodes(f)}
	for _, node := range k.nodes {
		c.Nodes = append(c.Nodes, kme.Node{KME: ID(node), SAEs: []string{node}})
	}
	for i := range f.Links {
		if link := &f.Links[i]; link.Traits.QKD {
			c.Links = append(c.Links, kme.Link{A: ID(link.A.Node), B: ID(link.B.Node), Rate: o.Rate, Capacity: o.Capacity, Stored: o.Stored})
		}
	}
	var err error
	if k.Network, err = kme.New(c); err != nil {
		return nil, err
	}
	authority, err := kme.NewAuthority(time.Now())
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	k.stop = stop
	for _, node := range k.nodes {
		if err := k.serve(ctx, l, authority, node, o); err != nil {
			k.Close()
			return nil, fmt.Errorf("KME of node %s: %w", node, err)
		}
	}
	return k, nil
}

// serve writes the files for a node and answers there.
func (k *KMEs) serve(ctx context.Context, l *lab.Lab, authority *kme.Authority, node string, o Options) error {
	host, _, err := net.SplitHostPort(Addr)
	if err != nil {
		return err
	}
	ours, err := authority.Issue(ID(node), host)
	if err != nil {
		return err
	}
	if err := k.write(authority, node, o); err != nil {
		return err
	}
	var listener net.Listener
	err = l.In(node, func() (err error) {
		listener, err = net.Listen("tcp", Addr)
		return err
	})
	if err != nil {
		return err
	}
	k.parts.Go(func() { _ = k.Network.Serve(ctx, ID(node), listener, ours) }) // whoever asks it sees
	return nil
}

// write makes the certificate of a node's SAE and the file that names it.
func (k *KMEs) write(authority *kme.Authority, node string, o Options) error {
	dir := filepath.Join(k.dir, node)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	theirs, err := authority.Issue(node)
	if err != nil {
		return err
	}
	cert, key, ca, err := theirs.PEM()
	if err != nil {
		return err
	}
	file := map[string]any{
		"url": "https://" + Addr, "kme": ID(node), "sae": node,
		"ca": "ca.pem", "certificate": "sae.pem", "key": "sae.key",
	}
	for name, value := range o.Agent {
		file[name] = value
	}
	text, err := json.MarshalIndent(file, "", "  ")
	if err != nil {
		return err
	}
	for name, data := range map[string][]byte{"ca.pem": ca, "sae.pem": cert, "sae.key": key, "kme.json": append(text, '\n')} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// Has reports whether a node has a KME.
func (k *KMEs) Has(node string) bool { return slices.Contains(k.nodes, node) }

// Close ends all KMEs.
func (k *KMEs) Close() {
	k.stop()
	k.parts.Wait()
}
