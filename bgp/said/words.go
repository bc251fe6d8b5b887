package said

import (
	"slices"
	"time"

	"github.com/keiro-net/keiro/bgp/ls"
)

// Word is what one peer says of one object.
type Word struct {
	Peer string
	// Withdrawn: that it is not there. Kept while other peers say it is.
	Withdrawn bool
	// Attribute is what is said of it; nil: nothing, for it was discarded.
	Attribute ls.Attribute
	// At is since when the peer says that the object is there, or not there.
	At time.Time
	// Stale is since when the session is lost; zero: it stands.
	Stale time.Time

	heard   time.Time // its last word of it
	changed []change
	by      []string // Peer alone
}

// There is the word of a peer that an object is there, and what of it. by is a
// list of the peer alone.
func There(by []string, a ls.Attribute, at time.Time) Word {
	return Word{Peer: by[0], Attribute: a, At: at, heard: at, by: by}
}

// Gone is the word of the same peer that the object is not there any more.
func (w *Word) Gone(at time.Time) Word {
	return Word{Peer: w.Peer, Withdrawn: true, At: at, heard: at, by: w.by}
}

// After is a word with the times of the one before it, of the same peer, as far
// as they say the same. It reports whether they differ in anything, were it only
// that the one before is stale.
func (w Word) After(before *Word) (Word, bool) {
	if before.Withdrawn {
		return w, true
	}
	w.At, w.changed = before.At, before.changed
	changed := before.IsStale() || (before.Attribute == nil) != (w.Attribute == nil)
	for id, f := range fields {
		if f.differs(before.Attribute, w.Attribute) {
			w.changed, changed = since(w.changed, uint8(id), w.heard), true
		}
	}
	return w, changed
}

// change is since when a peer says of an attribute what it says, where it has
// said something else before.
type change struct {
	field uint8
	at    time.Time
}

// Words are the last words of all peers of one object, by peer, one each. They
// are never changed.
type Words []Word

// IsStale reports whether the session is lost.
func (w *Word) IsStale() bool { return !w.Stale.IsZero() }

// since is changes with one more.
func since(changes []change, field uint8, at time.Time) []change {
	out := make([]change, 0, len(changes)+1)
	for _, c := range changes {
		if c.field != field {
			out = append(out, c)
		}
	}
	return append(out, change{field, at})
}

// since is since when it says what it does of a field.
func (w *Word) since(field uint8) time.Time {
	for _, c := range w.changed {
		if c.field == field {
			return c.at
		}
	}
	return w.At
}

// Of is the word of a peer, nil if it has said none.
func (ws Words) Of(peer string) *Word {
	if i, found := ws.find(peer); found {
		return &ws[i]
	}
	return nil
}

// find gives the place of a peer's word, or where it belongs.
func (ws Words) find(peer string) (int, bool) {
	return slices.BinarySearchFunc(ws, peer, func(w Word, peer string) int {
		switch {
		case w.Peer < peer:
			return -1
		case w.Peer > peer:
			return 1
		}
		return 0
	})
}

// With is a copy in which w is the word of its peer.
func (ws Words) With(w Word) Words {
	i, found := ws.find(w.Peer)
	out := make(Words, 0, len(ws)+1)
	out = append(append(out, ws[:i]...), w)
	if found {
		i++
	}
	return append(out, ws[i:]...)
}

// Without is a copy without the word of a peer.
func (ws Words) Without(peer string) Words {
	i, found := ws.find(peer)
	if !found {
		return ws
	}
	return slices.Concat(ws[:i], ws[i+1:])
}

// Said reports whether any peer has said that the object is there, and not
// withdrawn it.
func (ws Words) Said() bool {
	return slices.ContainsFunc(ws, func(w Word) bool { return !w.Withdrawn })
}

// Live reports whether a peer whose session stands says that the object is there.
func (ws Words) Live() bool {
	return slices.ContainsFunc(ws, func(w Word) bool { return !w.Withdrawn && !w.IsStale() })
}

// Stand reports whether the object is there: a live peer says so, or nobody has
// said anything else since. So a lost session does not take an object away, and
// does not hold one that another peer has withdrawn since.
func (ws Words) Stand() bool {
	var there, gone time.Time
	for i := range ws {
		switch w := &ws[i]; {
		case w.Withdrawn:
			gone = later(gone, w.heard)
		case !w.IsStale():
			return true
		default:
			there = later(there, w.heard)
		}
	}
	return ws.Said() && !gone.After(there)
}

// Settled is without the withdrawals that do not matter any more: those that are
// not newer than any word that the object is there.
func (ws Words) Settled() Words {
	var first time.Time
	withdrawn := 0
	for i := range ws {
		switch w := &ws[i]; {
		case w.Withdrawn:
			withdrawn++
		case first.IsZero() || w.heard.Before(first):
			first = w.heard
		}
	}
	if withdrawn == 0 {
		return ws
	}
	if withdrawn == len(ws) {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(ws), func(w Word) bool { return w.Withdrawn && !w.heard.After(first) })
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// Value is an attribute of an object: what is believed, and who says so.
type Value[T any] struct {
	Value T
	Known bool
	// By are the peers that say it, ascending: the live ones, or if Stale those
	// that said it before their session was lost.
	By []string
	// Since is since when the first of them says it.
	Since time.Time
	Stale bool
	// Others are what live peers say that say something else, by peer.
	Others []Other[T]
}

// Other is what a peer says that is not believed.
type Other[T any] struct {
	Peer  string
	Value T
	Since time.Time
}

// Read gives one attribute of an object.
func Read[A ls.Attribute, T any](ws Words, f *Field[A, T]) Value[T] {
	best, value := f.pick(ws)
	if best == nil {
		return Value[T]{}
	}
	out := Value[T]{Value: value, Known: true, By: best.by, Since: best.since(f.id), Stale: best.IsStale()}
	if len(ws) == 1 {
		return out
	}
	out.By = nil
	for i := range ws {
		w := &ws[i]
		v, known := f.of(w)
		switch since := w.since(f.id); {
		case !known || w.IsStale() && !out.Stale:
		case f.same(v, value):
			out.By = append(out.By, w.Peer)
			if since.Before(out.Since) {
				out.Since = since
			}
		case !w.IsStale():
			out.Others = append(out.Others, Other[T]{w.Peer, v, since})
		}
	}
	return out
}

// Get gives one attribute of an object, without who said it.
func Get[A ls.Attribute, T any](ws Words, f *Field[A, T]) (T, bool) {
	best, value := f.pick(ws)
	return value, best != nil
}

// pick chooses whom to believe.
func (f *Field[A, T]) pick(ws Words) (best *Word, value T) {
	for i := range ws {
		w := &ws[i]
		v, known := f.of(w)
		if !known {
			continue
		}
		if best == nil || best.IsStale() && !w.IsStale() ||
			best.IsStale() == w.IsStale() && w.since(f.id).After(best.since(f.id)) {
			best, value = w, v
		}
	}
	return best, value
}

// of is what one word says of the field.
func (f *Field[A, T]) of(w *Word) (v T, known bool) {
	a, ok := w.Attribute.(A)
	if !ok || w.Withdrawn {
		return v, false
	}
	return f.get(a)
}
