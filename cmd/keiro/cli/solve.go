package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve"
)

func newSolveCommand(env *command.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "solve -t TOPOLOGY -i INTENTS",
		Short: "Compute the paths of intents, offline",
		Long: `Compute a path set for every intent, or say why there is none. No controller
is needed. Exit code 3: an intent is infeasible; 4: one is not decided.

Intents are admitted by priority. Those of one priority make room for each
other: one is re-routed where that admits another or makes all of them cheaper,
up to --max-moves. With --standing, a path set stays while it meets its intent
and fits in, unless another costs less by more than --keep-margin; an intent
that lost its capacity to others is told to whom.

Every intent has a share of --time-limit; what one does not use is left to the
others. What is open after that has another share of the rest.

MARGIN is how many failures of a kind the paths survive with one of them left,
and any where no failures of the kind take them all; RESERVE (-o wide) is how
many after which other paths can still meet the whole requirement. "The promise
breaks" names failures after which they cannot. docs/path-engine.md has more.`,
		Example: `  keiro solve -t examples/jp12.topology.yaml -i examples/intents.yaml
  cat examples/jp12.topology.yaml examples/intents.yaml | keiro solve -t - -i - -o json
  keiro solve -t new.yaml -i intents.yaml --standing last.json --keep-margin 5%`,
		Args: cobra.NoArgs,
	}
	var q question
	q.flags(cmd)
	limit := cmd.Flags().Duration("time-limit", 5*time.Second, "for the whole call; what is not proven by then is unknown; 0 is none")
	q.policy = solve.Policy{Joint: true}
	cmd.Flags().IntVar(&q.policy.MaxMoves, "max-moves", solve.DefaultMaxMoves, "intents that may be re-routed by choice; what breaks or is pre-empted does not count; 0: first come, first served")
	margin := cmd.Flags().String("keep-margin", fmt.Sprintf("%d%%", solve.DefaultKeepMargin), "gain of cost, in `PERCENT`, below which a standing path set stays")
	standing := cmd.Flags().String("standing", "", "solution `FILE` that stands, JSON or YAML, - for stdin")
	format := command.FormatFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *limit < 0 {
			return errors.New("--time-limit: want 0 or more")
		}
		if *standing == "" && cmd.Flags().Changed("keep-margin") {
			return errors.New("--keep-margin says how much a change must gain: what stands is to be told with --standing FILE")
		}
		if err := q.share(env, *standing, *margin); err != nil {
			return err
		}
		if err := q.read(env); err != nil {
			return err
		}
		if err := q.foreign(); err != nil {
			return fmt.Errorf("--standing %s: %w", *standing, err)
		}
		solution, err := q.solve(cmd.Context(), *limit)
		if err != nil {
			return err
		}
		err = env.Printer().Print(*format, solution, func(t *output.Text) {
			output.Solution(t, q.objective, solution)
			printJoint(t, solution.Joint)
			q.printHolders(t, solution)
		})
		if err != nil {
			return err
		}
		return verdict(solution)
	}
	return cmd
}

// share reads how the intents share the network.
func (q *question) share(env *command.Env, standing, margin string) (err error) {
	q.policy.KeepMargin, err = strconv.Atoi(strings.TrimSuffix(margin, "%"))
	switch {
	case err != nil || q.policy.KeepMargin < 0 || q.policy.KeepMargin > 100:
		return fmt.Errorf("--keep-margin: want 0%% to 100%%, found %q", margin)
	case q.policy.MaxMoves < 0:
		return errors.New("--max-moves: want 0 or more")
	case standing == "":
		return nil
	case standing == "-" && (q.topologyFile == "-" || q.intentsFile == "-"):
		return errors.New("--standing - cannot share stdin with -t - or -i -: give a file")
	}
	q.policy.Standing, err = readSolution(env, standing)
	return err
}

// foreign says what keeps a solution from being one that stands here. What its
// paths have lost since is no mistake.
func (q *question) foreign() error {
	s := q.policy.Standing
	switch {
	case s == nil:
		return nil
	case s.Kind != "Solution":
		return fmt.Errorf("want a document of kind Solution, found %.80q", s.Kind)
	case s.Topology != q.topology.Name:
		return fmt.Errorf("a solution for the topology %.80q, and not for %.80q", s.Topology, q.topology.Name)
	}
	for _, a := range s.Intents {
		if !slices.Contains([]pathspec.Status{pathspec.Satisfied, pathspec.Infeasible, pathspec.Undecided}, a.Status) {
			return fmt.Errorf("intent %.80q: no such status %.80q", a.Name, a.Status)
		}
	}
	return nil
}

// printJoint tells what the answers owe to each other, where they do.
func printJoint(t *output.Text, j *pathspec.Joint) {
	if j == nil || j.Admitted == j.FirstCome && j.Moves == 0 && j.Kept == 0 && j.Preempted == 0 {
		return
	}
	t.Printf("\ntogether: %d satisfied, %d first come, first served; %d moved, %d kept, %d pre-empted\n",
		j.Admitted, j.FirstCome, j.Moves, j.Kept, j.Preempted)
}

// printHolders tells who sees the QKD keys of intents that ask for such.
func (q *question) printHolders(t *output.Text, s *pathspec.Solution) {
	first := true
	for n := range s.Intents {
		for _, h := range pathspec.HoldersOf(q.topology, &q.intents[n].Require, s.Intents[n].Paths) {
			if first {
				t.Printf("\n")
			}
			first = false
			t.Printf("%s: %s\n", s.Intents[n].Name, h)
		}
	}
}

func (q *question) solve(ctx context.Context, limit time.Duration) (*pathspec.Solution, error) {
	start := time.Now()
	in := solve.Input{Topology: q.topology, Intents: q.intents, Stop: func() bool { return ctx.Err() != nil }, Policy: q.policy}
	if limit > 0 {
		in.Spent = func() float64 { return float64(time.Since(start)) / float64(limit) }
	}
	solution := solve.Solve(in)
	solution.Stats = &pathspec.Stats{ElapsedUS: time.Since(start).Microseconds()}
	if ctx.Err() != nil {
		return nil, errors.New("interrupted")
	}
	return &solution, nil
}

// objective is that of the named intent.
func (q *question) objective(intent string) pathspec.Objective {
	for i := range q.intents {
		if q.intents[i].Name == intent {
			return q.intents[i].Objective
		}
	}
	return pathspec.MinDelay
}

// verdict is the exit code of a solution: no is more than cannot tell.
func verdict(s *pathspec.Solution) error {
	names := map[pathspec.Status][]string{}
	for _, a := range s.Intents {
		names[a.Status] = append(names[a.Status], a.Name)
	}
	if no := names[pathspec.Infeasible]; len(no) > 0 {
		return command.Exit(command.Degraded, "%d of %s infeasible: %s", len(no), output.Count(len(s.Intents), "intent"), output.Some(no))
	}
	if open := names[pathspec.Undecided]; len(open) > 0 {
		return command.Exit(command.CannotTell, "%d of %s undecided: %s", len(open), output.Count(len(s.Intents), "intent"), output.Some(open))
	}
	return nil
}
