package show

import (
	"slices"
	"time"

	"github.com/keiro-net/keiro/bgp"
	"github.com/keiro-net/keiro/bgp/lsdb"
	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/controller/api/resource"
)

// Peers are the states of BGP peers, beside what the controller has learned from
// them; nil: nothing yet.
func Peers(states []bgp.State, learned *lsdb.View) []*resource.Peer {
	out := make([]*resource.Peer, 0, len(states))
	for i := range states {
		p := peerOf(&states[i])
		if learned != nil {
			p.Complete = slices.ContainsFunc(learned.Peers, func(l lsdb.PeerState) bool { return l.Name == p.Name && l.Complete })
		}
		out = append(out, p)
	}
	return out
}

func peerOf(s *bgp.State) *resource.Peer {
	out := &resource.Peer{
		Name: s.Peer, Address: s.Remote.String(), AS: s.AS, State: s.State.String(), Since: s.Since, Passive: s.Passive,
		Families: families(s.Families), HoldTime: int64(s.HoldTime / time.Second), Security: s.Security,
		Restart: int64(s.GracefulRestart / time.Second),
		Objects: s.Objects, Stale: s.Stale, StaleUntil: s.StaleUntil, Routes: s.Routes, Pending: s.Pending, NotSaid: s.NotSaid,
		Updates: s.Updates, Withdrawn: s.Withdrawn, Faults: s.Faults, Ignored: s.Ignored, Flaps: s.Flaps,
		LastError: s.LastError, LastErrorAt: s.LastErrorAt, LastFault: s.LastFault, LastFaultAt: s.LastFaultAt, IdleUntil: s.IdleUntil,
		Advice: advice(s),
	}
	if len(s.Disabled) > 0 {
		out.Disabled = families(s.Disabled)
	}
	if s.Local.IsValid() {
		out.LocalAddress = s.Local.String()
	}
	if s.ID.IsValid() {
		out.RouterID = s.ID.String()
	}
	return out
}

func families(list []message.Family) []string {
	out := make([]string, 0, len(list))
	for _, f := range list {
		out = append(out, f.String())
	}
	return out
}
