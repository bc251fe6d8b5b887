package lab

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/keiro-net/keiro/lab/wire"
)

// Change is what a Cut or a Restore made of a link.
type Change struct {
	Link   string   `json:"link"`
	Up     bool     `json:"up"`
	Causes []string `json:"causes"` // what keeps it cut, sorted
}

// Cut takes all links of the targets down, all in one request to the kernel:
// the nodes see carrier loss at both ends. It returns the links of the targets
// in file order.
func (l *Lab) Cut(ctx context.Context, targets ...Target) ([]Change, error) {
	return l.alter(ctx, targets, func(causes []string, cause string) []string {
		if !slices.Contains(causes, cause) {
			causes = append(causes, cause)
		}
		slices.Sort(causes)
		return causes
	})
}

// Restore takes the cuts of the targets back; without targets all cuts of the
// lab. A link that was cut for more than one reason stays cut until the last
// of them is restored.
func (l *Lab) Restore(ctx context.Context, targets ...Target) ([]Change, error) {
	return l.alter(ctx, targets, func(causes []string, cause string) []string {
		return slices.DeleteFunc(causes, func(c string) bool { return c == cause || cause == "" })
	})
}

// alter changes the causes of all links of the targets and then makes the
// wire follow. The wire is set even where no cause changed: a command that was
// killed in between is completed by repeating it.
func (l *Lab) alter(ctx context.Context, targets []Target, edit func(causes []string, cause string) []string) ([]Change, error) {
	for _, t := range targets {
		if _, err := l.Target(t.String()); err != nil {
			return nil, err
		}
	}
	affected := map[int]bool{}
	var changes []Change
	err := l.change(ctx, func(s *state) {
		apply := func(i int, cause string) {
			affected[i] = true
			c := s.Conditions[l.plan.Links[i].Name]
			c.Causes = edit(c.Causes, cause)
			s.set(l.plan.Links[i].Name, c)
		}
		for _, t := range targets {
			for _, i := range l.plan.cables(t) {
				apply(i, t.String())
			}
		}
		if len(targets) == 0 {
			for i := range l.plan.Links {
				apply(i, "")
			}
		}
	}, func(s *state, w *wire.Wire) error {
		var cut, mend []int
		for _, i := range slices.Sorted(maps.Keys(affected)) {
			link := l.plan.Links[i].Name
			causes := s.Conditions[link].Causes
			changes = append(changes, Change{Link: link, Up: len(causes) == 0, Causes: append([]string{}, causes...)})
			if len(causes) == 0 {
				mend = append(mend, i)
			} else {
				cut = append(cut, i)
			}
		}
		if err := w.Cut(cut); err != nil {
			return err
		}
		return w.Mend(mend)
	})
	return changes, err
}

// Impairment makes a link worse than its file says. The zero Impairment is
// none.
type Impairment struct {
	Loss int64  // share of packets lost at random, parts per million
	From string // node at an end: only packets that it sends are lost; "": in both directions
	Rate int64  // bits per second in both directions, in place of the capacity; 0: the capacity stays
}

// Impair gives a link this impairment in place of any it has.
func (l *Lab) Impair(ctx context.Context, link string, i Impairment) error {
	number := l.plan.link(link)
	if number < 0 {
		return fmt.Errorf("lab %s: there is no link %q", l.name, link)
	}
	if i.Loss < 0 || i.Loss > 1e6 || i.Rate < 0 {
		return fmt.Errorf("lab %s: impair %s: want a loss of 0 to 100 %% and a rate that is not negative", l.name, link)
	}
	loss := [2]int64{i.Loss, i.Loss}
	if i.From != "" {
		ends := l.plan.Links[number].Ends
		if i.Loss == 0 || i.From != ends[0].Node && i.From != ends[1].Node {
			return fmt.Errorf("lab %s: impair %s: packets from %q can be lost where it is %s or %s, and a loss is given", l.name, link, i.From, ends[0].Node, ends[1].Node)
		}
		for e := range ends {
			if ends[e].Node != i.From {
				loss[e] = 0
			}
		}
	}
	return l.change(ctx, func(s *state) {
		c := s.Conditions[link]
		c.Loss, c.LossFrom, c.Rate = i.Loss, i.From, i.Rate
		s.set(link, c)
	}, func(s *state, w *wire.Wire) error {
		rate := i.Rate
		if rate == 0 {
			rate = l.plan.Links[number].Capacity
		}
		if err := w.Limit(number, rate, l.plan.Links[number].MTU); err != nil {
			return err
		}
		return w.Lose(number, loss)
	})
}

// change writes an edited state down and then acts on the wire, as the only
// command on the lab.
func (l *Lab) change(ctx context.Context, edit func(*state), act func(*state, *wire.Wire) error) error {
	d, err := enter(ctx, l.name, false)
	if err != nil {
		return err
	}
	defer d.leave()
	s, err := d.load()
	if err != nil {
		return err
	}
	if !same(s.Plan, l.plan) {
		return fmt.Errorf("lab %s: it was rebuilt from another file meanwhile", l.name)
	}
	w, err := d.openWire()
	if err != nil {
		return fmt.Errorf("lab %s: %w", l.name, err)
	}
	defer w.Close()
	edit(s)
	if err := d.save(s); err != nil {
		return err
	}
	if err := act(s, w); err != nil {
		return fmt.Errorf("lab %s: %w", l.name, err)
	}
	return nil
}
