package probe

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/probe/stamp"
	"github.com/keiro-net/keiro/agent/probe/wire"
)

// Run probes until ctx ends, and returns its error then. It is to be called
// once.
func (p *Prober) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var answering sync.WaitGroup
	defer answering.Wait()
	answering.Go(func() { p.reflector.run(ctx) })
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.wake:
		case <-timer.C:
		}
		next, err := p.round(time.Now())
		if err != nil {
			return err
		}
		timer.Stop()
		if next > 0 {
			timer.Reset(next)
		}
	}
}

var errClosed = errors.New("prober is closed")

// round takes in what came home, judges what did not, sends what is due, and
// says when it is to be called again; 0: not before the next Set.
func (p *Prober) round(now time.Time) (time.Duration, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return 0, errClosed
	}
	p.wall.look(now)
	// First the answers: none that came before now may be called lost.
	p.wire.Receive(p.wire.UDP(), func(a wire.Arrived) { p.take(a, now) })
	p.heard()
	lived := p.clock.advance(now, p.planned, p.interval)
	if p.interval == 0 || len(p.paths) == 0 {
		p.planned = 0
		return 0, nil
	}
	home := p.settle()
	next := p.interval
	for _, path := range p.paths {
		p.update(path, now, func(j *judge) { p.counters.Lost += uint64(j.expire(lived)) })
		for range path.judge.gone(lived) {
			path.bounds.packet(true)
		}
		if wait := path.due.Sub(now); wait > 0 {
			next = min(next, wait)
		} else {
			// Without an address of our own nothing could come home, which
			// would say nothing of the path.
			if home && path.packet.Valid() {
				p.probe(path, now, lived)
			}
			p.verdict(path, now)
			// Rounds that were missed are not made up for.
			path.due = path.due.Add(p.interval * (1 + now.Sub(path.due)/p.interval))
			next = min(next, path.due.Sub(now))
		}
		if home {
			next = min(next, p.measure(path, now))
		}
	}
	p.flush(now, lived)
	p.tests.flush()
	for _, path := range p.paths {
		if at, ok := path.judge.deadline(); ok {
			next = min(next, at-lived)
		}
	}
	p.planned = max(next, p.batch())
	return p.planned, nil
}

// batch is the least time between two rounds: probes of many paths that are
// due within it leave together, which is cheaper than one after the other. It
// is a small part of the interval, and so of the time that a cut takes to be
// noticed.
func (p *Prober) batch() time.Duration {
	return min(max(p.interval/5, time.Millisecond), 20*time.Millisecond)
}

// settle says whether probes can come home.
func (p *Prober) settle() bool {
	err := p.wire.Settle(p.home)
	p.homeless.note(p.log, err, "nothing is probed")
	return err == nil
}

// take judges a packet that came to the port.
func (p *Prober) take(a wire.Arrived, now time.Time) {
	st, ok := p.seal.Open(a.Data)
	path := p.ssids[st.SSID]
	switch {
	case !ok:
		p.counters.Refused++
	case path == nil:
		p.counters.Late++
	default:
		at := p.wall.arrival(a.At)
		rtt := p.wall.ntp(at).Sub(st.Sent)
		p.update(path, now, func(j *judge) {
			up := j.state == nodecfg.Up
			switch {
			case j.answer(st.Sequence, rtt):
				p.counters.Answered++
				if up {
					path.bounds.packet(false)
					path.bounds.trip(rtt, at)
				}
			case j.found(st.Sequence):
				p.counters.Late++
				path.bounds.packet(false)
			default:
				p.counters.Late++
			}
		})
	}
}

// probe queues one probe.
func (p *Prober) probe(path *path, now time.Time, lived time.Duration) {
	by := p.exit(path)
	if by == nil {
		p.update(path, now, func(*judge) { p.refused(path) })
		return
	}
	p.load(path)
	if !p.wire.Queue(path.packet, by) {
		p.flush(now, lived)
		p.wire.Queue(path.packet, by)
	}
	p.queue = append(p.queue, path)
}

// load makes the path's packet its next probe. Its time is that of a clock that
// was right when the prober began and nobody sets.
func (p *Prober) load(path *path) {
	p.seal.Seal(path.packet.Payload(), stamp.Test{
		Sequence: path.judge.next, Sent: p.wall.ntp(p.wall.of(time.Now())), Clock: stamp.Unsynced, SSID: path.ssid,
	})
	path.packet.Seal()
}

// exit is by where the path's packets leave; nil: its interface is not there.
func (p *Prober) exit(path *path) *wire.Exit {
	if path.by == nil && path.packet.Valid() {
		var err error
		if path.by, err = p.wire.Exit(path.packet.FirstSID(), path.link); err != nil {
			path.trouble.note(p.log, err, "probe not sent", "path", path.name, "interface", path.link)
		}
	}
	return path.by
}

// flush sends what is queued.
func (p *Prober) flush(now time.Time, lived time.Duration) {
	p.wire.Flush(func(i int, err error) {
		path := p.queue[i]
		p.update(path, now, func(j *judge) {
			switch {
			case err == nil:
				p.counters.Sent++
				j.leave(lived)
			case wire.Passing(err):
			default:
				path.by = nil // the interface may be another one by now
				p.refused(path)
			}
		})
		path.trouble.note(p.log, err, "probe not sent", "path", path.name, "interface", path.link)
	})
	p.queue = p.queue[:0]
}

func (p *Prober) refused(path *path) {
	p.counters.Lost++
	path.judge.refuse()
}

// update lets do change a path's judge and tells the world if its state is
// another one then.
func (p *Prober) update(path *path, now time.Time, do func(*judge)) {
	before := path.judge.state
	do(&path.judge)
	if after := path.judge.state; after != before {
		path.changed = now
		if path.test != nil && before == nodecfg.Up {
			path.test.sender.Down()
		}
		p.log.Info("path changed", "path", path.name, "from", string(before), "to", string(after), "rtt", path.judge.rtt.smoothed)
		notify(p.changes)
	}
}

// verdict tells the world if a path keeps its bounds, and did not, or otherwise.
func (p *Prober) verdict(path *path, now time.Time) {
	var v verdicts
	if path.judge.state == nodecfg.Up {
		_, _, v.delay, v.loss = path.result(p.wall.of(now))
	}
	if v == path.told {
		return
	}
	if before := path.told; v.delay != before.delay {
		p.log.Info("delay of path", "path", path.name, "is", cmp.Or(v.delay, "not known"), "was", cmp.Or(before.delay, "not known"))
	} else {
		p.log.Info("loss of path", "path", path.name, "is", cmp.Or(v.loss, "not known"), "was", cmp.Or(before.loss, "not known"))
	}
	path.told = v
	notify(p.changes)
}

// trouble is logged when it begins or becomes another, not at every packet.
type trouble string

func (t *trouble) note(log *slog.Logger, err error, msg string, args ...any) {
	now := trouble("")
	if err != nil {
		now = trouble(err.Error())
	}
	if now != *t && err != nil {
		log.Warn(msg, append(args, "error", err)...)
	}
	*t = now
}

func notify(slot chan<- struct{}) {
	select {
	case slot <- struct{}{}:
	default:
	}
}
