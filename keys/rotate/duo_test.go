package rotate

import (
	"time"
)

// duo is two machines with a perfect wire, disk, WireGuard and KME, for what
// is measured and for the real crypto.
type duo struct {
	now    time.Time
	m      [2]*Machine
	queue  []func()
	psk    [2]map[Lane]Secret
	lose   func(data []byte) bool // may be nil
	kme    func(id string) (string, Secret)
	steps  int
	erased []Secret
}

func newDuo(p Params, lanes int, initiator, responder Crypto) *duo {
	d := &duo{now: midnight, psk: [2]map[Lane]Secret{{}, {}}}
	var specs []LaneSpec
	for i := range lanes {
		specs = append(specs, LaneSpec{Lane: testLane(2 * i), Level: PQ})
	}
	for i, c := range []Crypto{initiator, responder} {
		d.m[i] = New(d.now, Config{Initiator: i == 0, Crypto: c, Params: p})
	}
	for i := range d.m {
		d.step(i, Configured{specs})
	}
	return d
}

func (d *duo) step(i int, e Event) {
	d.steps++
	for _, effect := range d.m[i].Step(d.now, e) {
		switch x := effect.(type) {
		case Send:
			if d.lose == nil || !d.lose(x.Data) {
				d.later(1-i, Message(x))
			}
		case Persist:
			d.later(i, Persisted{})
		case Install:
			d.psk[i][x.Lane] = x.Key
			d.later(i, Installed{x.Lane, x.Epoch})
		case AskHandshake:
			d.later(0, Handshake{x.Lane, d.now})
			d.later(1, Handshake{x.Lane, d.now})
		case NeedQKD:
			id, k := d.kme(x.ID)
			d.later(i, QKDKey{x.Lane, id, k})
		case Erase:
			x.Key.Zero()
			d.erased = append(d.erased, x.Key)
		}
	}
}

func (d *duo) later(i int, e Event) { d.queue = append(d.queue, func() { d.step(i, e) }) }

// settle does all that is under way.
func (d *duo) settle() {
	for len(d.queue) > 0 {
		next := d.queue[0]
		d.queue = d.queue[1:]
		next()
	}
}

// rotate makes a new epoch and proves it.
func (d *duo) rotate() {
	d.step(0, RotateNow{})
	d.settle()
	d.now = d.now.Add(2 * time.Second)
	d.step(0, Tick{})
	d.step(1, Tick{})
	d.settle()
}
