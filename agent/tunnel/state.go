package tunnel

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keiro-net/keiro/agent/keying"
	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/keys/rotate"
)

// States tells of every lane of the last Config, by name.
func (l *Lanes) States() []nodecfg.LaneState {
	l.mu.Lock()
	defer l.mu.Unlock()
	states := make([]nodecfg.LaneState, 0, len(l.names)+len(l.refused))
	for name, why := range l.refused {
		states = append(states, nodecfg.LaneState{Name: name, Reason: why})
	}
	known := make(map[rotate.Lane]bool)
	if l.keyer != nil && l.failed == "" {
		l.count()
		for _, s := range l.keyer.Lanes() {
			if name, ok := l.names[s.Lane]; ok {
				known[s.Lane] = true
				states = append(states, l.state(name, s))
			}
		}
	}
	for id, name := range l.names {
		if !known[id] {
			states = append(states, nodecfg.LaneState{Name: name, Reason: l.failed})
		}
	}
	slices.SortFunc(states, func(a, b nodecfg.LaneState) int { return strings.Compare(a.Name, b.Name) })
	return states
}

func (l *Lanes) state(name string, s keying.LaneState) nodecfg.LaneState {
	out := nodecfg.LaneState{
		Name: name, Interface: s.Interface, Peer: s.Peer,
		Open: s.Phase != keying.Closed, Draining: s.Phase == keying.Draining, Reason: s.Reason,
		Handshake: s.Handshake, Proven: s.Proven,
		Sent: s.Sent, Received: s.Received, Dropped: l.dropped[s.Interface],
	}
	if s.Floor == rotate.QKD {
		l.drain(&out)
	}
	if s.Epoch > 0 {
		out.Level, out.Epoch, out.Keyed = s.Level.String(), s.Epoch, s.Since
	}
	return out
}

// drain says of a lane that needs QKD keys when there will soon be none: one
// that is open is to be left before it closes, for it closes when its key is
// too old and there was none for another.
func (l *Lanes) drain(s *nodecfg.LaneState) {
	why := l.Quantum.Drain(s.Peer)
	switch {
	case why == "":
	case s.Open && !s.Draining:
		s.Draining, s.Reason = true, why
	default:
		s.Reason += "; " + why
	}
}

// countEvery bounds how often the kernel is asked for its counters.
const countEvery = 5 * time.Second

func (l *Lanes) count() {
	if time.Since(l.counted) < countEvery {
		return
	}
	l.counted = time.Now()
	dropped, err := l.Devices.Dropped()
	if err != nil {
		l.Log.Debug("counters of lanes", "error", err)
		return
	}
	l.dropped = dropped
}

// Keying tells what else there is to say of the keys; nil where there is
// neither a lane nor a link with a QKD system.
func (l *Lanes) Keying() *nodecfg.Keying {
	l.mu.Lock()
	defer l.mu.Unlock()
	unkept := l.unkept()
	if l.keyer == nil && !l.stores && unkept == "" {
		return nil
	}
	out := &nodecfg.Keying{Stores: l.Quantum.Stores()}
	if unkept != "" { // an agent that ended before a lane was silent knows only that it is still there
		out.Alarms = append(out.Alarms, nodecfg.KeyAlarm{
			Name: keying.SilenceError, Message: "an interface that is of no lane any more may still carry: " + unkept,
		})
	}
	if l.keyer != nil {
		l.tell(out)
	}
	slices.SortFunc(out.Alarms, func(a, b nodecfg.KeyAlarm) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Peer, b.Peer), strings.Compare(a.Lane, b.Lane))
	})
	for fault, n := range l.Quantum.Faults() {
		if out.Counts.Refused == nil {
			out.Counts.Refused = make(map[string]uint64)
		}
		out.Counts.Refused["KME: "+fault] = n
	}
	return out
}

// tell adds what the keyer knows.
func (l *Lanes) tell(out *nodecfg.Keying) {
	for _, a := range l.keyer.Alarms() {
		lane := a.Lane.Intent
		if name, ok := l.names[a.Lane]; ok {
			lane = name
		}
		out.Alarms = append(out.Alarms, nodecfg.KeyAlarm{Name: a.Name, Peer: a.Peer, Lane: lane, Message: a.Message})
	}
	c := l.keyer.Counters()
	out.Counts = nodecfg.KeyCounts{
		Started: c.Pairs.Started, Committed: c.Pairs.Committed, Abandoned: c.Pairs.Abandoned, Refused: refused(c),
	}
}

// refused counts everything that came in and was not acted on, by reason.
func refused(c keying.Counters) map[string]uint64 {
	all := make(map[string]uint64)
	for reason, n := range c.Refused {
		all[string(reason)] += n
	}
	for reason, n := range map[string]uint64{
		"of an epoch that is over": c.Pairs.WrongEpoch, "of an unknown exchange": c.Pairs.Unknown,
		"an exchange too many": c.Pairs.Busy, "seen before": c.Pairs.Duplicate, "reflected": c.Pairs.Reflected,
	} {
		if n > 0 {
			all[reason] += n
		}
	}
	return all
}

// maxWithin bounds how long a controller may have keys stay that are to go.
const maxWithin = time.Hour

func urge(r nodecfg.RotateRequest) rotate.RotateNow {
	return rotate.RotateNow{Within: min(max(r.Within, 0), maxWithin), Compromised: r.Compromised}
}

// Rotate asks for new keys. It does not wait for them.
func (l *Lanes) Rotate(r nodecfg.RotateRequest) nodecfg.RotateResult {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := nodecfg.RotateResult{ID: r.ID}
	now := urge(r)
	switch {
	case l.keyer == nil:
		out.Error = "this node has no lanes"
		if l.failed != "" {
			out.Error = l.failed
		}
	case r.Peer != "" && r.Intent != "":
		out.Error = "an intent or a peer, not both"
	case r.Peer != "":
		if l.keyer.Rekey(r.Peer, now) {
			out.Pairs = 1
		}
	default:
		out.Pairs = l.keyer.Rotate(r.Intent, now)
	}
	if out.Error == "" && out.Pairs == 0 {
		out.Error = fmt.Sprintf("no lane of intent %q or to peer %q here", r.Intent, r.Peer)
	}
	return out
}
