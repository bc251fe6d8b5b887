package keying

import (
	"slices"
	"time"

	"github.com/keiro-net/keiro/keys/rotate"
)

// peer is the pair of this node and another.
type peer struct {
	Peer
	machine  *rotate.Machine // nil while the state is not read
	loading  bool
	reading  int // lanes whose device is asked whether it has kept its key
	read     rotate.State
	held     []rotate.Lane
	gone     bool // what is still under way for it counts no more
	lanes    map[rotate.Lane]*laneOf
	alarms   []rotate.Alarm // that fire
	wake     time.Time
	touched  bool                   // wake may be wrong
	reload   time.Time              // when the state is read again that could not be
	known    []known                // identities that it had, this one last; none while the state is not read
	remind   time.Time              // when the alarm of another identity is over; zero: there is none
	asked    map[rotate.Lane]uint64 // the last question to the KME
	question question               // the last Init or Confirm
	nudge    question
}

// meet finds the pair with a peer or begins one. With another identity a peer
// is another one, who has no part in what was under way; the epoch goes on,
// and so do the lanes until they have keys of the new identity.
func (k *Keyer) meet(want Peer) *peer {
	p := k.peers[want.Node]
	if p != nil && p.Public.Fingerprint() == want.Public.Fingerprint() {
		if plain(p.Addr) != plain(want.Addr) { // a cookie is for an address
			p.question, p.nudge = question{}, question{}
		}
		p.Peer = want
		return p
	}
	fresh := &peer{Peer: want, lanes: map[rotate.Lane]*laneOf{}, asked: map[rotate.Lane]uint64{}}
	if p != nil {
		k.Log.Warn("peer has another identity", "peer", want.Node, "was", p.Public.Fingerprint().String(), "is", want.Public.Fingerprint().String())
		fresh.known = p.known
		for id, l := range p.lanes {
			l.peer = fresh
			fresh.lanes[id] = l
		}
		k.dismiss(p)
	}
	k.peers[want.Node] = fresh
	k.load(fresh)
	return fresh
}

// dismiss ends a pair. Its state stays on disk: its epoch must not come again.
func (k *Keyer) dismiss(p *peer) {
	k.erase(p)
	if p.machine != nil {
		k.counts.Pairs = sum(k.counts.Pairs, p.machine.Counts())
	}
	p.gone = true
	delete(k.peers, p.Node)
}

// erase has all secrets of a pair overwritten, those of an exchange under way
// included, and does nothing else that the machine would have done.
func (k *Keyer) erase(p *peer) {
	if p.machine == nil {
		return
	}
	for _, e := range []rotate.Event{rotate.RotateNow{Compromised: true}, rotate.Configured{}} {
		for _, effect := range p.machine.Step(time.Now(), e) {
			if e, ok := effect.(rotate.Erase); ok {
				k.zero(p.lanes[e.Lane], e.Key)
			}
		}
	}
}

// load reads the state of a pair, then which devices have kept their keys.
func (k *Keyer) load(p *peer) {
	if p.loading {
		return
	}
	p.loading = true
	node := p.Node
	k.onDisk(p, func() func() {
		kept, found, err := k.store.load(node)
		return func() { k.loaded(p, kept, found, err) }
	})
}

func (k *Keyer) loaded(p *peer, kept kept, found bool, err error) {
	if p.gone {
		return
	}
	k.alarm(p, rotate.Alarm{Name: StateRefused, Firing: err != nil, Message: message(err)})
	if err != nil {
		p.loading, p.reload = false, time.Now().Add(retry)
		for _, l := range p.lanes {
			if l.phase != Closed || l.reason != errState {
				l.phase, l.reason = Closed, errState
				k.silence(l)
			}
		}
		k.touch(p)
		return
	}
	if !found {
		k.Log.Info("no state of the pair on disk: it is new", "peer", p.Node)
	}
	k.recognize(p, kept, found)
	p.read = kept.State
	for _, l := range p.lanes {
		p.reading++
		spec := l.spec
		k.beside(l, func() func() {
			kept := l.kept(k, spec)
			return func() {
				p.reading--
				if l.keyed = kept; kept && l.current() {
					l.poll = time.Now().Add(k.Params.ProofMargin)
					p.held = append(p.held, l.spec.ID)
				}
				k.begin(p)
			}
		}, func() {
			p.reading--
			k.begin(p)
		})
	}
	k.begin(p)
}

const errState = "the state of the pair on disk is refused"

// begin makes the machine when all is known that it begins with.
func (k *Keyer) begin(p *peer) {
	if p.gone || p.reading > 0 || p.machine != nil {
		return
	}
	pair, err := k.pair(p.Peer)
	if err != nil {
		k.refuse(err)
		return // Set has checked it
	}
	params := k.Params
	params.Seed = k.seed(p.Node)
	p.machine = rotate.New(time.Now(), rotate.Config{
		Initiator: pair.Initiates(k.Node), Params: params, State: p.read, Held: p.held,
		Crypto: &crypto{me: k.Identity, pair: pair, suite: k.Suite, refuse: k.refuse},
	})
	p.loading, p.held, p.reload = false, nil, time.Time{}
	specs := make([]rotate.LaneSpec, 0, len(p.lanes))
	for id, l := range p.lanes {
		specs = append(specs, rotate.LaneSpec{Lane: id, Level: l.spec.Level, Lowered: l.spec.Lowered})
	}
	k.step(p, configured(specs))
}

// configure makes these the lanes to a peer.
func (k *Keyer) configure(p *peer, want map[rotate.Lane]Lane) {
	var gone []*laneOf
	for id, l := range p.lanes {
		spec, wanted := want[id]
		switch {
		case !wanted:
			gone = append(gone, l)
		case l.spec.sameDevice(spec):
			k.adjust(l, spec)
		default:
			gone = append(gone, l)
			p.lanes[id] = newLane(p, spec)
			k.later = append(k.later, func() { k.step(p, rotate.KeyLost{Lane: id}) })
		}
	}
	var specs []rotate.LaneSpec
	for id, spec := range want {
		if p.lanes[id] == nil {
			p.lanes[id] = newLane(p, spec)
		}
		specs = append(specs, rotate.LaneSpec{Lane: id, Level: spec.Level, Lowered: spec.Lowered})
	}
	k.step(p, configured(specs)) // while the lanes that go are there to erase their keys
	for _, l := range gone {
		if p.lanes[l.spec.ID] == l {
			delete(p.lanes, l.spec.ID)
			delete(p.asked, l.spec.ID)
		}
		k.leave(l)
	}
}

func configured(specs []rotate.LaneSpec) rotate.Configured {
	slices.SortFunc(specs, func(a, b rotate.LaneSpec) int { return compare(a.Lane, b.Lane) })
	return rotate.Configured{Lanes: specs}
}

// step tells a machine what happened and does what it says.
func (k *Keyer) step(p *peer, e rotate.Event) {
	if p.gone || p.machine == nil {
		if q, ok := e.(rotate.QKDKey); ok {
			q.Key.Zero()
		}
		return
	}
	for _, effect := range p.machine.Step(time.Now(), e) {
		k.act(p, effect)
	}
	k.touch(p)
}

func (k *Keyer) act(p *peer, effect rotate.Effect) {
	switch e := effect.(type) {
	case rotate.Send:
		k.send(p, e.Data)
	case rotate.Persist:
		k.persist(p, e.State)
	case rotate.NeedQKD:
		k.quantum(p, e)
	case rotate.Raise:
		k.alarm(p, e.Alarm)
	case rotate.Install:
		k.install(p.lanes[e.Lane], e)
	case rotate.AskHandshake:
		k.handshake(p.lanes[e.Lane])
	case rotate.Erase:
		k.zero(p.lanes[e.Lane], e.Key)
	case rotate.Open:
		k.open(p.lanes[e.Lane])
	case rotate.Drain:
		k.turnTo(p.lanes[e.Lane], Draining, e.Reason)
	case rotate.Close:
		k.turnTo(p.lanes[e.Lane], Closed, e.Reason)
		k.silence(p.lanes[e.Lane])
	}
}

// plan notes when there is something to do for the pair.
func (p *peer) plan() {
	p.wake = p.reload
	if p.machine != nil {
		p.wake = p.machine.Wake()
	}
	p.wake = sooner(p.wake, p.remind)
	for _, l := range p.lanes {
		p.wake = sooner(sooner(p.wake, l.poll), l.again)
	}
}

func (k *Keyer) persist(p *peer, state rotate.State) {
	node, known := p.Node, p.known
	k.onDisk(p, func() func() {
		err := k.store.save(node, kept{state, known})
		return func() {
			if err != nil {
				k.step(p, rotate.PersistFailed{Err: err.Error()})
				return
			}
			k.step(p, rotate.Persisted{})
			notify(k.changes) // the epoch, perhaps
		}
	})
}

// alarm keeps those that fire. One that says the same again is none.
func (k *Keyer) alarm(p *peer, a rotate.Alarm) {
	i := slices.IndexFunc(p.alarms, func(b rotate.Alarm) bool { return a.Name == b.Name && a.Lane == b.Lane })
	switch {
	case a.Firing && i >= 0:
		p.alarms[i] = a
		return
	case a.Firing:
		p.alarms = append(p.alarms, a)
		k.Log.Error("alarm", "name", a.Name, "peer", p.Node, "lane", a.Lane.String(), "message", a.Message)
	case i >= 0:
		p.alarms = slices.Delete(p.alarms, i, i+1)
		k.Log.Info("alarm is over", "name", a.Name, "peer", p.Node, "lane", a.Lane.String())
	default:
		return
	}
	notify(k.changes)
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
