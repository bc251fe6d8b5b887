package cli

import (
	"context"
	"errors"
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
is needed. Exit code 3: an intent is infeasible; 4: one is not decided.`,
		Example: `  keiro solve -t examples/jp12.topology.yaml -i examples/intents.yaml
  cat examples/jp12.topology.yaml examples/intents.yaml | keiro solve -t - -i - -o json`,
		Args: cobra.NoArgs,
	}
	var q question
	q.flags(cmd)
	limit := cmd.Flags().Duration("time-limit", 5*time.Second, "for the whole call; what is not proven by then is unknown; 0 is none")
	format := command.FormatFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *limit < 0 {
			return errors.New("--time-limit: want 0 or more")
		}
		if err := q.read(env); err != nil {
			return err
		}
		solution, err := q.solve(cmd.Context(), *limit)
		if err != nil {
			return err
		}
		err = env.Printer().Print(*format, solution, func(t *output.Text) { output.Solution(t, q.objective, solution) })
		if err != nil {
			return err
		}
		return verdict(solution)
	}
	return cmd
}

func (q *question) solve(ctx context.Context, limit time.Duration) (*pathspec.Solution, error) {
	start := time.Now()
	stop := func() bool { return ctx.Err() != nil || limit > 0 && time.Since(start) >= limit }
	solution := solve.Solve(solve.Input{Topology: q.topology, Intents: q.intents, Stop: stop})
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
