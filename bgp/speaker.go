// Package bgp speaks BGP-4 (RFC 4271, RFC 4760): it hears of the topology by BGP-LS
// (RFC 9552, decoded by package ls), of SR Policies (RFC 9830) and of unicast routes,
// and says what its caller gives it, such as SR Policies. It holds the sessions:
// package message has the octets, package fsm decides, and here are the sockets, the
// Adj-RIB-In and the Adj-RIB-Out of each peer. The controller calls it, for routers
// that have no agent, and the agent of a node that has its paths by BGP.
//
// It talks to configured peers only, in configured address families only. It
// never re-advertises what it hears, chooses no best path, and never judges what
// it hears beyond RFC 7606. A peer that is wrong in one object loses that
// object; one that floods, or sends rubbish, or too much, is cut off, named, and
// stays idle for a time that grows. Each peer has a goroutine of its own, which
// parses what comes, and locks of its own, so that others do not feel it.
//
// Sessions are protected by TTL security (GTSM, RFC 5082) and TCP MD5 (RFC
// 2385). TCP-AO (RFC 5925) is not there: kernels of Debian 12 and those that
// Keiro is tested on are built without it.
//
// What comes is taken with Next, by one consumer. What it has not taken is
// overwritten by what is newer of the same object, so that a slow consumer costs
// no more memory than the peers' limits allow.
package bgp

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keiro-net/keiro/bgp/fsm"
	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/bgp/rib"
	"github.com/keiro-net/keiro/bgp/transport"
)

// batchSize is how many objects Next returns at most.
const batchSize = 4096

// Speaker holds sessions with peers. Its methods may be called at the same
// time, but Next by one caller only.
type Speaker struct {
	cfg       Config
	listeners []*transport.Listener
	accepting sync.WaitGroup
	refused   atomic.Uint64

	configuring sync.Mutex // held by SetPeers and Close
	mu          sync.RWMutex
	peers       map[string]*peer
	closed      bool

	waiting sync.Mutex
	line    []*rib.In // with news
	inLine  map[*rib.In]bool
	wake    chan struct{}
}

// ErrClosed says that the speaker was closed.
var ErrClosed = errors.New("bgp: the speaker is closed")

// New returns a speaker that listens, and has no peers.
func New(ctx context.Context, cfg Config) (*Speaker, error) {
	err := joined(cfg.mistakes(), nil)
	if cfg.Log == nil {
		err = errors.Join(err, errors.New("bgp: there is no logger"))
	}
	if err != nil {
		return nil, err
	}
	if cfg.sendHold == 0 {
		cfg.sendHold = defaultSendHold
	}
	s := &Speaker{cfg: cfg, peers: map[string]*peer{}, inLine: map[*rib.In]bool{}, wake: make(chan struct{}, 1)}
	for _, at := range cfg.Listen {
		var l *transport.Listener
		err := s.sockets(func() (err error) {
			l, err = transport.Listen(ctx, at)
			return err
		})
		if err != nil {
			for _, open := range s.listeners {
				open.Close()
			}
			return nil, fmt.Errorf("bgp: %w", err)
		}
		s.listeners = append(s.listeners, l)
	}
	for _, l := range s.listeners {
		s.accepting.Go(func() { s.accept(l) })
	}
	return s, nil
}

// SetPeers makes these the peers. The sessions of those that did not change go
// on; those that are gone or changed are told so (Cease, Peer De-configured or
// Other Configuration Change). A peer that changed, but not its name, is said in
// its next session what it was to be said before. With an error nothing has
// changed, but where it is the kernel that refuses a password or a TTL.
func (s *Speaker) SetPeers(peers []Peer) error {
	s.configuring.Lock()
	defer s.configuring.Unlock()
	if err := joined(Mistakes(s.cfg, peers), peers); err != nil {
		return err
	}
	s.mu.RLock()
	closed, old := s.closed, s.peers
	s.mu.RUnlock()
	if closed {
		return ErrClosed
	}
	next := map[string]*peer{}
	var begin []*peer
	for _, cfg := range peers {
		if p := old[cfg.Name]; p != nil && p.was.equal(cfg) {
			next[cfg.Name] = p
			continue
		}
		p := newPeer(s, cfg, time.Now())
		if before := old[cfg.Name]; before != nil {
			p.out = before.out // what is to be said does not change
		}
		next[cfg.Name] = p
		begin = append(begin, p)
	}
	var gone []*peer
	var ending sync.WaitGroup
	for name, p := range old {
		if next[name] == p {
			continue
		}
		gone = append(gone, p)
		stop := fsm.Stop{Notification: message.NewCease(message.PeerDeconfigured, ""), Reason: "the peer is not configured any more"}
		if next[name] != nil {
			stop = fsm.Stop{Notification: message.NewCease(message.OtherConfigurationEvent, ""), Reason: "the configuration of the peer has changed"}
		}
		ending.Go(func() { p.remove(stop) })
	}
	ending.Wait()
	s.mu.Lock()
	s.peers = next
	s.mu.Unlock()
	for _, p := range gone {
		p.leave()
	}
	secured := map[netip.Addr]transport.Security{}
	for _, cfg := range peers {
		secured[cfg.Address] = cfg.security()
	}
	var bad []error
	for _, l := range s.listeners {
		if err := l.Secure(secured); err != nil {
			bad = append(bad, fmt.Errorf("bgp: listener %s: %w", l.Addr(), err))
		}
	}
	for _, p := range begin {
		go p.run()
	}
	return errors.Join(bad...)
}

// peer finds one.
func (s *Speaker) peer(name string) (*peer, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if p := s.peers[name]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("bgp: there is no peer %q", name)
}

// Announce says a route to a peer, now and in each session to come, until
// Withdraw. It replaces what was to be said of the same NLRI, and does not wait.
// The caller must not change what it has given. A route of a family that the
// peer has not configured is an error.
func (s *Speaker) Announce(peer string, r rib.Route) error {
	p, err := s.peer(peer)
	if err != nil {
		return err
	}
	if !slices.Contains(p.cfg.Families, r.Family) {
		return fmt.Errorf("bgp: peer %s has not the address family %v, but %v", peer, r.Family, p.cfg.Families)
	}
	if len(r.NLRI) == 0 {
		return fmt.Errorf("bgp: peer %s: a route without NLRI", peer)
	}
	p.out.Announce(r)
	return nil
}

// Withdraw takes back what Announce said. Of an unknown route it does nothing.
func (s *Speaker) Withdraw(peer string, f message.Family, nlri []byte) error {
	p, err := s.peer(peer)
	if err != nil {
		return err
	}
	p.out.Withdraw(f, nlri)
	return nil
}

// Complete says that all routes of a family have been announced to a peer, so
// that an End-of-RIB may follow them, in this session and in each to come.
// Without it a peer that has kept routes over a restart keeps the old ones.
func (s *Speaker) Complete(peer string, f message.Family) error {
	p, err := s.peer(peer)
	if err != nil {
		return err
	}
	p.out.Ready(f)
	return nil
}

// States returns the state of all peers, by name.
func (s *Speaker) States() []State {
	s.mu.RLock()
	defer s.mu.RUnlock()
	states := make([]State, 0, len(s.peers))
	for _, p := range s.peers {
		states = append(states, p.view())
	}
	slices.SortFunc(states, func(a, b State) int { return strings.Compare(a.Peer, b.Peer) })
	return states
}

// Refused is how many connections came from addresses that are no peer's.
func (s *Speaker) Refused() uint64 { return s.refused.Load() }

// news puts a peer at the end of the line for Next.
func (s *Speaker) news(r *rib.In) {
	s.waiting.Lock()
	if !s.inLine[r] {
		s.inLine[r] = true
		s.line = append(s.line, r)
	}
	s.waiting.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Next waits for news and returns some of one peer. Peers take turns. The error
// is that of ctx.
func (s *Speaker) Next(ctx context.Context) (rib.Batch, error) {
	for {
		if r := s.first(); r != nil {
			b, more := r.Take(batchSize)
			if more {
				s.news(r)
			}
			if !b.Empty() {
				return b, nil
			}
			continue
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
			return rib.Batch{}, ctx.Err()
		}
	}
}

func (s *Speaker) first() *rib.In {
	s.waiting.Lock()
	defer s.waiting.Unlock()
	if len(s.line) == 0 {
		return nil
	}
	r := s.line[0]
	s.line[0] = nil
	s.line = s.line[1:]
	delete(s.inLine, r)
	return r
}

// Close ends all sessions and waits until nothing is left of them, a second or
// two. With a RestartTime the peers see connections that fail, so that they keep
// what was said until the controller is back; else they are told (Cease,
// Administrative Shutdown).
func (s *Speaker) Close() {
	s.configuring.Lock()
	defer s.configuring.Unlock()
	s.mu.Lock()
	peers := s.peers
	s.peers, s.closed = map[string]*peer{}, true
	s.mu.Unlock()
	for _, l := range s.listeners {
		l.Close()
	}
	stop := fsm.Stop{Reason: "this speaker ends"}
	if s.cfg.RestartTime == 0 {
		stop.Notification = message.NewCease(message.AdministrativeShutdown, "this speaker ends")
	}
	var ending sync.WaitGroup
	for _, p := range peers {
		ending.Go(func() { p.remove(stop) })
	}
	ending.Wait()
	s.accepting.Wait()
	for _, p := range peers {
		p.leave()
	}
}

func (s *Speaker) sockets(f func() error) error {
	if s.cfg.Sockets == nil {
		return f()
	}
	return s.cfg.Sockets(f)
}
