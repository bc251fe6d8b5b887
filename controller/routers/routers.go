// Package routers is the controller's end of BGP: it owns the speaker and the
// link-state database. What the peers say becomes one View, joined with the
// topology that is declared then, for controller/core; and what the Core
// announces goes to the sessions that lead to its headend. It decides nothing
// about paths, and believes and forgets by the rules of bgp/lsdb alone.
//
// One goroutine takes what comes. It takes in all that is waiting before it asks
// for a View, and takes no more of the time for Views than for the rest: a
// storm of changes costs as many Views as there is time for, and a single change
// waits for nothing. No session ever waits for it. Package controller calls it.
package routers

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keiro-net/keiro/bgp"
	"github.com/keiro-net/keiro/bgp/file"
	"github.com/keiro-net/keiro/bgp/fsm"
	"github.com/keiro-net/keiro/bgp/lsdb"
	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/controller/core"
	"github.com/keiro-net/keiro/topology"
)

// DefaultDeferral is how long a peer may be silent that has not said that it has
// said all, until it is taken to have. Some never say it: FRR does not without
// graceful restart. For a peer that is never silent it is waited ten times as
// long.
const DefaultDeferral = 30 * time.Second

// Config is what Routers are made of.
type Config struct {
	File *file.File
	Log  *slog.Logger
	// Topology is the one that is declared now; nil: none.
	Topology func() *topology.Topology
	// Feed hands events to the Core, in their order, and returns when they are
	// taken.
	Feed func([]core.Event)
	// Ran is the name of a file that keeps when the controller last ran. "" keeps
	// nothing: every start is a cold one.
	Ran      string
	Deferral time.Duration // 0: DefaultDeferral

	// Sockets and Times are those of bgp.Config.
	Sockets func(func() error) error
	Times   *fsm.Times
}

// Routers holds the sessions. Its methods may be called at the same time.
type Routers struct {
	cfg     Config
	speaker *bgp.Speaker
	ran     *ran
	view    atomic.Pointer[lsdb.View]

	db      *lsdb.DB // of Run alone, as is what follows
	states  map[string]*peerState
	told    []core.PeerState // last
	news    []core.Event     // of headends, not fed yet
	changed bool             // the database
	lost    *limiter

	mu  sync.Mutex
	out *outbox
}

// peerState is what Run knows of a peer.
type peerState struct {
	core.PeerState
	reports reports
	// waiting are the families that an End-of-RIB is to come for, since upAt, and
	// heardAt is when the peer said something last.
	waiting       map[message.Family]bool
	upAt, heardAt time.Time
}

// New makes the speaker, whose sessions begin. Somebody has to Run it, or Close
// it.
func New(ctx context.Context, cfg Config) (*Routers, error) {
	if cfg.Deferral == 0 {
		cfg.Deferral = DefaultDeferral
	}
	r := &Routers{
		cfg: cfg, db: lsdb.New(), states: map[string]*peerState{}, out: newOutbox(cfg.File),
		ran: &ran{name: cfg.Ran, log: cfg.Log}, lost: newLimiter(cfg.Log),
	}
	speaker := cfg.File.Speaker
	speaker.Log, speaker.Sockets, speaker.Times = cfg.Log, cfg.Sockets, cfg.Times
	speaker.Restarting = speaker.RestartTime > 0 && r.ran.within(time.Now(), speaker.RestartTime)
	var err error
	if r.speaker, err = bgp.New(ctx, speaker); err != nil {
		return nil, err
	}
	for _, p := range cfg.File.Peers {
		r.states[p.Name] = &peerState{PeerState: core.PeerState{Name: p.Name, Told: !learns(p.Families)}}
		if learns(p.Families) {
			r.db.Expect(p.Name)
		}
	}
	if err := r.speaker.SetPeers(cfg.File.Sessions()); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// Close ends the sessions. Run does too.
func (r *Routers) Close() { r.speaker.Close() }

// Peers are the configured ones as they are before Run, for core.Started; none
// without a file.
func Peers(f *file.File) []core.PeerState {
	if f == nil {
		return nil
	}
	out := make([]core.PeerState, 0, len(f.Peers))
	for _, p := range f.Peers {
		out = append(out, core.PeerState{Name: p.Name, Told: !learns(p.Families)})
	}
	sortPeers(out)
	return out
}

// learns reports whether the topology is learned over one of the families.
func learns(families []message.Family) bool {
	return slices.ContainsFunc(families, isLinkState)
}

func isLinkState(f message.Family) bool { return f == message.LinkState || f == message.LinkStateVPN }

// States are what an operator wants to know of the sessions.
func (r *Routers) States() []bgp.State { return r.speaker.States() }

// View is what has been learned last; nil: nothing yet.
func (r *Routers) View() *lsdb.View { return r.view.Load() }

// Run holds the sessions until ctx ends.
func (r *Routers) Run(ctx context.Context) error {
	defer r.Close()
	var keeping sync.WaitGroup
	defer keeping.Wait()
	keeping.Go(func() { r.ran.keep(ctx) })
	poll, none := context.WithCancel(ctx)
	none()
	var earliest time.Time // of the next View
	for ctx.Err() == nil {
		r.wait(ctx, poll, earliest)
		if ctx.Err() != nil {
			break
		}
		began := time.Now()
		r.endDeferrals(began)
		r.tell()
		pause := time.Since(began)
		if r.filling() {
			pause *= 4 // most of it would be asked for in vain
		}
		earliest = time.Now().Add(max(pause, leastPause))
	}
	return nil
}

const (
	// leastPause is between two Views: a Core that has something to do all the
	// time would do nothing else.
	leastPause = 20 * time.Millisecond
	// look is how often it is looked what has no event.
	look = time.Second
)

// wait takes in what comes, until it is time for a View, and what was waiting by
// then is taken in too.
func (r *Routers) wait(ctx, poll context.Context, earliest time.Time) {
	due := time.Now().Add(look)
	var enough time.Time
	for {
		now := time.Now()
		from, until := ctx, due
		switch {
		case r.pending() && now.Before(earliest):
			until = earliest
		case r.pending() && enough.IsZero():
			from, enough = poll, now.Add(leastPause)
		case r.pending() && now.Before(enough):
			from = poll
		case !now.Before(due), r.pending():
			return
		}
		bounded, stop := context.WithDeadline(from, until)
		batch, err := r.speaker.Next(bounded)
		stop()
		switch {
		case err == nil:
			r.take(batch)
		case ctx.Err() != nil || from == poll:
			return
		}
	}
}

func (r *Routers) pending() bool { return r.changed || len(r.news) > 0 }

// filling reports whether a peer says for the first time what there is.
func (r *Routers) filling() bool {
	for _, p := range r.states {
		if !p.Told && len(p.waiting) > 0 {
			return true
		}
	}
	return false
}

// tell feeds the Core what has changed.
func (r *Routers) tell() {
	var events []core.Event
	if r.changed {
		r.changed = false
		events = append(events, r.learned())
	}
	events = append(events, r.news...)
	r.news = nil
	if peers := r.peers(); !slices.Equal(peers, r.told) {
		r.told = peers
		events = append(events, core.PeersChanged{Peers: slices.Clone(peers)})
	}
	if len(events) > 0 {
		r.cfg.Feed(events)
	}
}

// peers are their states by name, with why a session is not there.
func (r *Routers) peers() []core.PeerState {
	why := map[string]string{}
	for _, s := range r.speaker.States() {
		why[s.Peer] = s.LastError
	}
	out := make([]core.PeerState, 0, len(r.states))
	for name, p := range r.states {
		state := p.PeerState
		if state.Reason = ""; !state.Up {
			state.Reason = why[name]
		}
		out = append(out, state)
	}
	sortPeers(out)
	return out
}

func sortPeers(peers []core.PeerState) {
	slices.SortFunc(peers, func(a, b core.PeerState) int { return strings.Compare(a.Name, b.Name) })
}
