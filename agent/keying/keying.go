// Package keying gives the lanes of one node their keys: it drives one
// rotate.Machine for every peer with package hybrid, over UDP, a disk and
// WireGuard, and says which lanes may carry traffic. One goroutine owns all
// machines; what takes time (disk, devices, KME) runs beside it and answers
// with events. It never logs or writes a secret, never routes a packet, and
// never makes or removes an interface but by Devices. Package agent calls it.
//
// package budget: a shell whose parts all act on the same machines
package keying

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keiro-net/keiro/agent/lane"
	"github.com/keiro-net/keiro/keys/hybrid"
	"github.com/keiro-net/keiro/keys/hybrid/datagram"
	"github.com/keiro-net/keiro/keys/hybrid/kem"
	"github.com/keiro-net/keiro/keys/rotate"
	"github.com/keiro-net/keiro/keys/secret"
)

// Devices makes the WireGuard devices of lanes: lane.Helpers and
// lane.OpenKernel do. It is called by several goroutines, on any thread.
type Devices interface {
	// Open opens an interface and makes it where there is none.
	Open(name string, mtu int) (lane.Device, error)
	// Find opens an interface as it is, and makes nothing: its error is
	// lane.ErrLost where it is known that there is none.
	Find(name string) (lane.Device, error)
}

// Quantum is a client of a KME (ETSI GS QKD 014). It is called by several
// goroutines, and ends with the context. The caller owns the keys it returns.
type Quantum interface {
	// Key takes a new key, to be shared with a peer, and its key_ID.
	Key(ctx context.Context, peer string) (id string, k secret.Key, err error)
	// KeyByID takes the key of this key_ID that the peer has taken.
	KeyByID(ctx context.Context, peer, id string) (secret.Key, error)
}

// Options are what a Keyer is made of.
type Options struct {
	Node     string
	Identity *hybrid.Identity // its own
	Dir      string           // for the state of each pair
	Listen   netip.AddrPort   // nodecfg.KeyAddr; the address may come later
	Suite    kem.Suite        // the same at both ends of a pair
	Params   rotate.Params    // Seed is mixed with the names of each pair
	Devices  Devices
	Quantum  Quantum // nil: there is no KME, so QKD lanes get no key
	Log      *slog.Logger
}

// Peer is an agent to agree on keys with. Public is verified: it is the
// identity that the certificate of the node binds.
type Peer struct {
	Node   string
	Public *hybrid.Public
	Addr   netip.AddrPort // where its Keyer listens, and sends from
}

// Lane is one lane as the configuration wants it.
type Lane struct {
	ID        rotate.Lane
	Peer      string
	Level     rotate.Level
	Lowered   uint64 // as in rotate.LaneSpec
	Interface string
	MTU       int
	// Config is WireGuard's, without a preshared key.
	Config lane.Config
}

// Keyer keys the lanes of one node. Its methods may be called by several
// goroutines.
type Keyer struct {
	Options
	store   store
	conn    *net.UDPConn
	changes chan struct{} // one slot
	wake    chan struct{} // one slot
	in      chan packet
	done    chan finished
	lost    chan func() // a device is lost
	ended   chan struct{}
	guests  atomic.Pointer[map[netip.AddrPort]*bucket]
	outside outside

	mu      sync.Mutex // of all below; Run's goroutine alone changes what hangs on peers
	peers   map[string]*peer
	byAddr  map[netip.AddrPort]*peer
	want    *wish
	asked   []func()
	leaving map[string]*laneOf // by interface: lanes that are gone, and not known to be silent
	queues  map[string]*queue
	devices pool
	disks   pool
	kme     pool
	asks    uint64   // questions to the KME so far
	later   []func() // after what is being done
	touched []*peer
	next    time.Time // when a peer's wake comes; zero: never
	ending  bool
	inbox   datagram.Inbox
	cookies datagram.Cookies
	baked   time.Time // when cookies.Now was drawn
	counts  Counters
	drifts  []Drift // the latest, the oldest first
}

type wish struct {
	peers []Peer
	lanes []Lane
}

const (
	// slots is how many slow calls of a kind run at a time.
	slots = 64
	// pollProof and pollIdle are how often WireGuard is asked for its last
	// handshake and whether it is as it was made, which it tells by no event:
	// while the proof of a new key is awaited, and otherwise.
	pollProof = time.Second
	pollIdle  = time.Second
	// pollMute is how soon it is asked again that has not answered; after so
	// many times in a row it is not believed to have a key.
	pollMute = 5 * time.Second
	lookMute = 3
	// askAgain is more than WireGuard's REKEY_TIMEOUT.
	askAgain = 6 * time.Second
	// askKept is how often a device is asked at most whether it has kept a key.
	askKept = 3
	// retry is the wait after a device or a file that failed.
	retry = time.Second
	// freshCookies is how long the key of cookies is used.
	freshCookies = 2 * time.Minute
)

// New opens the socket, in the network namespace of the calling thread. Run
// does the work, Close ends what Run was never called for.
func New(o Options) (*Keyer, error) {
	if o.Identity == nil || o.Devices == nil || o.Log == nil || o.Dir == "" {
		return nil, errors.New("keying: identity, devices, directory and logger are needed")
	}
	if _, err := o.Suite.Scheme(); err != nil {
		return nil, fmt.Errorf("keying: %w", err)
	}
	conn, err := listen(o.Listen)
	if err != nil {
		return nil, fmt.Errorf("keying: %w", err)
	}
	k := &Keyer{
		Options: o, store: store{o.Dir, o.Node}, conn: conn,
		changes: make(chan struct{}, 1), wake: make(chan struct{}, 1),
		in: make(chan packet, backlog), done: make(chan finished), lost: make(chan func()), ended: make(chan struct{}),
		peers: map[string]*peer{}, byAddr: map[netip.AddrPort]*peer{},
		leaving: map[string]*laneOf{}, queues: map[string]*queue{}, devices: pool{free: slots}, disks: pool{free: slots}, kme: pool{free: slots},
		counts: Counters{Refused: map[hybrid.Refusal]uint64{}},
	}
	k.guests.Store(&map[netip.AddrPort]*bucket{})
	o.Log.Info("this node's identity, which its peers must know", "identity", o.Identity.Public().Fingerprint().String())
	return k, nil
}

// Close closes the socket. Run, if it still runs, hears no more.
func (k *Keyer) Close() error { return k.conn.Close() }

// Set makes these the peers and lanes; of others the keys are erased and the
// lanes silenced. An error says that all stays as it was.
func (k *Keyer) Set(peers []Peer, lanes []Lane) error {
	if err := k.check(peers, lanes); err != nil {
		return fmt.Errorf("keying: %w", err)
	}
	k.mu.Lock()
	k.want = &wish{peers, lanes}
	k.mu.Unlock()
	notify(k.wake)
	return nil
}

func (k *Keyer) check(peers []Peer, lanes []Lane) error {
	known, at := map[string]bool{}, map[netip.AddrPort]string{}
	for _, p := range peers {
		if _, err := k.pair(p); err != nil {
			return err
		}
		if known[p.Node] || !p.Addr.IsValid() || p.Addr.Port() == 0 {
			return fmt.Errorf("peer %q: twice, or no address", p.Node)
		}
		if other, taken := at[plain(p.Addr)]; taken {
			return fmt.Errorf("peers %q and %q: one address", p.Node, other)
		}
		known[p.Node], at[plain(p.Addr)] = true, p.Node
	}
	type name struct {
		peer string
		id   rotate.Lane
	}
	seen, interfaces := map[name]bool{}, map[string]bool{}
	for _, l := range lanes {
		switch {
		case !known[l.Peer]:
			return fmt.Errorf("lane %s: no peer %q", l.ID, l.Peer)
		case l.ID.Intent == "" || len(l.ID.Intent) > hybrid.MaxName || l.ID.Index < 0 || l.ID.Index > math.MaxInt32 || l.Level > rotate.QKD:
			return fmt.Errorf("lane %s, %s: out of range", l.ID, l.Level)
		case seen[name{l.Peer, l.ID}] || l.Interface == "" || interfaces[l.Interface]:
			return fmt.Errorf("lane %s on %q: twice, or no interface", l.ID, l.Interface)
		}
		seen[name{l.Peer, l.ID}], interfaces[l.Interface] = true, true
	}
	return nil
}

func (k *Keyer) pair(p Peer) (hybrid.Pair, error) {
	return hybrid.NewPair(hybrid.Party{Node: k.Node, Public: k.Identity.Public()}, hybrid.Party{Node: p.Node, Public: p.Public})
}

// seed differs between pairs, and is the same after a restart.
func (k *Keyer) seed(peer string) uint64 {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%q %q", k.Node, peer)
	return k.Params.Seed ^ h.Sum64()
}

// Rotate asks for new keys of an intent's lanes; "" stands for all. A pair
// that has such a lane renews all its lanes. It returns how many pairs do.
func (k *Keyer) Rotate(intent string, now rotate.RotateNow) int {
	return k.ask(now, func(p *peer) bool {
		for id := range p.lanes {
			if intent == "" || id.Intent == intent {
				return true
			}
		}
		return false
	})
}

// Rekey asks for new keys of all lanes to a peer, and says whether there is one.
func (k *Keyer) Rekey(node string, now rotate.RotateNow) bool {
	return k.ask(now, func(p *peer) bool { return p.Node == node }) > 0
}

func (k *Keyer) ask(now rotate.RotateNow, of func(*peer) bool) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := 0
	for _, p := range k.peers {
		if of(p) {
			n++
			k.asked = append(k.asked, func() { k.step(p, now) })
		}
	}
	notify(k.wake)
	return n
}

// Changes has a token when Lanes or Alarms says something new.
func (k *Keyer) Changes() <-chan struct{} { return k.changes }

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// bake replaces the key of cookies when its time is over.
func (k *Keyer) bake(now time.Time) {
	if k.cookies.Now.Present() && now.Sub(k.baked) < freshCookies {
		return
	}
	fresh, err := secret.Random(rand.Reader)
	if err != nil {
		return // never: crypto/rand does not fail
	}
	k.cookies.Before.Zero()
	k.cookies.Before, k.cookies.Now, k.baked = k.cookies.Now, fresh, now
}
