package keying

import (
	"cmp"
	"slices"
	"time"

	"github.com/keiro-net/keiro/keys/hybrid"
	"github.com/keiro-net/keiro/keys/rotate"
)

// Phase is what a lane may do.
type Phase uint8

// The phases. Whatever is not known is Closed.
const (
	Closed   Phase = iota // nothing may enter the lane
	Draining              // it carries, but is going to be closed: use another
	Open
)

func (p Phase) String() string { return [...]string{"closed", "draining", "open"}[p] }

// LaneState is what is known of a lane. There is no secret in it.
type LaneState struct {
	Lane   rotate.Lane
	Peer   string
	Phase  Phase
	Reason string       // of Closed and Draining
	Floor  rotate.Level // the least level that lets it carry packets
	// Level, Epoch and Since are those of the key that WireGuard was given
	// last. Of epoch 0 there is none.
	Level     rotate.Level
	Epoch     uint64
	Since     time.Time // when the key was agreed
	Proven    bool      // a handshake has used it
	Handshake time.Time // the last one that was seen
	// Interface is the lane's; Sent and Received are WireGuard's bytes when it
	// was asked last.
	Interface      string
	Sent, Received uint64
}

// Alarm is something an operator must know, and has not been resolved.
type Alarm struct {
	Peer string
	rotate.Alarm
}

// Names of the alarms of this package. Stable: operators' rules match them.
const (
	StateRefused = "StateRefused" // the state of a pair on disk cannot be read
	SilenceError = "SilenceError" // a lane that is closed, or gone, may still carry
	// IdentityChanged: a peer has another identity than it had, for a day.
	IdentityChanged = "IdentityChanged"
)

// Counters count since New.
type Counters struct {
	Drifts         uint64 // changes of lanes by others
	Received, Sent uint64 // datagrams
	// Refused counts datagrams, messages and calls by their reason, those of
	// packages hybrid and datagram included.
	Refused map[hybrid.Refusal]uint64
	// Pairs is the sum of all machines', those of peers that left included.
	Pairs rotate.Counts
	// Messages in parts that are held now, and their bytes.
	Messages, Bytes int
}

// Lanes returns the state of every lane, by peer and lane.
func (k *Keyer) Lanes() []LaneState {
	k.mu.Lock()
	defer k.mu.Unlock()
	var all []LaneState
	for _, p := range k.peers {
		for id, l := range p.lanes {
			s := LaneState{Lane: id, Peer: p.Node, Phase: l.phase, Reason: l.reason, Handshake: l.handshake, Floor: l.spec.Level,
				Interface: l.spec.Interface, Sent: l.sent, Received: l.received}
			if p.machine != nil {
				v := p.machine.View(id)
				s.Floor = max(s.Floor, v.Floor)
				s.Level, s.Epoch, s.Since, s.Proven = v.Level, v.Epoch, v.Since, v.Proven
			}
			switch {
			case s.Phase == Closed:
			case l.alarm != "":
				s.Phase, s.Reason = Closed, "WireGuard may still have a key that is not to be used"
			case !l.keyed:
				s.Phase, s.Reason = Closed, "WireGuard has no key"
			}
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b LaneState) int {
		return cmp.Or(cmp.Compare(a.Peer, b.Peer), cmp.Compare(a.Lane.Intent, b.Lane.Intent), cmp.Compare(a.Lane.Index, b.Lane.Index))
	})
	return all
}

// Settled: what was Set last has been taken in, and of every lane it is known
// whether it has kept its key over a restart.
func (k *Keyer) Settled() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, p := range k.peers {
		if p.machine == nil && p.reload.IsZero() {
			return false
		}
	}
	return k.want == nil
}

// Alarms returns those that are firing, by peer, name and lane.
func (k *Keyer) Alarms() []Alarm {
	k.mu.Lock()
	defer k.mu.Unlock()
	var all []Alarm
	for _, p := range k.peers {
		for _, a := range p.alarms {
			all = append(all, Alarm{p.Node, a})
		}
		for _, l := range p.lanes {
			all = append(all, l.alarms()...)
		}
	}
	for _, l := range k.leaving {
		all = append(all, l.alarms()...)
	}
	slices.SortFunc(all, func(a, b Alarm) int {
		return cmp.Or(cmp.Compare(a.Peer, b.Peer), cmp.Compare(a.Name, b.Name),
			cmp.Compare(a.Lane.Intent, b.Lane.Intent), cmp.Compare(a.Lane.Index, b.Lane.Index))
	})
	return all
}

// alarms is that it may carry, if it was to be silenced and may.
func (l *laneOf) alarms() []Alarm {
	if l.alarm == "" {
		return nil
	}
	return []Alarm{{l.peer.Node, rotate.Alarm{Name: SilenceError, Lane: l.spec.ID, Firing: true, Message: l.alarm}}}
}

// Epoch is that of the pair with a peer, on disk; 0: none, or no such peer.
func (k *Keyer) Epoch(peer string) uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	if p := k.peers[peer]; p != nil && p.machine != nil {
		return p.machine.Epoch()
	}
	return 0
}

// Counters returns a snapshot.
func (k *Keyer) Counters() Counters {
	k.mu.Lock()
	defer k.mu.Unlock()
	c := k.counts
	c.Received, c.Refused = k.outside.received.Load(), k.outside.read()
	for reason, n := range k.counts.Refused {
		c.Refused[reason] += n
	}
	for _, p := range k.peers {
		if p.machine != nil {
			c.Pairs = sum(c.Pairs, p.machine.Counts())
		}
	}
	c.Messages, c.Bytes = k.inbox.Held()
	return c
}

func sum(a, b rotate.Counts) rotate.Counts {
	return rotate.Counts{
		Malformed: a.Malformed + b.Malformed, Foreign: a.Foreign + b.Foreign, Reflected: a.Reflected + b.Reflected,
		WrongEpoch: a.WrongEpoch + b.WrongEpoch, Unknown: a.Unknown + b.Unknown, Forged: a.Forged + b.Forged,
		Busy: a.Busy + b.Busy, Duplicate: a.Duplicate + b.Duplicate,
		Started: a.Started + b.Started, Abandoned: a.Abandoned + b.Abandoned,
		Committed: a.Committed + b.Committed, Resent: a.Resent + b.Resent,
	}
}
