package solve

import (
	"slices"

	"github.com/keiro-net/keiro/pathspec/solve/disjoint"
	"github.com/keiro-net/keiro/topology"
)

// memory holds answers that were found, each with what it depends on. Intents
// are asked again and again while others move and links fail; mostly nothing
// has changed that matters. An answer is only remembered where a search is
// certain to find the same one again: what is remembered never makes another
// solution, it saves time.
type memory struct {
	of [][]memo // of every intent, the last used first
}

// memo is an answer that holds where all entries of its set are open, and all
// that tempt it, by which a set may be as cheap, are closed.
type memo struct {
	found
	own, tempting marks
}

// mostMemos bounds what is remembered of one intent.
const mostMemos = 24

func newMemory(intents int) *memory { return &memory{make([][]memo, intents)} }

// recall returns the answer of an intent while some entries are shut.
func (m *memory) recall(i int, shut marks) (found, bool) {
	if m == nil {
		return found{}, false
	}
	memos := m.of[i]
	for n := range memos {
		if one := memos[n]; !one.own.meets(shut) && one.tempting.within(shut) {
			copy(memos[1:n+1], memos[:n])
			memos[0] = one
			return one.found, true
		}
	}
	return found{}, false
}

// keep remembers the answer of a problem, which is used up, if it lasts: that
// is reported. Where the search does not tell, a proof is tried for as long as h
// allows; nil: it does not.
func (m *memory) keep(i int, f found, p *problem, shut marks, h *disjoint.Halt) bool {
	if m == nil || p.level != nil || !f.proven() {
		return false
	}
	lasting, told := p.Lasting()
	if !lasting && (told || h == nil) {
		return false
	}
	one := memo{f, make(marks, len(shut)), make(marks, len(shut))}
	for _, l := range slices.Concat(f.set...) {
		one.own.set(l / 2)
	}
	for e := range int32(len(p.t.Entries)) {
		if shut.has(e) && p.Opens(e) {
			one.tempting.set(e)
		}
	}
	if !lasting && !p.sole(&f, h) {
		return false
	}
	m.add(i, one)
	return true
}

func (m *memory) add(i int, one memo) {
	m.of[i] = slices.Insert(m.of[i], 0, one)
	m.of[i] = m.of[i][:min(len(m.of[i]), mostMemos)]
}

// follow goes on to a network that differs: what still is certain is kept.
func (m *memory) follow(w *warm, t *topology.Topology) *memory {
	next := newMemory(len(m.of))
	for i := range m.of {
		for _, one := range slices.Backward(m.of[i]) {
			if one, ok := w.translate(i, one, t); ok {
				next.add(i, one)
			}
		}
	}
	return next
}

// translate states a memo in the entries of a network that differs.
func (w *warm) translate(i int, one memo, t *topology.Topology) (memo, bool) {
	in := &w.engine.intents[i]
	now := memo{one.found, newMarks(t), newMarks(t)}
	for e := range w.became {
		switch d := w.became[e]; {
		case one.own.has(int32(e)):
			if hurts(in, d) {
				return memo{}, false
			}
			now.own.set(w.to[e])
		case one.tempting.has(int32(e)) && w.to[e] >= 0:
			now.tempting.set(w.to[e])
		}
	}
	for _, n := range w.better {
		if old := w.from[n]; (old < 0 || helps(in, w.became[old])) && !now.own.has(n) && (len(w.better) > mostDetours || !w.detours.dearer(i, &one.found, n)) {
			now.tempting.set(n)
		}
	}
	now.set, _ = w.renumber(one.set)
	return now, true
}

// ask answers an intent in a capacity that is reserved; lasting: there is no
// other answer. See memory.
func (r *run) ask(i int, reserved []topology.Bandwidth, h *disjoint.Halt) (f found, lasting bool) {
	shut := r.shut(i, reserved)
	if f, ok := r.memory.recall(i, shut); ok {
		return f, true
	}
	q := &question{t: r.t, in: &r.intents[i], reserved: reserved, halt: h, down: r.down}
	var p *problem
	f.Answer, f.set, p = q.answer()
	if r.down != nil && !r.policy.shared() {
		h = nil // what holds in one outage is hardly asked again
	}
	return f, r.memory.keep(i, f, p, shut, h)
}

// shut marks the entries that are closed to an intent for now: all others are
// open, or closed for good.
func (r *run) shut(i int, reserved []topology.Bandwidth) marks {
	b, shut := r.intents[i].Require.Bandwidth, newMarks(r.t)
	for e := range r.t.Entries {
		if r.down != nil && r.down[e] || b > 0 && r.room[e]-reserved[2*e] < b {
			shut.set(int32(e))
		}
	}
	return shut
}

// room is what every entry of a network can carry in both directions; less
// than nothing where a capacity is unknown.
func room(t *topology.Topology) []topology.Bandwidth {
	none := make([]topology.Bandwidth, len(t.Links))
	all := make([]topology.Bandwidth, len(t.Entries))
	for e := range all {
		all[e] = free(t, none, int32(2*e))
	}
	return all
}

// marks are a set of entries.
type marks []uint64

func newMarks(t *topology.Topology) marks { return make(marks, (len(t.Entries)+63)/64) }

func (b marks) set(e int32)      { b[e/64] |= 1 << (e % 64) }
func (b marks) has(e int32) bool { return b[e/64]>>(e%64)&1 == 1 }

// meets reports whether two sets have an entry in common.
func (b marks) meets(c marks) bool {
	for i := range b {
		if b[i]&c[i] != 0 {
			return true
		}
	}
	return false
}

// within reports whether c has all entries of b.
func (b marks) within(c marks) bool {
	for i := range b {
		if b[i]&^c[i] != 0 {
			return false
		}
	}
	return true
}
