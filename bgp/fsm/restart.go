package fsm

import (
	"slices"
	"time"

	"github.com/keiro-net/keiro/bgp/message"
)

// Graceful restart, of the peer (RFC 4724 section 4.2, RFC 8538): what it has
// said before its session ended is stale for the time that it has asked for,
// until it is back and has said all of it again.

// down ends the session.
func (m *Machine) down(s Session, f failure) {
	d := Down{Reason: f.reason}
	if g := s.Peer.GracefulRestart; m.running && m.cfg.RestartTime > 0 && g != nil && g.Time > 0 && (f.lost || f.gently && g.Notification) {
		for _, family := range s.Families {
			if g.Has(family) {
				d.Stale = append(d.Stale, family)
			}
		}
		if len(d.Stale) > 0 {
			d.Until = m.now.Add(g.Time)
		}
	}
	// What was stale before and was not said again is forgotten with this Down.
	m.stale, m.staleAt = slices.Clone(d.Stale), d.Until
	m.emit(d)
}

// restarted looks at what the peer has kept, now that it is back.
func (m *Machine) restarted(o message.Open) {
	var gone []message.Family
	for _, f := range m.stale {
		if !o.GracefulRestart.Keeps(f) {
			gone = append(gone, f)
		}
	}
	if len(gone) > 0 {
		m.flush(gone, "the peer has not kept its forwarding state")
	}
	if len(m.stale) > 0 {
		m.staleAt = m.now.Add(m.cfg.Times.StalePath)
	}
}

// flush ends the waiting of some stale families.
func (m *Machine) flush(families []message.Family, reason string) {
	families = slices.Clone(families)
	m.stale = slices.DeleteFunc(m.stale, func(f message.Family) bool { return slices.Contains(families, f) })
	if len(m.stale) == 0 {
		m.stale, m.staleAt = nil, time.Time{}
	}
	m.emit(Flush{Families: families, Reason: reason})
}
