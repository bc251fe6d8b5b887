package gate

import (
	"fmt"

	"github.com/keiro-net/keiro/pathspec"
)

// compare finds what degrades for intent i while nothing fails.
func compare(i int, before, after *world) []Finding {
	if before.specs[i] == nil || after.specs[i] == nil {
		return nil // somebody wanted it to come or to go
	}
	name := before.names[i]
	b, a := before.answers[i], after.answers[i]
	found := Finding{
		Intent: name, Verdict: Degraded, Before: string(before.status(i)), After: string(after.status(i)),
		restored: func(w *world) bool { return w.status(i) == pathspec.Satisfied },
	}
	switch {
	case found.Before == string(pathspec.Undecided) || found.After == string(pathspec.Undecided):
		found.Verdict, found.Characteristic = Unknown, Requirement
		found.Message = "cannot tell whether the requirement can still be met"
		for _, w := range []*world{before, after} {
			if w.status(i) == pathspec.Undecided && w.answers[i].Why != nil {
				found.Message += ": " + w.answers[i].Why.Message
				break
			}
		}
		return []Finding{found}
	case found.Before != string(pathspec.Satisfied):
		return nil // nothing held that could degrade
	case a == nil:
		m := after.misfits[i]
		found.Characteristic, found.Message, found.After = m.characteristic, m.message, "does not fit"
		return []Finding{found}
	case a.Status == pathspec.Infeasible:
		found.Characteristic, found.Message, found.Cut = Requirement, a.Why.Message, a.Why.Cut
		if c, ok := characteristicOf[a.Why.Code]; ok {
			found.Characteristic = c
		}
		return []Finding{found}
	}
	if !before.same(i) {
		return nil // less may have been wanted
	}
	return append(margins(i, name, b, a), reserves(i, name, b, a)...)
}

var kinds = []pathspec.Kind{pathspec.Link, pathspec.Node, pathspec.SRLG}

// marginFor is the margin of a kind; any is more than any number.
func marginFor(m *pathspec.Margin, k pathspec.Kind) int {
	const any = 1 << 30
	n := []*int{m.Link, m.Node, m.SRLG}[k]
	if n == nil {
		return any
	}
	return *n
}

func margins(i int, name string, b, a *pathspec.Answer) (list []Finding) {
	for _, k := range kinds {
		was, is := marginFor(b.Margin, k), marginFor(a.Margin, k)
		if is >= was {
			continue
		}
		f := Finding{
			Intent: name, Verdict: Degraded, Characteristic: marginOf + k.String(),
			Before: marginText(b.Margin, k), After: marginText(a.Margin, k),
			restored: func(w *world) bool {
				return w.status(i) == pathspec.Satisfied && marginFor(w.answers[i].Margin, k) >= was
			},
		}
		f.Message = fmt.Sprintf("%s can take all its paths; before, it took %s", failuresOf(is+1, k.String()), moreThan(b.Margin, k))
		list = append(list, f)
	}
	return list
}

func marginText(m *pathspec.Margin, k pathspec.Kind) string {
	if n := []*int{m.Link, m.Node, m.SRLG}[k]; n != nil {
		return fmt.Sprint(*n)
	}
	return "any"
}

func moreThan(m *pathspec.Margin, k pathspec.Kind) string {
	if n := []*int{m.Link, m.Node, m.SRLG}[k]; n != nil {
		return fmt.Sprint(*n + 1)
	}
	return "more than there are"
}

func reserves(i int, name string, b, a *pathspec.Answer) (list []Finding) {
	if b.Reserve == nil || a.Reserve == nil {
		return nil
	}
	for _, k := range kinds {
		was, is := reserveFor(b.Reserve, k), reserveFor(a.Reserve, k)
		f := Finding{
			Intent: name, Verdict: Degraded, Characteristic: reserveOf + k.String(),
			Before: reserveText(b.Reserve, k), After: reserveText(a.Reserve, k),
			restored: func(w *world) bool {
				w.solveFull()
				r := w.answers[i]
				return r != nil && r.Reserve != nil && reserveFor(r.Reserve, k) >= was
			},
		}
		switch {
		case is >= was: // what was proven before is proven after
			continue
		case !a.Reserve.Exact:
			f.Verdict, f.Message = Unknown, "cannot tell: the reserve after is at least that, and may be as much as before"
		default:
			f.Message = fmt.Sprintf("%s can break the promise; before, it took %d", failuresOf(is+1, k.String()), was+1)
			if !b.Reserve.Exact {
				f.Message += " or more"
			}
		}
		list = append(list, f)
	}
	return list
}

func reserveFor(r *pathspec.Reserve, k pathspec.Kind) int { return []int{r.Link, r.Node, r.SRLG}[k] }

func reserveText(r *pathspec.Reserve, k pathspec.Kind) string {
	if !r.Exact {
		return fmt.Sprintf(">=%d", reserveFor(r, k))
	}
	return fmt.Sprint(reserveFor(r, k))
}
