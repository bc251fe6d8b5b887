package comply

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/keiro-net/keiro/pathspec"
)

// Limits of a Ledger.
const (
	KeptErosions = 64 // the newest
	KeptMonths   = 13
)

// Counts are failures of each kind, worst case; nil: any number.
type Counts struct {
	Link *int `json:"link"`
	Node *int `json:"node"`
	SRLG *int `json:"srlg"`
}

func (c Counts) all() [3]*int { return [3]*int{c.Link, c.Node, c.SRLG} }

// String is how people read it: `link 1, node 0, srlg any`.
func (c Counts) String() string {
	words := [3]string{}
	for n, v := range c.all() {
		words[n] = "any"
		if v != nil {
			words[n] = fmt.Sprint(*v)
		}
	}
	return fmt.Sprintf("link %s, node %s, srlg %s", words[0], words[1], words[2])
}

// less reports whether a is fewer than b; nil is any number.
func less(a, b *int) bool { return a != nil && (b == nil || *a < *b) }

// below reports whether one of the kinds is less than in the other.
func (c Counts) below(o Counts) bool {
	x, y := c.all(), o.all()
	return less(x[0], y[0]) || less(x[1], y[1]) || less(x[2], y[2])
}

func (c Counts) equal(o Counts) bool { return !c.below(o) && !o.below(c) }

// most is the greater of each kind.
func (c Counts) most(o Counts) Counts {
	x, y := c.all(), o.all()
	for n := range x {
		if less(x[n], y[n]) {
			x[n] = y[n]
		}
	}
	return Counts{x[0], x[1], x[2]}
}

// Margins are the failures of which the set that stands survives any, and those
// after which the network can still meet the requirement; nil: not known.
type Margins struct {
	Margin  *Counts `json:"margin,omitempty"`
	Reserve *Counts `json:"reserve,omitempty"`
}

// capped leaves of a mark what as many paths can promise: one less than there
// are. More was luck.
func (c Counts) capped(paths int) Counts {
	x := c.all()
	for n := range x {
		if most := paths - 1; x[n] == nil || *x[n] > most {
			x[n] = &most
		}
	}
	return Counts{x[0], x[1], x[2]}
}

// MarginOf takes a margin of package pathspec.
func MarginOf(m pathspec.Margin) *Counts { return &Counts{m.Link, m.Node, m.SRLG} }

// ReserveOf takes a reserve of package pathspec.
func ReserveOf(r *pathspec.Reserve) *Counts {
	if r == nil {
		return nil
	}
	link, node, srlg := r.Link, r.Node, r.SRLG
	return &Counts{&link, &node, &srlg}
}

// Erosion is one change of the margin or the reserve.
type Erosion struct {
	At     time.Time `json:"at"`
	What   string    `json:"what"` // Margin or Reserve
	Before Counts    `json:"before"`
	After  Counts    `json:"after"`
	Fell   bool      `json:"fell"`
	Cause  string    `json:"cause"`
}

// Month is how long each characteristic had which status in a calendar month
// (UTC). Times are milliseconds; what is missing is 0.
type Month struct {
	Month string                      `json:"month"` // 2026-11
	Spent map[string]map[Status]int64 `json:"spent_ms"`
}

// Ledger is what is remembered of one intent. Its methods are given the time,
// which never goes back for it: a clock that is set back adds nothing until it
// is where it was.
type Ledger struct {
	Intent     string      `json:"intent"` // fingerprint, as it was declared when Mark was taken
	Until      time.Time   `json:"until"`  // up to when Months is filled
	Conditions []Condition `json:"conditions"`
	Last       Margins     `json:"last"` // as known last
	Mark       Margins     `json:"mark"`
	Erosions   []Erosion   `json:"erosions,omitempty"` // the oldest first
	Months     []Month     `json:"months,omitempty"`   // the oldest first
}

// Total is the row of Months for the intent as a whole.
const Total = "total"

// Resume goes on after a time in which nobody looked: up to seen the conditions
// were as they were last, from then on nobody knows.
func (l *Ledger) Resume(seen, now time.Time) {
	if seen.After(l.Until) && !seen.After(now) {
		l.account(seen)
	}
	for n := range l.Conditions {
		c := &l.Conditions[n]
		c.Blamed = c.blamed()
		c.Status, c.Measured, c.Cause, c.Since = Unknown, "not known since the controller began anew", "", now
	}
	l.account(now)
}

// Redeclare begins a new mark where the intent is another than before.
func (l *Ledger) Redeclare(fingerprint string) {
	if l.Intent != fingerprint {
		l.Intent, l.Mark, l.Last = fingerprint, Margins{}, Margins{}
	}
}

// Count takes in the margins as they are now; nil is not known and changes
// nothing. It returns what has changed. Only what there is while nothing is down
// or drained (whole) is a mark: another way taken meanwhile promises nothing.
func (l *Ledger) Count(now time.Time, m Margins, whole bool, cause string) (changed []Erosion) {
	for _, what := range []struct {
		name       string
		last, mark **Counts
		now        *Counts
	}{{Margin, &l.Last.Margin, &l.Mark.Margin, m.Margin}, {Reserve, &l.Last.Reserve, &l.Mark.Reserve, m.Reserve}} {
		if what.now == nil {
			continue
		}
		was := *what.last
		*what.last = what.now
		switch {
		case !whole:
		case *what.mark == nil:
			*what.mark = what.now
		default:
			most := (*what.mark).most(*what.now)
			*what.mark = &most
		}
		if was != nil && !was.equal(*what.now) {
			changed = append(changed, Erosion{At: now, What: what.name, Before: *was, After: *what.now, Fell: what.now.below(*was), Cause: cause})
		}
	}
	l.Erosions = append(l.Erosions, changed...)
	if more := len(l.Erosions) - KeptErosions; more > 0 {
		l.Erosions = slices.Clone(l.Erosions[more:])
	}
	return changed
}

// Update takes in the conditions as they are now, and reports whether a status
// is another than before. A cause that is only guessed stays as it was guessed
// first, of what is latent also over a time in which nobody knew.
func (l *Ledger) Update(now time.Time, conditions []Condition) (changed bool) {
	old := map[string]*Condition{}
	for n := range l.Conditions {
		old[l.Conditions[n].Characteristic] = &l.Conditions[n]
	}
	changed = len(conditions) != len(l.Conditions) || Overall(conditions).Status != Overall(l.Conditions).Status
	for n := range conditions {
		c := &conditions[n]
		was := old[c.Characteristic]
		switch {
		case was == nil:
		case c.Status == Unknown:
			c.Blamed = was.blamed()
		case was.Status == Unknown && was.Blamed != "" && c.Guessed && Latent(c.Characteristic):
			c.Cause = was.Blamed
		}
		if was == nil || was.Status != c.Status {
			c.Since, changed = now, true
			continue
		}
		c.Since = was.Since
		if c.Guessed && was.Cause != "" {
			c.Cause = was.Cause
		}
	}
	if changed {
		l.account(now)
	}
	l.Conditions = conditions
	return changed
}

// blamed is what it is put down to, or was before nobody knew.
func (c *Condition) blamed() string {
	if c.Status == Unknown {
		return c.Blamed
	}
	return c.Cause
}

// account adds the time since Until to what the conditions are.
func (l *Ledger) account(now time.Time) {
	if now = now.Round(0); l.Until.IsZero() { // what is stored has no monotonic clock
		l.Until = now
		return
	}
	status := map[string]Status{}
	for _, c := range l.Conditions {
		status[c.Characteristic] = c.Status
	}
	if len(l.Conditions) > 0 {
		status[Total] = Overall(l.Conditions).Status
	}
	for l.Until.Before(now) {
		at := l.Until.UTC()
		end := time.Date(at.Year(), at.Month()+1, 1, 0, 0, 0, 0, time.UTC)
		if end.After(now) {
			end = now
		}
		spent := l.month(at.Format("2006-01"))
		for name, s := range status {
			if spent[name] == nil {
				spent[name] = map[Status]int64{}
			}
			spent[name][s] += end.UnixMilli() - l.Until.UnixMilli()
		}
		l.Until = end
	}
}

// month is the one to be filled.
func (l *Ledger) month(name string) map[string]map[Status]int64 {
	if n := len(l.Months); n == 0 || l.Months[n-1].Month != name {
		l.Months = append(l.Months, Month{Month: name, Spent: map[string]map[Status]int64{}})
		if more := len(l.Months) - KeptMonths; more > 0 {
			l.Months = slices.Clone(l.Months[more:])
		}
	}
	return l.Months[len(l.Months)-1].Spent
}

// At is the ledger as of now, which shares nothing that changes with it.
func (l *Ledger) At(now time.Time) *Ledger {
	out := *l
	out.Conditions, out.Erosions = slices.Clone(l.Conditions), slices.Clone(l.Erosions)
	out.Months = make([]Month, len(l.Months))
	for n, m := range l.Months {
		out.Months[n] = Month{m.Month, make(map[string]map[Status]int64, len(m.Spent))}
		for name, spent := range m.Spent {
			out.Months[n].Spent[name] = maps.Clone(spent)
		}
	}
	out.account(now)
	return &out
}
