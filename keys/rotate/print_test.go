package rotate

// world writes all of a world that can matter from now on.
func (p *printer) world() {
	w := p.w
	p.base = min(w.side[0].disk.Epoch, w.side[1].disk.Epoch)
	for i := range w.side {
		p.side(w.side[i])
	}
	for n := range w.sessions {
		s := &w.sessions[n]
		p.flag(s.alive)
		if s.alive {
			p.key(s.key)
			p.age(s.since)
		}
	}
	p.num(uint64(len(w.wire)))
	for _, packet := range w.wire {
		p.num(uint64(packet.to))
		p.msg(packet.data)
	}
}

func (p *printer) side(s *side) {
	p.flag(s.down)
	p.flag(s.lowered)
	p.wait(s.breach)
	p.state(&s.disk)
	p.flag(s.write != nil)
	if s.write != nil {
		p.state(s.write)
	}
	p.num(uint64(len(s.installs)))
	for _, e := range s.installs {
		p.num(uint64(e.Lane.Index))
		p.secret(e.Key)
	}
	p.num(uint64(len(s.qkd)))
	for _, e := range s.qkd {
		p.num(uint64(e.Lane.Index))
		p.name(qkdNumber(e.ID))
	}
	for i := range s.wg {
		d := &s.wg[i]
		p.key(d.psk)
		p.age(d.born)
		p.epoch(d.newest)
		p.flag(d.open)
		p.flag(d.asked)
	}
	if !s.down {
		p.machine(s.m)
	}
}

func (p *printer) state(s *State) {
	p.epoch(s.Epoch)
	p.epoch(s.Distrusted)
	for _, f := range s.Floors {
		p.num(uint64(f.Level))
	}
	p.num(uint64(len(s.Lanes)))
	for i := range s.Lanes {
		r := &s.Lanes[i]
		p.num(uint64(r.Lane.Index))
		p.epoch(r.Epoch)
		p.num(uint64(r.Level))
		p.age(r.Since)
		p.flag(r.Clean)
	}
}

// saturated: the backoff grows no more after that.
const saturated = 6

func (p *printer) machine(m *Machine) {
	p.state(&m.disk.want)
	p.state(&m.disk.durable)
	p.flag(m.disk.writing)
	if m.disk.writing {
		p.state(&m.disk.written)
	}
	p.num(uint64(min(m.disk.failed, saturated)))
	p.wait(m.disk.retry)
	p.wait(m.proveBy)
	for i := range m.lanes {
		p.lane(&m.lanes[i])
	}
	if m.initiator {
		p.epoch(m.tried)
		p.num(uint64(min(m.failures, saturated)))
		p.wait(m.hold)
		p.attempt(m.try)
		return
	}
	p.num(uint64(len(m.half)))
	for i := range m.half {
		h := &m.half[i]
		p.exchange(h.exchange)
		p.epoch(h.epoch)
		p.msg(h.reply)
		p.age(h.at)
	}
	p.exchange(m.last.exchange)
	p.msg(m.last.commit)
	p.epoch(m.nudgeOf)
	p.num(uint64(min(m.nudges, saturated)))
	p.wait(m.nudgeAt)
	p.accepting(m.accept)
}

func (p *printer) lane(l *lane) {
	p.num(uint64(l.need))
	p.wait(l.due)
	p.num(uint64(min(l.tries, saturated)))
	p.held(&l.next)
	p.flag(l.installing)
	p.epoch(l.given)
	p.wait(l.retry)
	p.num(uint64(min(l.failed, saturated)))
	p.held(&l.current)
	p.num(uint64(len(l.old)))
	for i := range l.old {
		p.secret(l.old[i].secret)
	}
	p.wait(l.askAt)
	p.epoch(l.oldest)
	p.wait(l.oldUntil)
	p.secret(l.spare.Key)
	p.num(uint64(l.phase))
	p.wait(l.born.Add(alarmAfter))
}

func (p *printer) held(k *key) {
	p.epoch(k.epoch)
	if k.epoch == 0 {
		return
	}
	p.num(uint64(k.level))
	p.age(k.since)
	p.flag(k.proven)
	if !k.proven {
		p.age(k.at)
	}
	p.flag(k.secret != nil)
	p.secret(k.secret)
}

func (p *printer) attempt(t *attempt) {
	p.flag(t != nil)
	if t == nil {
		return
	}
	p.num(uint64(t.stage))
	p.lanes(t.lanes)
	p.lanes(t.missing)
	p.wait(t.until)
	p.epoch(t.epoch)
	p.exchange(t.exchange)
	p.offers(t.offers)
	p.msg(t.msg)
	p.num(uint64(t.sent))
	p.wait(t.resend)
	for _, q := range t.quanta {
		p.secret(q.Key)
	}
}

func (p *printer) accepting(a *accepting) {
	p.flag(a != nil)
	if a == nil {
		return
	}
	p.exchange(a.exchange)
	p.epoch(a.epoch)
	r := a.secret.(*fakeResponder)
	p.name(r.init.r)
	p.flag(a.fetching)
	p.offers(a.offers)
	p.lanes(a.missing)
	p.wait(a.until)
	for _, q := range a.quanta {
		p.secret(q.Key)
	}
}
