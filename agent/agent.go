// Package agent makes one machine obey its nodecfg.Config, puts back what
// others change, switches paths by itself, and reports what is really there.
// One goroutine owns all state: it observes, plans, applies, observes again
// and reports. It never talks to the network itself: kernel, prober, routes and
// session are behind the interfaces below. Before a valid Config was received
// or read from disk it touches nothing, but for the fences of the floors that
// it has kept (package floor). cmd/keiro-agent and lab run it.
//
// package budget: one loop owns all that is known of a node, and its parts share it
package agent

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/keiro-net/keiro/agent/floor"
	"github.com/keiro-net/keiro/agent/guard"
	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/rtnl"
	"github.com/keiro-net/keiro/agent/steer"
)

// Kernel is the kernel's network namespace: an rtnl.Handle.
type Kernel interface {
	// Watch subscribes to changes; what happens after it returned is not missed.
	Watch(ctx context.Context) (*rtnl.Watcher, error)
	// Observe lists what is there; of sysctls, those that want names.
	Observe(want nodecfg.State) (rtnl.Seen, error)
	// Silent reads again what changes without a word.
	Silent(want nodecfg.State) (nodecfg.State, error)
	// Apply does one operation; what is already so is no error.
	Apply(op nodecfg.Op) error
}

// Prober finds out whether paths work: a probe.Prober.
type Prober interface {
	// Set begins to probe the paths of a Config, and no others.
	Set(cfg *nodecfg.Config)
	// Changes has a token when States says something new.
	Changes() <-chan struct{}
	States() []nodecfg.PathState
	// Trace sends packets down the paths of an intent; it takes seconds.
	Trace(ctx context.Context, cfg *nodecfg.Config, req nodecfg.TraceRequest) nodecfg.TraceResult
}

// Lanes keeps the encrypted tunnels of a node and their keys.
type Lanes interface {
	// Set makes those of a Config, and no others. It returns when the
	// interfaces are there that can be there. Lowered says when root lowered
	// the floors of which intents last.
	Set(cfg *nodecfg.Config, lowered map[string]time.Time)
	// Changes has a token when States says something new.
	Changes() <-chan struct{}
	// States are sorted by name.
	States() []nodecfg.LaneState
	// Keying is what else there is to say of their keys; nil: nothing.
	Keying() *nodecfg.Keying
	// Drifts are what others changed of them, the oldest first, and how many
	// there were. All are put back.
	Drifts() (latest []nodecfg.Drift, total uint64)
	// Rotate asks for new keys; it does not wait for them.
	Rotate(nodecfg.RotateRequest) nodecfg.RotateResult
}

// Routes are what peers say by BGP: a headend.Headend.
type Routes interface {
	// Changes has a token when Heard says something new.
	Changes() <-chan struct{}
	Heard() *steer.Heard
}

// Options are what an agent is made of.
type Options struct {
	Node    string // its name; Configs for another node are refused
	Dir     string // where the last good Config is kept
	Kernel  Kernel
	Prober  Prober
	Lanes   Lanes   // nil: none is ever open
	Ways    Ways    // nil: nobody can tell
	Samples Samples // nil: none are taken
	In      <-chan nodecfg.ToAgent
	Out     chan<- nodecfg.FromAgent
	// Begun has a token when a session with the controller has begun, which
	// may know nothing: the whole Report goes out again.
	Begun <-chan struct{}
	// Orders are those of the node's root.
	Orders <-chan floor.Order
	// Routes bring policies by BGP; nil: there are none but those of the Config.
	Routes Routes
	// Near are the networks that the node is attached to, and whom else it speaks to:
	// no policy by BGP takes them. It is called often; what
	// it returns is nil if it cannot tell, and so may it be itself.
	Near func() []netip.Prefix
	Log  *slog.Logger
}

const (
	// settle is the least time between two listings of the kernel's state, and
	// rest times what the last one took, so that a storm of foreign events does not
	// keep the machine busy. What comes alone does not wait for it, nor does
	// local repair.
	settle = 10 * time.Millisecond
	rest   = 4
	// resync is the time after which the kernel is listed though it told nothing.
	resync = 3 * time.Minute
	// refresh is the time after which a Report goes out in which nothing but
	// round trip times is new.
	refresh = 10 * time.Second
	// maxTraces bounds how many traces run at a time.
	maxTraces = 4
)

// Run obeys until the context ends. Its error says why it could not begin;
// later trouble is reported and tried again. What is installed stays.
func Run(ctx context.Context, o Options) error {
	l := &loop{
		Options:  o,
		traces:   make(chan nodecfg.TraceResult),
		failures: make(map[nodecfg.Object]*failure),
		touched:  make(map[nodecfg.Object]bool),
		began:    time.Now(),
	}
	if o.Lanes != nil {
		l.laneChanges = o.Lanes.Changes()
	}
	if o.Ways != nil {
		l.wayChanges = o.Ways.Changes()
	}
	if o.Samples != nil {
		l.leakChanges = o.Samples.Changes()
	}
	if o.Routes != nil {
		l.routeChanges, l.heard = o.Routes.Changes(), o.Routes.Heard()
		l.look()
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var err error
	if l.watch, err = o.Kernel.Watch(ctx); err != nil {
		return fmt.Errorf("agent %s: %w", o.Node, err)
	}
	if l.floors, err = LoadFloors(o.Dir, o.Node); err != nil {
		l.Log.Error("floors refused", "error", err)
		l.blind = &nodecfg.ObjectError{Object: "floors on disk", Error: err.Error()}
	}
	l.floorsKept = l.floors
	l.offDue, _ = l.floors.Fences(new(nodecfg.Config)) // too many only with a Config
	l.fenceOff()
	switch cfg, err := load(o.Dir); {
	case err != nil:
		l.refuse("config on disk", err)
	case cfg != nil:
		taken, err := l.acceptable(cfg)
		if err != nil {
			l.refuse("config on disk", err)
			break
		}
		l.Log.Info("obey the config kept on disk", "revision", cfg.Revision)
		l.obey(taken)
	}
	l.run(ctx)
	return nil
}

// loop is the state of an agent.
type loop struct {
	Options
	watch *rtnl.Watcher
	began time.Time

	cfg     *nodecfg.Config      // obeyed; nil: none yet
	given   *nodecfg.Config      // as the controller sent it
	asked   *nodecfg.Config      // given, with the policies that BGP brings
	refused *nodecfg.ObjectError // why the last Config offered is not obeyed
	unkept  *nodecfg.ObjectError // why cfg is not on disk

	floors       floor.Floors
	floorsKept   floor.Floors // on disk
	floorsRetry  time.Time
	floorsUnkept *nodecfg.ObjectError // why floors are not on disk
	blind        *nodecfg.ObjectError // why those on disk cannot be read
	fences       map[nodecfg.Rule]bool
	offDue       []nodecfg.Rule // that must stand before there is a Config, and do not
	offFailed    *nodecfg.ObjectError
	offRetry     time.Time
	offDelay     time.Duration
	floorStates  []nodecfg.FloorState

	links     map[string]rtnl.Link         // interfaces, by name
	linkState map[string]nodecfg.LinkState // of cfg's links, by name
	leftOut   map[string]bool              // paths taken out of their tables
	inherited inherited
	want      nodecfg.State
	have      nodecfg.State // what Observe said last, and what was applied since
	failures  map[nodecfg.Object]*failure
	unseen    error // why Observe failed
	reached   bool

	dirty    bool // have may be wrong
	stale    bool // want is not all that leftOut leads to
	observed time.Time
	listed   time.Duration // that the last listing took

	ledger  guard.Ledger
	touched map[nodecfg.Object]bool   // done since the last listing
	held    map[nodecfg.Object]string // not put back, and why
	short   bool                      // and so the kernel is not as the Config says
	looked  time.Time                 // for what changes without a word

	laneChanges, wayChanges, leakChanges <-chan struct{}

	mute    string               // why the node takes no part in in-band OAM
	foreign *nodecfg.ObjectError // mute, where somebody should know

	routeChanges <-chan struct{}
	heard        *steer.Heard
	near         []netip.Prefix
	unheard      bool                  // there is news of what was heard, or of what is near
	heardAt      time.Time             // last
	faults       []nodecfg.ObjectError // of what was heard, and is not done
	unsteered    *nodecfg.ObjectError  // why what was heard last is not obeyed

	sent    *nodecfg.Report // the last one that went out
	sentAt  time.Time
	pending *nodecfg.Report     // waits for the session
	answers []nodecfg.FromAgent // to traces and rotations
	traces  chan nodecfg.TraceResult
	tracing int
}

func (l *loop) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	l.report(false)
	for {
		timer.Reset(time.Until(l.next()))
		out, msg := l.message()
		select {
		case <-ctx.Done():
			return
		case m, ok := <-l.In:
			if !ok {
				l.In = nil
				continue
			}
			l.hear(ctx, m)
		case <-l.Begun:
			l.sent = nil
			l.report(false)
		case link := <-l.watch.Links:
			l.linkChanged(link)
		case <-l.watch.Wake:
			l.dirty = true
		case o := <-l.Orders:
			l.order(o)
		case <-l.Prober.Changes():
			l.steer()
			l.report(false)
		case <-l.laneChanges:
			l.steer()
			l.report(false)
		case <-l.wayChanges:
			l.report(false)
		case <-l.leakChanges:
			l.report(false)
		case <-l.routeChanges:
			l.unheard = true
		case r := <-l.traces:
			l.tracing--
			l.answers = append(l.answers, nodecfg.FromAgent{Trace: l.mark(&r)})
		case out <- msg:
			l.delivered(msg)
		case <-timer.C:
			l.tick()
		}
	}
}

// next is when there is something to do though nothing happens.
func (l *loop) next() time.Time {
	at := l.sentAt.Add(refresh)
	if due := l.due(); l.cfg != nil && due.Before(at) {
		at = due
	}
	if look := l.looked.Add(silent); l.cfg != nil && look.Before(at) {
		at = look
	}
	if heard := l.heardAt.Add(hearing); l.unheard && heard.Before(at) {
		at = heard
	}
	if l.floorsUnkept != nil && l.floorsRetry.Before(at) {
		at = l.floorsRetry
	}
	if l.offFailed != nil && l.offRetry.Before(at) {
		at = l.offRetry
	}
	return l.inherited.sooner(at)
}

// due is when to converge.
func (l *loop) due() time.Time {
	switch {
	case l.unseen != nil:
		return l.observed.Add(retryFirst)
	case l.dirty:
		return l.observed.Add(max(settle, rest*l.listed))
	}
	at := l.observed.Add(resync)
	if next := l.ledger.Next(l.observed); !next.IsZero() && next.Before(at) {
		at = next
	}
	for _, f := range l.failures {
		if !f.waits && f.retry.Before(at) {
			at = f.retry
		}
	}
	return at
}

// tick does what next has waited for.
func (l *loop) tick() {
	if l.floorsUnkept != nil && !time.Now().Before(l.floorsRetry) {
		l.keepFloors()
		l.steer()
	}
	if l.offFailed != nil && !time.Now().Before(l.offRetry) {
		l.fenceOff()
	}
	l.disinherit()
	if l.cfg != nil && !time.Now().Before(l.looked.Add(silent)) {
		l.lookAgain()
	}
	if l.cfg != nil && !time.Now().Before(l.due()) {
		l.converge()
	}
	if l.look(); l.unheard && !time.Now().Before(l.heardAt.Add(hearing)) {
		l.rehear()
	}
	l.report(!time.Now().Before(l.sentAt.Add(refresh)))
}
