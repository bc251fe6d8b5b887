package gate

import (
	"errors"
	"slices"
	"strings"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve"
	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/strictyaml"
)

// world is a topology and the answers of the intents on it. Intents that do
// not fit the topology are not asked of the solver.
type world struct {
	*gate
	t       *topology.Topology
	specs   []*pathspec.Intent // of every row; nil: not declared
	misfits []*misfit          // of every row; nil where it fits
	asked   []pathspec.Intent  // those that fit
	rows    []int              // of asked
	engine  *solve.Engine
	answers []*pathspec.Answer // of every intent; nil where it does not fit
	full    bool               // with reserves and reasons

	levels   map[string][]level // by failure, of every intent
	survival []*Survival        // of every intent; nil where no failures are tried
}

// misfit is why an intent does not fit a topology.
type misfit struct {
	characteristic, message string
}

// world has what is declared after, but for the changes of it that are reverted.
func (g *gate) world(t *topology.Topology, reverted func(change int) bool) *world {
	specs, order := g.side(reverted)
	w := &world{gate: g, t: t, specs: specs, misfits: make([]*misfit, len(specs)), levels: map[string][]level{}, survival: make([]*Survival, len(specs))}
	for i, spec := range specs {
		if spec == nil {
			w.misfits[i] = &misfit{undeclared, "not declared"}
		}
	}
	for _, i := range order {
		if err := pathspec.Validate(t, []pathspec.Intent{*specs[i]}); err != nil {
			w.misfits[i] = misfitOf(err)
			continue
		}
		w.ask(i)
	}
	if pathspec.Validate(t, w.asked) != nil {
		w.separate()
	}
	w.engine = solve.NewEngine(t, w.asked)
	return w
}

// undeclared is the characteristic of an intent that is not there.
const undeclared = "undeclared"

func (w *world) ask(row int) {
	w.asked, w.rows = append(w.asked, *w.specs[row]), append(w.rows, row)
}

// separate finds the intents that do not fit beside those before them.
func (w *world) separate() {
	rows := w.rows
	w.asked, w.rows = nil, nil
	for _, i := range rows {
		if err := pathspec.Validate(w.t, append(slices.Clip(w.asked), *w.specs[i])); err != nil {
			w.misfits[i] = misfitOf(err)
		} else {
			w.ask(i)
		}
	}
}

func misfitOf(err error) *misfit {
	m := &misfit{Names, err.Error()}
	var mistakes strictyaml.Errors
	if errors.As(err, &mistakes) {
		messages := make([]string, len(mistakes))
		for i, e := range mistakes {
			path := e.Path[strings.LastIndex(e.Path, " ")+1:] // made intents: `intent x: spec.from`
			messages[i] = path + ": " + e.Msg
			if strings.HasSuffix(e.Path, "spec.from") || strings.HasSuffix(e.Path, "spec.to") {
				m.characteristic = Ends
			}
		}
		m.message = strings.Join(messages, "; ")
	}
	return m
}

// solve answers as the question asks for it.
func (w *world) solve() {
	if w.Reserve {
		w.solveFull()
	}
	w.solvePaths()
}

// solveFull answers with reserves and reasons, once.
func (w *world) solveFull() {
	if !w.full {
		w.full, w.answers = true, w.spread(w.engine.Solve(w.Stop))
	}
}

// reasons finds why an intent is infeasible that was satisfied before. The
// engine gives reasons together with reserves only, which cost much more.
func (w *world) reasons(before *world) {
	wanted := func(i int) bool {
		return before.status(i) == pathspec.Satisfied && w.answers[i] != nil && w.answers[i].Status == pathspec.Infeasible
	}
	missing := false
	for i := range w.answers {
		missing = missing || wanted(i)
	}
	if w.full || !missing {
		return
	}
	explained := w.spread(solve.Solve(solve.Input{Topology: w.t, Intents: w.asked, Stop: w.Stop, NoReserve: true}))
	for i, a := range w.answers {
		if wanted(i) && explained[i].Status == pathspec.Infeasible {
			a.Why = explained[i].Why
		}
	}
}

// solvePaths answers without them, unless there is an answer.
func (w *world) solvePaths() {
	if w.answers == nil {
		w.answers = w.spread(w.engine.Fail(topology.Outage{}, w.Stop))
	}
}

// spread gives the answer of every intent.
func (w *world) spread(s pathspec.Solution) []*pathspec.Answer {
	answers := make([]*pathspec.Answer, len(w.specs))
	for n, i := range w.rows {
		answers[i] = &s.Intents[n]
	}
	return answers
}

// status of intent i; one that does not fit has no paths.
func (w *world) status(i int) pathspec.Status {
	w.solvePaths()
	if w.answers[i] == nil {
		return pathspec.Infeasible
	}
	return w.answers[i].Status
}

// state is the answer of intent i as the plan shows it.
func (w *world) state(i int) State {
	a := w.answers[i]
	if a == nil {
		m := w.misfits[i]
		return State{Status: pathspec.Infeasible, Paths: []pathspec.Path{}, Why: &pathspec.Why{
			Code: m.characteristic, Message: m.message, Cut: []string{}, Relaxations: []pathspec.Relaxation{},
		}}
	}
	s := State{
		Status: a.Status, Optimal: a.Optimal, Cost: a.Cost, Paths: a.Paths,
		Margin: a.Margin, Reserve: a.Reserve, Survives: w.survival[i], Why: a.Why,
	}
	known := true
	for _, p := range a.Paths {
		s.BandwidthBPS = p.BandwidthBPS
		if p.DelayUS == nil {
			known = false
		} else if s.DelayUS == nil || *p.DelayUS > *s.DelayUS {
			s.DelayUS = p.DelayUS
		}
	}
	if !known {
		s.DelayUS = nil
	}
	return s
}
