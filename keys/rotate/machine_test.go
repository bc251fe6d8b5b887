package rotate

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

// TestFloor: a lane opens only when its floor is on disk, and a floor that is
// there holds against any configuration, also after a restart.
func TestFloor(t *testing.T) {
	lane := testLane(0)
	state := State{
		Epoch: 5, Floors: []Floor{{Intent: lane.Intent, Level: Classic}},
		Lanes: []Record{{Lane: lane, Epoch: 5, Level: PQ, Since: midnight, Clean: true}},
	}
	m := New(midnight, Config{Crypto: fakeCrypto{}, Params: modelParams(), State: state, Held: []Lane{lane}})
	out := m.Step(midnight, Configured{[]LaneSpec{{Lane: lane, Level: PQ}}})
	if has[Open](out) {
		t.Error("open before the floor is on disk")
	}
	if out = m.Step(midnight, Persisted{}); !has[Open](out) {
		t.Error("closed though the key reaches the floor")
	}
	if out = m.Step(midnight, Configured{[]LaneSpec{{Lane: lane, Level: None}}}); !has[Raise](out) || m.disk.want.floor(lane.Intent) != PQ {
		t.Errorf("asked for less: %+v, floor %s", out, m.disk.want.floor(lane.Intent))
	}
	// Gone and back, the intent has the floor that it had.
	m.Step(midnight, Configured{})
	m.Step(midnight, Persisted{})
	m.Step(midnight, Configured{[]LaneSpec{{Lane: lane, Level: Classic}}})
	if need := m.lanes[0].need; need != PQ {
		t.Errorf("floor %s after the intent came back", need)
	}
	// Lowered by somebody who may, it falls once, and rises again for good.
	lowered := func(l Level, n uint64) Level {
		m.Step(midnight, Configured{[]LaneSpec{{Lane: lane, Level: l, Lowered: n}}})
		m.Step(midnight, Persisted{})
		return m.lanes[0].need
	}
	if need := lowered(Classic, 7); need != Classic {
		t.Errorf("floor %s after it was lowered", need)
	}
	lowered(PQ, 7)
	for _, n := range []uint64{7, 0} {
		if need := lowered(Classic, n); need != PQ {
			t.Errorf("floor %s: lowered twice by one word, %d", need, n)
		}
	}
	if need := lowered(Classic, 8); need != Classic {
		t.Errorf("floor %s after it was lowered again", need)
	}
}

// TestRestart: what a restart may believe of a lane.
func TestRestart(t *testing.T) {
	lane := testLane(0)
	for _, c := range []struct {
		name  string
		since time.Time
		held  bool
		open  bool
	}{
		{"its device kept the key", midnight.Add(-time.Minute), true, true},
		{"the device is new", midnight.Add(-time.Minute), false, false},
		{"the key is too old", midnight.Add(-time.Hour), true, false},
		{"the clock went back", midnight.Add(time.Second), true, false},
	} {
		state := State{
			Epoch: 5, Floors: []Floor{{Intent: lane.Intent, Level: PQ}},
			Lanes: []Record{{Lane: lane, Epoch: 5, Level: PQ, Since: c.since, Clean: true}},
		}
		var held []Lane
		if c.held {
			held = []Lane{lane}
		}
		m := New(midnight, Config{Initiator: true, Crypto: fakeCrypto{}, Params: modelParams(), State: state, Held: held})
		out := m.Step(midnight, Tick{})
		if has[Open](out) != c.open || has[Close](out) == c.open {
			t.Errorf("%s: %+v", c.name, out)
		}
		if !has[Send](out) {
			t.Errorf("%s: asks for no new epoch", c.name)
		}
	}
}

// TestCounts: everything wrong is counted by kind, and has no other effect.
func TestCounts(t *testing.T) {
	w := newWorld(modelParams(), onePQ, false)
	for !w.settled() {
		w = w.do(w.next())
	}
	foreign := fakeMsg{kind: Reply, pair: 9, epoch: 1}
	forged := fakeMsg{kind: Nudge, epoch: 9, x: 1}
	for _, c := range []struct {
		end   int
		data  []byte
		count func(*Counts) *uint64
	}{
		{0, nil, func(c *Counts) *uint64 { return &c.Malformed }},
		{1, []byte("Init, honestly"), func(c *Counts) *uint64 { return &c.Malformed }},
		{0, foreign.bytes(), func(c *Counts) *uint64 { return &c.Foreign }},
		{0, forged.bytes(), func(c *Counts) *uint64 { return &c.Forged }},
		{0, fakeMsg{kind: Nudge, epoch: 0}.bytes(), func(c *Counts) *uint64 { return &c.WrongEpoch }},
		{0, fakeMsg{kind: Init, epoch: 2}.bytes(), func(c *Counts) *uint64 { return &c.Reflected }},
		{1, fakeMsg{kind: Nudge, epoch: 2}.bytes(), func(c *Counts) *uint64 { return &c.Reflected }},
		{1, fakeMsg{kind: Confirm, epoch: 2, x: 99}.bytes(), func(c *Counts) *uint64 { return &c.Unknown }},
		{1, fakeMsg{kind: Init, epoch: 1 << 50, x: 99}.bytes(), func(c *Counts) *uint64 { return &c.WrongEpoch }},
	} {
		m := w.side[c.end].m
		want := m.Counts()
		*c.count(&want)++
		state := m.disk.want.clone()
		m.Step(w.now, Message{c.data})
		if got := m.Counts(); got != want {
			t.Errorf("%q: %+v, want %+v", c.data, got, want)
		}
		if !m.disk.want.equal(&state) {
			t.Errorf("%q changes what is on disk", c.data)
		}
	}
}

// TestManyLanes: more lanes than one exchange can have take turns, and none
// waits for another's next turn.
func TestManyLanes(t *testing.T) {
	d := newDuo(modelParams(), 700, fakeCrypto{initiator: true}, fakeCrypto{})
	d.settle()
	for i := range d.m {
		for n := range d.m[i].lanes {
			if l := &d.m[i].lanes[n]; l.current.epoch == 0 {
				t.Fatalf("end %d: lane %s has no key", i, l.id)
			}
		}
	}
	if epoch := d.m[0].Epoch(); epoch != 3 {
		t.Errorf("%d exchanges for 700 lanes, want 3", epoch)
	}
}

// TestStagger: pairs with different seeds do not rotate together.
func TestStagger(t *testing.T) {
	p := Every(DefaultInterval)
	seen := map[time.Duration]bool{}
	for p.Seed = range 100 {
		d := p.jittered(1)
		if d < p.Interval-p.Jitter || d > p.Interval+p.Jitter {
			t.Fatalf("interval of %s", d)
		}
		seen[d/time.Second] = true
	}
	if len(seen) < 15 {
		t.Errorf("100 pairs rotate at %d different seconds", len(seen))
	}
}

// TestState: it survives JSON, and what cannot be true is refused.
func TestState(t *testing.T) {
	w := newWorld(modelParams(), both, false)
	for !w.settled() {
		w = w.do(w.next())
	}
	text, err := json.Marshal(w.side[0].disk)
	if err != nil {
		t.Fatal(err)
	}
	var back State
	if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(back, w.side[0].disk) {
		t.Errorf("%v: %+v comes back as %+v", err, w.side[0].disk, back)
	}
	if err := json.Unmarshal([]byte(`{"floors":[{"intent":"gold","level":"best"}]}`), &back); err == nil {
		t.Error("a level that does not exist is taken")
	}
	for _, bad := range []State{
		{Epoch: maxEpoch}, {Epoch: 1, Distrusted: 2},
		{Floors: []Floor{{Intent: "b", Level: PQ}, {Intent: "a", Level: PQ}}}, {Floors: []Floor{{Intent: "a", Level: 9}}},
		{Lanes: []Record{{Lane: testLane(0), Epoch: 1}}},
	} {
		if bad.Validate() == nil {
			t.Errorf("%+v is valid", bad)
		}
	}
}

func has[E Effect](out []Effect) bool {
	for _, e := range out {
		if _, yes := e.(E); yes {
			return true
		}
	}
	return false
}

// TestFlood: Inits beyond a few cost nothing, and do not keep the true one out
// for long.
func TestFlood(t *testing.T) {
	w := newWorld(modelParams(), onePQ, false)
	for !w.settled() {
		w = w.do(w.next())
	}
	m, replies := w.side[1].m, 0
	for n := range 1000 {
		for _, e := range m.Step(w.now, Message{fakeMsg{kind: Init, epoch: 2, x: uint32(1000 + n)}.bytes()}) {
			if _, yes := e.(Send); yes {
				replies++
			}
		}
	}
	if c := m.Counts(); replies != w.params.HalfOpen || c.Busy != 1000-uint64(replies) {
		t.Errorf("%d Replies, %+v", replies, c)
	}
	w = w.do(action{what: order})
	agree(t, w)
	if w.side[1].m.accept != nil {
		t.Error("an Init alone goes on to the commit")
	}
}

// TestLateKey: a key whose install failed may be in use all the same. That the
// sessions before the current key are over says nothing about it.
func TestLateKey(t *testing.T) {
	m := New(midnight, Config{Initiator: true, Crypto: fakeCrypto{}, Params: modelParams()})
	m.lanes = []lane{{id: testLane(0), need: PQ, configured: true, phase: open, due: midnight.Add(time.Hour)}}
	l := &m.lanes[0]
	for epoch := range uint64(3) {
		m.adopt(l, key{epoch: epoch + 1, level: PQ, since: midnight, secret: fakeKey{epoch: epoch + 1}})
		m.disk.durable.Epoch = min(epoch+1, 2) // the third is not on disk yet
		m.install(l)
		switch epoch {
		case 0:
			m.installed(Installed{l.id, 1})
		case 1:
			m.installFailed(InstallFailed{l.id, 2, "who knows"})
		}
	}
	m.now = midnight.Add(rejectAfter + time.Minute)
	m.out = nil
	if m.tend(l); has[Erase](m.out) {
		t.Errorf("erased: %+v", m.out)
	}
	m.disk.durable.Epoch = 3
	m.tend(l)
	m.installed(Installed{l.id, 3})
	m.handshake(Handshake{l.id, m.now})
	m.now = m.now.Add(time.Minute)
	m.handshake(Handshake{l.id, m.now})
	if len(l.old) != 0 || !l.current.proven {
		t.Errorf("%d keys are left after the proof", len(l.old))
	}
}
