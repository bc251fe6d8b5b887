package bgp

import (
	"net/netip"
	"time"

	"github.com/keiro-net/keiro/bgp/fsm"
	"github.com/keiro-net/keiro/bgp/message"
)

// State is what an operator wants to know of a peer.
type State struct {
	Peer     string
	Remote   netip.AddrPort
	Local    netip.AddrPort // of the session; invalid without one
	AS       uint32
	ID       netip.Addr // the peer's BGP Identifier; invalid without a session
	State    fsm.State
	Since    time.Time
	HoldTime time.Duration // negotiated, or else proposed
	Security string        // in words
	Passive  bool
	// Families are those of the session, or else those configured; Disabled are
	// those of the session whose routes could not be read (RFC 7606).
	Families, Disabled []message.Family

	// LastError is the last thing that went wrong, in words, empty for nothing.
	LastError   string
	LastErrorAt time.Time
	// LastFault is the last thing that was wrong in an UPDATE.
	LastFault   string
	LastFaultAt time.Time
	IdleUntil   time.Time // zero: it is not held in Idle
	// GracefulRestart is how long the peer's objects are kept while it restarts; 0
	// without a session, and where they are not.
	GracefulRestart time.Duration
	StaleUntil      time.Time // zero: nothing is stale

	Objects, Stale int // in the Adj-RIB-In
	Routes         int // in the Adj-RIB-Out
	Pending        int // of them not said yet, and withdrawals not said yet
	// NotSaid is why a route could not be said in this session.
	NotSaid string

	Updates   uint64 // received, ever
	Withdrawn uint64 // objects
	Faults    uint64
	Ignored   uint64 // NLRI lists of families that are not read
	Flaps     uint64 // ends of sessions
}

// publish tells others the state that the peer's goroutine sees.
func (p *peer) publish() {
	v := p.machine.View()
	s := State{
		Peer: p.cfg.Name, Remote: p.cfg.remote(), Local: p.reached(), AS: p.cfg.AS, State: v.State, Since: v.Since,
		HoldTime: p.cfg.holdTime(), Security: p.cfg.security().String(), Passive: p.cfg.Passive, Families: p.cfg.Families,
		LastError: v.Reason, LastErrorAt: v.ReasonAt, IdleUntil: v.IdleUntil, StaleUntil: v.StaleTill,
	}
	if p.session != nil {
		s.ID, s.HoldTime, s.Families = p.session.Peer.ID, p.session.HoldTime, p.session.Families
		for _, f := range s.Families {
			if p.session.disabled[f] {
				s.Disabled = append(s.Disabled, f)
			}
		}
		if g := p.session.Peer.GracefulRestart; g != nil && p.speaker.cfg.RestartTime > 0 {
			s.GracefulRestart = g.Time
		}
	}
	p.mu.Lock()
	s.LastFault, s.LastFaultAt = p.state.LastFault, p.state.LastFaultAt
	p.state = s
	p.mu.Unlock()
}

func (p *peer) lastFault(at time.Time, text string) {
	p.mu.Lock()
	p.state.LastFault, p.state.LastFaultAt = text, at
	p.mu.Unlock()
}

// view is the state with what changes by the message.
func (p *peer) view() State {
	p.mu.Lock()
	s := p.state
	p.mu.Unlock()
	s.Objects, s.Stale = p.in.Counts()
	s.Routes, s.Pending, s.NotSaid = p.out.Counts()
	c := &p.counts
	s.Updates, s.Withdrawn, s.Faults, s.Ignored, s.Flaps = c.updates.Load(), c.withdrawn.Load(), c.faults.Load(), c.ignored.Load(), c.flaps.Load()
	return s
}
