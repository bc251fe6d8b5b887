// Package kme is a QKD network in memory: key management entities (KMEs) that
// answer after ETSI GS QKD 014 V1.1.1, QKD links between them that make keys
// at a rate, and trusted nodes that relay keys over several links. It obeys
// the standard to the letter, or breaks it as told, so that tests see what a
// client does with a KME that lies. Time and seed are given: the same requests
// at the same times get the same keys. Its keys are worthless as secrets. The
// lab and tests call it; "clause" means a clause of the standard.
package kme

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// Config is a QKD network.
type Config struct {
	Seed  uint64
	Clock func() time.Time // nil: time.Now
	Nodes []Node
	Links []Link
	// NoDetour: two nodes that have a link of their own share no key but over
	// it, so that the status between them is that of the link.
	NoDetour bool
	Limits
}

// Node is a trusted node with its one KME.
type Node struct {
	KME  string   // its KME ID
	SAEs []string // the SAE IDs in its site; no two nodes have the same
}

// Link is a QKD link between two nodes, named by their KME IDs.
type Link struct {
	A, B     string
	Rate     int64 // bits of key a second, up to 1<<32
	Capacity int64 // bits that each end stores, up to 1<<32
	Stored   int64 // bits there at the start
}

// Limits are those that Status tells. A zero stands for the default, a
// MaxAdditional below zero for none.
type Limits struct {
	KeySize       int // bits; 256
	MinKeySize    int // bits; 64
	MaxKeySize    int // bits; 1024
	MaxPerRequest int // keys; 128
	MaxAdditional int // slaves beside the first; 8
}

func (l Limits) withDefaults() Limits {
	for _, d := range []struct {
		value *int
		usual int
	}{{&l.KeySize, 256}, {&l.MinKeySize, 64}, {&l.MaxKeySize, 1024}, {&l.MaxPerRequest, 128}, {&l.MaxAdditional, 8}} {
		if *d.value == 0 {
			*d.value = d.usual
		}
	}
	l.MaxAdditional = max(l.MaxAdditional, 0)
	return l
}

// Bounds of what is remembered.
const (
	maxWaiting = 100_000 // keys handed to a master and not yet fetched by all slaves
	maxTraces  = 100_000 // keys of which it is known who saw them
	maxLink    = 1 << 32
)

// Network is a QKD network at work. Its methods may be called by several
// goroutines; each is one step of the whole network.
type Network struct {
	limits   Limits
	clock    func() time.Time
	noDetour bool

	mu      sync.Mutex
	nodes   []*node
	links   []*link
	home    map[string]int // of an SAE, its node
	waiting map[string]*issue
	traces  map[string][]string // key ID to the KMEs that held the key
	traced  []string            // the keys of traces, oldest first
}

type node struct {
	name      string
	random    *rand.ChaCha8
	behaviour map[Misbehaviour]bool
	last      map[string][]Key // by slave, for ServeTwice
	stuck     []byte           // for StuckSource
}

// issue is a key that a master has and its slaves may fetch.
type issue struct {
	master string
	named  []string          // the slaves that the master named
	copies map[string][]byte // by slave, at that slave's KME, until it is fetched
}

// New makes a network.
func New(c Config) (*Network, error) {
	n := &Network{
		limits: c.withDefaults(), clock: c.Clock, noDetour: c.NoDetour, home: map[string]int{},
		waiting: map[string]*issue{}, traces: map[string][]string{},
	}
	if n.clock == nil {
		n.clock = time.Now
	}
	for i, given := range c.Nodes {
		if given.KME == "" || n.find(given.KME) >= 0 {
			return nil, fmt.Errorf("kme: node %d: a KME ID is missing or given twice: %q", i, given.KME)
		}
		n.nodes = append(n.nodes, &node{name: given.KME, random: source(c.Seed, "kme "+given.KME)})
		for _, sae := range given.SAEs {
			if _, twice := n.home[sae]; twice || sae == "" {
				return nil, fmt.Errorf("kme: node %s: an SAE ID is missing or given twice: %q", given.KME, sae)
			}
			n.home[sae] = i
		}
	}
	for i, given := range c.Links {
		l := &link{a: n.find(given.A), b: n.find(given.B), rate: given.Rate, capacity: given.Capacity, stored: given.Stored, last: n.clock()}
		if l.a < 0 || l.b < 0 || l.a == l.b {
			return nil, fmt.Errorf("kme: link %d: no such two nodes: %q, %q", i, given.A, given.B)
		}
		if l.rate < 0 || l.rate > maxLink || l.capacity < 0 || l.capacity > maxLink || l.stored < 0 || l.stored > l.capacity {
			return nil, fmt.Errorf("kme: link %s--%s: bad rate, capacity or stored", given.A, given.B)
		}
		// Both ends of a QKD link hold the same key, each in its own store.
		for end := range l.pad {
			l.pad[end] = source(c.Seed, fmt.Sprintf("link %d", i))
		}
		n.links = append(n.links, l)
	}
	return n, nil
}

func source(seed uint64, of string) *rand.ChaCha8 {
	return rand.NewChaCha8(sha256.Sum256(append(binary.BigEndian.AppendUint64(nil, seed), of...)))
}

func (n *Network) find(kme string) int {
	return slices.IndexFunc(n.nodes, func(have *node) bool { return have.name == kme })
}

// Saw returns the KME IDs of the nodes that held a key in the clear, that of
// its master first: the ends, and each trusted node that relayed it. It is nil
// of an ID that is unknown or long ago.
func (n *Network) Saw(keyID string) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.traces[keyID])
}

// Stored returns the bits in store at each end of the link between two KMEs.
func (n *Network) Stored(a, b string) (int64, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	l, err := n.between(a, b)
	if err != nil {
		return 0, err
	}
	l.advance(n.clock())
	return l.stored, nil
}

// SetRate changes how fast the link between two KMEs makes keys, in bits a
// second; 0 is a QKD system that stands still. What is stored stays.
func (n *Network) SetRate(a, b string, rate int64) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	l, err := n.between(a, b)
	if err != nil {
		return err
	}
	if rate < 0 || rate > maxLink {
		return errors.New("kme: bad rate")
	}
	l.advance(n.clock())
	l.rate = rate
	return nil
}

func (n *Network) between(a, b string) (*link, error) {
	for _, l := range n.links {
		if x, y := n.nodes[l.a].name, n.nodes[l.b].name; x == a && y == b || x == b && y == a {
			return l, nil
		}
	}
	return nil, fmt.Errorf("kme: no link %s--%s", a, b)
}

// trace remembers who saw a key.
func (n *Network) trace(id string, saw []string) {
	if len(n.traced) == maxTraces {
		delete(n.traces, n.traced[0])
		n.traced = n.traced[1:]
	}
	n.traces[id], n.traced = saw, append(n.traced, id)
}
