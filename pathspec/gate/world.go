package gate

import (
	"errors"
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
	misfits []*misfit         // of every intent; nil where it fits
	asked   []pathspec.Intent // those that fit
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

func (g *gate) world(t *topology.Topology) *world {
	w := &world{gate: g, t: t, misfits: make([]*misfit, len(g.Intents)), levels: map[string][]level{}, survival: make([]*Survival, len(g.Intents))}
	for i := range g.Intents {
		if err := pathspec.Validate(t, g.Intents[i:i+1]); err != nil {
			w.misfits[i] = misfitOf(err)
			continue
		}
		w.asked = append(w.asked, g.Intents[i])
	}
	if pathspec.Validate(t, w.asked) != nil {
		w.separate()
	}
	w.engine = solve.NewEngine(t, w.asked)
	return w
}

// separate finds the intents that do not fit beside those before them.
func (w *world) separate() {
	w.asked = w.asked[:0:0]
	for i := range w.Intents {
		if w.misfits[i] != nil {
			continue
		}
		beside := append(w.asked, w.Intents[i])
		if err := pathspec.Validate(w.t, beside); err != nil {
			w.misfits[i] = misfitOf(err)
		} else {
			w.asked = beside
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
	answers := make([]*pathspec.Answer, len(w.Intents))
	next := 0
	for i := range answers {
		if w.misfits[i] == nil {
			answers[i] = &s.Intents[next]
			next++
		}
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
