package guard

import (
	"fmt"
	"slices"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

const (
	// MaxDrifts are told of.
	MaxDrifts = 100
	// storm: of so many changes within calm of each other the further ones are
	// only counted.
	storm = 20
	calm  = 10 * time.Second
	// latest is how old a drift may be of which the kernel tells late who did it.
	latest = time.Second
)

// Ledger is the account of one node. The zero value is empty.
type Ledger struct {
	drifts []*entry // the oldest first
	open   map[nodecfg.Object]*drift
	fights map[nodecfg.Object]*fight // that there may be
	paused map[nodecfg.Object]*fight // that there are
	more   *entry                    // what is only counted, of the storm of now
	last   time.Time
	single int // told one by one since it was calm
	total  uint64
}

// entry is a line that is told.
type entry struct {
	nodecfg.Drift
	object nodecfg.Object // nil: of many
	key    nodecfg.Object
	many   int // changes
	open   int // of these not put back
}

// drift is an object that is not as it should be.
type drift struct {
	entry *entry
	want  nodecfg.Object // nil: it should not be there
}

// Note takes in a change at a time.
func (l *Ledger) Note(now time.Time, f Found, by, intent string, at time.Time) {
	l.total++
	if l.open == nil {
		l.open = make(map[nodecfg.Object]*drift)
	}
	if d := l.open[f.Key]; d != nil {
		d.want = wanted(f)
		if d.entry.object != nil { // changed again before it was put back
			d.entry.Change, d.entry.By = f.How, by
		}
		if f.Again { // so soon that nobody has seen it right
			l.struggle(now, f.Key, by)
		}
		return
	}
	l.struggle(now, f.Key, by)
	if now.Sub(l.last) > calm {
		l.single, l.more = 0, nil
	}
	l.last = now
	if l.single++; l.single <= storm {
		e := &entry{object: f.Object, key: f.Key, many: 1, open: 1,
			Drift: nodecfg.Drift{Object: nodecfg.Words(f.Object), Change: f.How, By: by, Intent: intent, At: at}}
		l.tell(e)
		l.open[f.Key] = &drift{e, wanted(f)}
		return
	}
	if l.more == nil {
		l.more = &entry{Drift: nodecfg.Drift{Change: f.How, By: by, At: at}}
		l.tell(l.more)
	}
	m := l.more
	m.many++
	m.open++
	m.Object, m.Restored = fmt.Sprintf("and %d more changes of objects", m.many), time.Time{}
	if m.Change != f.How {
		m.Change = nodecfg.Changed
	}
	if m.By != by {
		m.By = ""
	}
	l.open[f.Key] = &drift{m, wanted(f)}
}

func wanted(f Found) nodecfg.Object {
	if f.How == nodecfg.Added {
		return nil
	}
	return f.Object
}

func (l *Ledger) tell(e *entry) {
	if l.drifts = append(l.drifts, e); len(l.drifts) > MaxDrifts {
		l.drifts = slices.Delete(l.drifts, 0, len(l.drifts)-MaxDrifts)
	}
}

// Attribute says who made a change that was noted just now without that.
func (l *Ledger) Attribute(now time.Time, key nodecfg.Object, by string) {
	for _, e := range slices.Backward(l.drifts) {
		if now.Sub(e.At) > latest {
			return
		}
		if e.key == key && e.object != nil {
			if e.By == "" {
				e.By = by
			}
			return
		}
	}
}

// Close ends the drifts that right says are over.
func (l *Ledger) Close(now time.Time, right func(key nodecfg.Object) bool) {
	for k, d := range l.open {
		if !right(k) {
			continue
		}
		delete(l.open, k)
		e := d.entry
		if e.open--; e.open == 0 {
			e.Restored, e.Kept = now, ""
		}
	}
	l.peace(now)
}

// Open says whether an object is not as it should be because somebody changed
// it, and that is still what it should be.
func (l *Ledger) Open(key, want nodecfg.Object) bool {
	d := l.open[key]
	return d != nil && d.want == want
}

// Keep says why the objects of a name are not put back; why returns "" for
// those that are about to be.
func (l *Ledger) Keep(why func(key nodecfg.Object) string) {
	for k, d := range l.open {
		if reason := why(k); reason != "" || d.entry.object != nil {
			d.entry.Kept = reason
		}
	}
}

// Total counts all changes since the beginning.
func (l *Ledger) Total() uint64 { return l.total }

// Drifts are those that are told of, the oldest first.
func (l *Ledger) Drifts() []nodecfg.Drift {
	var out []nodecfg.Drift
	for _, e := range l.drifts {
		out = append(out, e.Drift)
	}
	return out
}
