package admit

import (
	"slices"

	"github.com/keiro-net/keiro/pathspec/solve/disjoint"
	"github.com/keiro-net/keiro/pathspec/solve/problem"
	"github.com/keiro-net/keiro/pathspec/solve/why"
	"github.com/keiro-net/keiro/topology"
)

// Memory holds answers that were found, each with what it depends on. Intents
// are asked again and again while others move and links fail; mostly nothing
// has changed that matters. An answer is only remembered where a search is
// certain to find the same one again: what is remembered never makes another
// solution, it saves time.
type Memory struct {
	of [][]memo // of every intent, the last used first
}

// memo is an answer that holds where all entries of its set are open, and all
// that tempt it, by which a set may be as cheap, are closed.
type memo struct {
	Found
	own, tempting marks
}

// mostMemos bounds what is remembered of one intent.
const mostMemos = 24

// NewMemory remembers nothing yet of so many intents.
func NewMemory(intents int) *Memory { return &Memory{make([][]memo, intents)} }

// recall returns the answer of an intent while some entries are shut.
func (m *Memory) recall(i int, shut marks) (Found, bool) {
	if m == nil {
		return Found{}, false
	}
	memos := m.of[i]
	for n := range memos {
		if one := memos[n]; !one.own.meets(shut) && one.tempting.within(shut) {
			copy(memos[1:n+1], memos[:n])
			memos[0] = one
			return one.Found, true
		}
	}
	return Found{}, false
}

// keep remembers the answer of a problem, which is used up, if it lasts: that
// is reported. Where the search does not tell, a proof is tried for as long as h
// allows; nil: it does not.
func (m *Memory) keep(i int, f Found, p *problem.Problem, shut marks, h *disjoint.Halt) bool {
	if m == nil || p.Balances() || !f.Proven() {
		return false
	}
	lasting, told := p.Lasting()
	if !lasting && (told || h == nil) {
		return false
	}
	one := memo{f, make(marks, len(shut)), make(marks, len(shut))}
	for _, l := range slices.Concat(f.Set...) {
		one.own.set(l / 2)
	}
	for e := range int32(len(p.OnEntry)) {
		if shut.has(e) && p.Opens(e) {
			one.tempting.set(e)
		}
	}
	if !lasting && !p.Sole(f.Set, f.Cost, h) {
		return false
	}
	m.add(i, one)
	return true
}

func (m *Memory) add(i int, one memo) {
	m.of[i] = slices.Insert(m.of[i], 0, one)
	m.of[i] = m.of[i][:min(len(m.of[i]), mostMemos)]
}

// Move is a change of the network, as a memory goes along with it.
type Move struct {
	Entries int     // now
	Now     []int32 // of every entry before: what it is now; -1: gone
	// Set states a set, of which no link is gone, in links as they are now.
	Set func(set []disjoint.Path) []disjoint.Path
	// Hurts reports whether what became of entry e of before may make an answer
	// another that uses it.
	Hurts func(i int, e int32) bool
	// Tempts lists the entries now by which a set may be as cheap as an answer.
	Tempts func(i int, f *Found) []int32
}

// Follow goes on to a network that differs: what still is certain is kept.
func (m *Memory) Follow(to *Move) *Memory {
	next := NewMemory(len(m.of))
	for i := range m.of {
		for _, one := range slices.Backward(m.of[i]) {
			if one, ok := one.follow(i, to); ok {
				next.add(i, one)
			}
		}
	}
	return next
}

// follow states a memo in the entries of a network that differs.
func (one *memo) follow(i int, to *Move) (memo, bool) {
	now := memo{one.Found, newMarks(to.Entries), newMarks(to.Entries)}
	for e, n := range to.Now {
		switch {
		case one.own.has(int32(e)):
			if n < 0 || to.Hurts(i, int32(e)) {
				return memo{}, false
			}
			now.own.set(n)
		case one.tempting.has(int32(e)) && n >= 0:
			now.tempting.set(n)
		}
	}
	for _, n := range to.Tempts(i, &one.Found) {
		if !now.own.has(n) {
			now.tempting.set(n)
		}
	}
	now.Set = to.Set(one.Set)
	return now, true
}

// ask answers an intent in a capacity that is reserved; lasting: there is no
// other answer. See memory.
func (r *Run) ask(i int, reserved problem.Reserved, h *disjoint.Halt) (f Found, lasting bool) {
	shut := r.shut(i, reserved)
	if f, ok := r.memory.recall(i, shut); ok {
		return f, true
	}
	q := &question{Question: why.Question{Topology: r.t, Intent: &r.intents[i], Reserved: reserved, Halt: h}, down: r.down}
	var p *problem.Problem
	f.Answer, f.Set, p = q.answer()
	if r.down != nil && !r.policy.Shared() {
		h = nil // what holds in one outage is hardly asked again
	}
	return f, r.memory.keep(i, f, p, shut, h)
}

// shut marks the entries that are closed to an intent for now: all others are
// open, or closed for good.
func (r *Run) shut(i int, reserved problem.Reserved) marks {
	b, shut := r.intents[i].Require.Bandwidth, newMarks(len(r.t.Entries))
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
	none := problem.Nothing(t)
	all := make([]topology.Bandwidth, len(t.Entries))
	for e := range all {
		all[e] = none.Free(t, int32(2*e))
	}
	return all
}

// marks are a set of entries.
type marks []uint64

func newMarks(entries int) marks { return make(marks, (entries+63)/64) }

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
