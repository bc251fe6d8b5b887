// Package tunnel is the agent's Lanes: from a Config it tells package keying
// which peers and lanes there are, believes a peer as far as package peer
// does, and says of every path whether its lane may carry packets. It decides
// no route and holds no secret but to pass it on. cmd/keiro-agent runs it, by
// way of package daemon; the loop of package agent calls it.
package tunnel

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/keiro-net/keiro/agent/keying"
	"github.com/keiro-net/keiro/agent/lane"
	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/peer"
	"github.com/keiro-net/keiro/keys/hybrid"
	"github.com/keiro-net/keiro/keys/hybrid/kem"
	"github.com/keiro-net/keiro/keys/rotate"
	"github.com/keiro-net/keiro/keys/secret"
)

// Options are what Lanes are made of.
type Options struct {
	Node      string
	Identity  *hybrid.Identity
	WireGuard secret.Key // static private key of all lanes
	// Authority is the one that may say who a peer is; it may change.
	Authority func() *x509.Certificate
	Dir       string // for the state of keys, in a directory below
	Devices   Devices
	Suite     kem.Suite
	Params    rotate.Params
	Quantum   Quantum
	Log       *slog.Logger
}

// Devices are the interfaces of lanes: a Machine's.
type Devices interface {
	keying.Devices
	// Keep removes the interfaces of lanes that are not wanted when it comes to
	// them. It may take long: some may hang.
	Keep(wanted func(name string) bool) error
	// Dropped counts the packets that interfaces would not take, by name.
	Dropped() (map[string]uint64, error)
}

// Quantum is the KME of the node's site, or says that there is none: a
// quantum.KME.
type Quantum interface {
	keying.Quantum
	// Watch makes these the stores of QKD keys that are watched: of the peers
	// of lanes that want such keys, with their number, and of neighbours over
	// links with a QKD system.
	Watch(lanes map[string]int, neighbours []string)
	// Stores tells of them, by peer.
	Stores() []nodecfg.KeyStore
	// Drain says why a lane to a peer is not to be counted on; "" it is.
	Drain(peer string) string
	// Faults counts questions that failed, by what was wrong.
	Faults() map[string]uint64
	// Changes has a token when Stores or Drain says something new.
	Changes() <-chan struct{}
}

// keepalive is short against the time after which WireGuard gives a session
// up, and keeps the two ends' handshakes going when no packet does.
const keepalive = 5 * time.Second

// patience is how long the first Set waits for what is on disk and in the
// interfaces.
const patience = 2 * time.Second

// Lanes are those of one node. It is agent.Lanes.
type Lanes struct {
	Options
	changes chan struct{}
	closed  chan struct{}

	mu      sync.Mutex
	began   bool          // a keyer has been there
	keyer   *keying.Keyer // nil before the first lane, and when it cannot be
	stop    func()        // ends keyer
	locator netip.Prefix  // that keyer listens on
	failed  string        // why there is no keyer, or it would not take what was set
	names   map[rotate.Lane]string
	refused map[string]string // of every lane whose peer is refused: why
	peers   []nodecfg.Peer    // what is verified, and by whom
	by      *x509.Certificate
	good    map[string]peer.Peer
	bad     map[string]string
	dropped map[string]uint64 // by interface
	counted time.Time         // when that was
	stores  bool              // some store of QKD keys matters here

	parts sync.WaitGroup
	keep  keep
}

// New makes Lanes without any.
func New(o Options) *Lanes {
	l := &Lanes{Options: o, changes: make(chan struct{}, 1), closed: make(chan struct{})}
	l.keep.wake = make(chan struct{}, 1)
	l.parts.Go(l.clean)
	l.parts.Go(func() {
		for {
			select {
			case <-l.closed:
				return
			case <-l.Quantum.Changes():
				l.notify()
			}
		}
	})
	return l
}

// Close lets go of the lanes, which go on with the keys they have. It is to be
// called once.
func (l *Lanes) Close() {
	l.mu.Lock()
	close(l.closed)
	l.end()
	l.mu.Unlock()
	l.parts.Wait()
}

func (l *Lanes) end() {
	if l.keyer != nil {
		l.stop()
		l.keyer = nil
	}
}

// Changes has a token when States says something new.
func (l *Lanes) Changes() <-chan struct{} { return l.changes }

func (l *Lanes) notify() {
	select {
	case l.changes <- struct{}{}:
	default:
	}
}

// Set makes the lanes of a Config, and no others. Interfaces and keys come
// when they can. Lowered says when root lowered the floors of which intents
// last.
func (l *Lanes) Set(cfg *nodecfg.Config, lowered map[string]time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.notify()
	l.verify(cfg.Peers)
	peers, lanes := l.wanted(cfg)
	for i := range lanes {
		if at, ok := lowered[lanes[i].ID.Intent]; ok {
			lanes[i].Lowered = uint64(max(at.UnixMilli(), 0))
		}
	}
	l.watch(cfg, lanes)
	l.failed = ""
	if l.keyer != nil && l.locator != cfg.Locator {
		l.end()
	}
	if l.keyer == nil && len(lanes) > 0 {
		if err := l.begin(cfg.Locator); err != nil {
			l.failed = err.Error()
		}
	}
	if l.keyer != nil {
		if err := l.keyer.Set(peers, lanes); err != nil {
			l.failed = err.Error()
		}
	}
	if fresh := l.keyer != nil && !l.began; fresh && l.failed == "" {
		// Lanes that have outlived the agent are open: to take them for closed
		// until that is known would cost packets.
		l.began = true
		for end := time.Now().Add(patience); !l.keyer.Settled() && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
	}
	if l.failed != "" {
		l.Log.Error("lanes get no keys", "error", l.failed)
	}
	l.keepOnly(interfaces(cfg))
}

// watch has the stores of QKD keys watched that the Config's lanes and links
// depend on.
func (l *Lanes) watch(cfg *nodecfg.Config, lanes []keying.Lane) {
	wants, neighbours := make(map[string]int), []string(nil)
	for _, lane := range lanes {
		if lane.Level == rotate.QKD {
			wants[lane.Peer]++
		}
	}
	for _, link := range cfg.Links {
		if link.QKD {
			neighbours = append(neighbours, link.Peer)
		}
	}
	l.stores = len(wants)+len(neighbours) > 0
	l.Quantum.Watch(wants, neighbours)
}

// begin starts to agree on keys, in the namespace of the process.
func (l *Lanes) begin(locator netip.Prefix) error {
	k, err := keying.New(keying.Options{
		Node: l.Node, Identity: l.Identity, Dir: filepath.Join(l.Dir, "pairs"), Listen: nodecfg.KeyAddr(locator),
		Suite: l.Suite, Params: l.Params, Devices: l.Devices, Quantum: l.Quantum, Log: l.Log,
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	var parts sync.WaitGroup
	parts.Go(func() { _ = k.Run(ctx) }) // ends with ctx only
	parts.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-k.Changes():
				l.notify()
			}
		}
	})
	l.keyer, l.locator = k, locator
	l.stop = func() {
		cancel()
		parts.Wait()
	}
	return nil
}

// verify finds out which peers are who the controller says, when there are
// others than last time.
func (l *Lanes) verify(peers []nodecfg.Peer) {
	authority := l.Authority()
	if l.good != nil && authority == l.by && reflect.DeepEqual(peers, l.peers) {
		return
	}
	good, refused := peer.Verify(authority, peers)
	l.peers, l.by, l.good, l.bad = peers, authority, good, make(map[string]string)
	for _, e := range refused {
		l.bad[strings.TrimPrefix(e.Object, "peer ")] = e.Error
		l.Log.Error("peer refused", "what", e.Object, "error", e.Error)
	}
}

// wanted is what a Config asks of the keyer. Lanes of a peer that is refused
// are left out, and so closed.
func (l *Lanes) wanted(cfg *nodecfg.Config) (peers []keying.Peer, lanes []keying.Lane) {
	l.names, l.refused = make(map[rotate.Lane]string), make(map[string]string)
	used := make(map[string]netip.Prefix)
	for i := range cfg.Policies {
		for j := range cfg.Policies[i].Paths {
			p := &cfg.Policies[i].Paths[j]
			if p.Lane == nil {
				continue
			}
			id := rotate.Lane{Intent: cfg.Policies[i].Intent, Index: p.Lane.Index}
			v, ok := l.good[p.Lane.Peer]
			if !ok {
				l.refused[p.Name] = l.why(p.Lane.Peer)
				continue
			}
			l.names[id], used[v.Node] = p.Name, p.Tail
			lanes = append(lanes, l.lane(id, p, v))
		}
	}
	for node, locator := range used {
		peers = append(peers, keying.Peer{Node: node, Public: l.good[node].Identity, Addr: nodecfg.KeyAddr(locator)})
	}
	slices.SortFunc(peers, func(a, b keying.Peer) int { return strings.Compare(a.Node, b.Node) })
	return peers, lanes
}

func (l *Lanes) why(node string) string {
	if why, ok := l.bad[node]; ok {
		return why
	}
	return fmt.Sprintf("the controller has not said yet who %s is", node)
}

func (l *Lanes) lane(id rotate.Lane, p *nodecfg.Path, far peer.Peer) keying.Lane {
	var level rotate.Level
	if err := level.UnmarshalText([]byte(p.Lane.Encryption)); err != nil {
		level = rotate.QKD // never less than was asked for, whatever that is
	}
	port := nodecfg.LanePort(p.Lane.ID)
	return keying.Lane{
		ID: id, Peer: far.Node, Level: level, Interface: nodecfg.LaneInterface(p.Lane.ID), MTU: nodecfg.LaneMTU(p.MTU),
		Config: lane.Config{Private: l.WireGuard, Port: port, Peer: lane.Peer{
			Public: far.WireGuard, Keepalive: keepalive,
			Endpoint: netip.AddrPortFrom(nodecfg.LaneAddr(p.Tail, p.Lane.ID), port),
		}},
	}
}

func interfaces(cfg *nodecfg.Config) map[string]bool {
	names := make(map[string]bool)
	for i := range cfg.Policies {
		for _, p := range cfg.Policies[i].Paths {
			if p.Lane != nil {
				names[nodecfg.LaneInterface(p.Lane.ID)] = true
			}
		}
	}
	return names
}
