package routers

import (
	"time"

	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/bgp/rib"
	"github.com/keiro-net/keiro/controller/core"
	"github.com/keiro-net/keiro/controller/live"
)

// take takes in one peer's news, its parts from the top.
func (r *Routers) take(b rib.Batch) {
	p := r.states[b.Peer]
	if p == nil {
		return // removed already
	}
	now := time.Now()
	p.heardAt = now
	if b.Down != nil {
		r.down(p, b.Down)
	}
	if b.Up != nil {
		r.up(p, b.Up)
	}
	for i := range b.Reach {
		r.reach(p, &b.Reach[i])
	}
	for i := range b.Unreach {
		r.unreach(p, &b.Unreach[i], now)
	}
	for _, f := range b.EndOfRIB {
		r.endOfRIB(p, f, now)
	}
	for _, f := range b.Faults {
		r.lost.warn(f.At, b.Peer, f.Text)
	}
	r.lost.more(b.Peer, b.MoreFaults)
	if b.Removed {
		r.reported(p.reports.clear(b.Peer))
		r.db.Remove(b.Peer)
		delete(r.states, b.Peer)
		r.changed = true
	}
}

func (r *Routers) down(p *peerState, d *rib.Down) {
	p.Up, p.Since, p.waiting = false, d.At, nil
	// What a headend that is not heard holds, nobody knows, unless it has asked for
	// patience.
	if !containsFamily(d.Stale, message.LinkState) {
		r.reported(p.reports.clear(p.Name))
	}
	if r.learns(p.Name) {
		r.db.Lost(p.Name, d.At)
		r.changed = true
	}
}

func (r *Routers) up(p *peerState, u *rib.Up) {
	p.Up, p.Since = true, u.At
	p.upAt, p.waiting = u.At, map[message.Family]bool{}
	var families []ls.Family
	for _, f := range u.Families {
		if isLinkState(f) {
			families, p.waiting[f] = append(families, lsFamily(f)), true
		}
	}
	if len(families) > 0 {
		r.db.Up(p.Name, u.At, families...)
		r.changed = true
	} else if r.learns(p.Name) {
		r.lost.warn(u.At, p.Name, "the session has no BGP-LS family: the peer did not agree to any, so nothing is learned from it")
	}
}

func (r *Routers) reach(p *peerState, o *rib.Object) {
	if !isLinkState(o.Family) {
		return // routes that a peer has of its own accord
	}
	if event, is := p.reports.reach(p.Name, o); is {
		r.reported(event)
		return
	}
	if err := r.db.Reach(p.Name, o.LS, o.Attribute, o.At); err != nil {
		r.lost.warn(o.At, p.Name, err.Error())
		return
	}
	r.changed = true
}

func (r *Routers) unreach(p *peerState, n *rib.Name, now time.Time) {
	if !isLinkState(n.Family) {
		return
	}
	if event, is := p.reports.unreach(p.Name, n); is {
		r.reported(event)
		return
	}
	if err := r.db.Unreach(p.Name, n.LS, now); err != nil {
		r.lost.warn(now, p.Name, err.Error())
		return
	}
	r.changed = true
}

func (r *Routers) endOfRIB(p *peerState, f message.Family, now time.Time) {
	if !isLinkState(f) {
		return
	}
	r.db.EndOfRIB(p.Name, lsFamily(f), now)
	delete(p.waiting, f)
	p.Told = p.Told || len(p.waiting) == 0
	r.changed = true
}

// endDeferrals ends the waiting for peers that do not say that they have said
// all: they are silent, or never are.
func (r *Routers) endDeferrals(now time.Time) {
	for _, p := range r.states {
		if len(p.waiting) == 0 || now.Sub(p.heardAt) < r.cfg.Deferral && now.Sub(p.upAt) < 10*r.cfg.Deferral {
			continue
		}
		for f := range p.waiting {
			r.cfg.Log.Info("a BGP peer does not say that it has said all (End-of-RIB): it is taken to have", "peer", p.Name, "family", f.String(), "waited", now.Sub(p.upAt).Round(time.Second))
			r.endOfRIB(p, f, now)
		}
	}
}

// learned is what is known now, joined with what is declared now.
func (r *Routers) learned() core.Learned {
	v := r.db.View()
	r.view.Store(v)
	e := core.Learned{View: v}
	if t := r.cfg.Topology(); t != nil {
		e.Joined = live.Join(t, v)
	}
	return e
}

func (r *Routers) learns(peer string) bool {
	for _, p := range r.cfg.File.Peers {
		if p.Name == peer {
			return learns(p.Families)
		}
	}
	return false
}

func (r *Routers) reported(events []core.Event) { r.news = append(r.news, events...) }

func lsFamily(f message.Family) ls.Family { return ls.Family{VPN: f == message.LinkStateVPN} }

func containsFamily(list []message.Family, f message.Family) bool {
	for _, one := range list {
		if one == f {
			return true
		}
	}
	return false
}
