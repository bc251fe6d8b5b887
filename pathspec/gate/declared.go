package gate

import (
	"slices"

	"github.com/keiro-net/keiro/pathspec"
)

// declared are the intents of both sides: a row for each name, those after in
// their order, then those that are taken back.
type declared struct {
	names         []string
	before, after []*pathspec.Intent // by row; nil: not declared on that side
	orderBefore   []int              // rows, in the order of the file before
	changed       []int              // rows that differ
	reordered     bool               // those on both sides stand in another order
}

func declare(before, after []pathspec.Intent) *declared {
	d := &declared{}
	row := map[string]int{}
	add := func(name string) int {
		r, known := row[name]
		if !known {
			r = len(d.names)
			row[name] = r
			d.names = append(d.names, name)
			d.before, d.after = append(d.before, nil), append(d.after, nil)
		}
		return r
	}
	for i := range after {
		d.after[add(after[i].Name)] = &after[i]
	}
	for i := range before {
		r := add(before[i].Name)
		d.before[r] = &before[i]
		d.orderBefore = append(d.orderBefore, r)
	}
	last := -1
	for _, r := range d.orderBefore {
		if d.after[r] != nil {
			d.reordered = d.reordered || r < last
			last = r
		}
	}
	for r := range d.names {
		if !d.same(r) {
			d.changed = append(d.changed, r)
		}
	}
	return d
}

// same reports whether an intent asks for the same on both sides.
func (d *declared) same(row int) bool {
	b, a := d.before[row], d.after[row]
	return b != nil && a != nil && (b == a || b.Equal(a))
}

// changes lists what is declared otherwise.
func (d *declared) changes() (list []Change) {
	for _, r := range d.changed {
		c := Change{ID: "intent:" + d.names[r], Kind: "intent", Name: d.names[r]}
		switch {
		case d.before[r] == nil:
			c.Op = "added"
		case d.after[r] == nil:
			c.Op = "removed"
		default:
			c.Op = "changed"
		}
		c.Text = "intent " + c.Name + ": " + c.Op
		list = append(list, c)
	}
	if d.reordered {
		list = append(list, Change{ID: "intent:/order", Text: "intents: reordered", Kind: "intent", Op: "reordered"})
	}
	return list
}

// side is what is declared: after, but for the changes that are reverted, each
// by its number in changes.
func (d *declared) side(reverted func(change int) bool) (specs []*pathspec.Intent, order []int) {
	specs = slices.Clone(d.after)
	for n, r := range d.changed {
		if reverted(n) {
			specs[r] = d.before[r]
		}
	}
	for r := range specs {
		if specs[r] != nil {
			order = append(order, r)
		}
	}
	if d.reordered && reverted(len(d.changed)) {
		place := map[int]int{} // what is new comes last
		for n, r := range d.orderBefore {
			place[r] = n - len(d.names)
		}
		slices.SortStableFunc(order, func(a, b int) int { return place[a] - place[b] })
	}
	return specs, order
}
