package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve"
	"github.com/keiro-net/keiro/topology"
)

func newSolveCommand(env *Env) *cobra.Command {
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
	format := formatFlag(cmd)
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
		err = env.printer().Print(*format, solution, func(t *output.Text) { printSolution(t, q.intents, solution) })
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

// verdict is the exit code of a solution: no is more than cannot tell.
func verdict(s *pathspec.Solution) error {
	names := map[pathspec.Status][]string{}
	for _, a := range s.Intents {
		names[a.Status] = append(names[a.Status], a.Name)
	}
	if no := names[pathspec.Infeasible]; len(no) > 0 {
		return exit(exitDegraded, "%d of %s infeasible: %s", len(no), count(len(s.Intents), "intent"), some(no))
	}
	if open := names[pathspec.Undecided]; len(open) > 0 {
		return exit(exitCannotTell, "%d of %s undecided: %s", len(open), count(len(s.Intents), "intent"), some(open))
	}
	return nil
}

// count is a number and what is counted.
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// some names a few of many.
func some(names []string) string {
	const most = 5
	if more := len(names) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), more)
	}
	return strings.Join(names, ", ")
}

// printSolution shows a row for each path, and below what is not satisfied
// and why.
func printSolution(t *output.Text, intents []pathspec.Intent, s *pathspec.Solution) {
	table := &output.Table{
		Heads: []string{"INTENT", "STATUS", "PATH", "DELAY", "COST", "MARGIN"},
		Wide:  []string{"OPTIMAL", "RESERVE", "BANDWIDTH", "METRIC", "LINKS"},
	}
	for i, a := range s.Intents {
		row := []string{a.Name, string(a.Status), "-", "-", "-", "-", "-", "-", "-", "-", "-"}
		if a.Status == pathspec.Satisfied {
			row[4], row[5] = cost(intents[i].Objective, a.Cost), margin(a.Margin)
			row[6], row[7] = yesNo(a.Optimal), reserve(a.Reserve)
		}
		for _, p := range a.Paths {
			row[2], row[3] = strings.Join(p.Nodes, " "), "unknown"
			if p.DelayUS != nil {
				row[3] = topology.Delay(*p.DelayUS).String()
			}
			row[8] = topology.Bandwidth(p.BandwidthBPS).String()
			row[9], row[10] = fmt.Sprint(p.Metric), strings.Join(p.Links, " ")
			table.Add(row...)
			row = make([]string, len(row))
		}
		if len(a.Paths) == 0 {
			table.Add(row...)
		}
	}
	t.Table(table)
	for i, a := range s.Intents {
		if a.Why != nil {
			printWhy(t, intents[i].Objective, &a)
		}
	}
}

func printWhy(t *output.Text, objective pathspec.Objective, a *pathspec.Answer) {
	t.Printf("\n%s is %s (%s): %s\n", a.Name, t.Word(string(a.Status)), a.Why.Code, a.Why.Message)
	if len(a.Why.Cut) > 0 {
		t.Printf("  in the way: %s\n", strings.Join(a.Why.Cut, ", "))
	}
	if len(a.Why.Relaxations) > 0 {
		t.Printf("  any one of these changes makes it feasible:\n")
	}
	for _, r := range a.Why.Relaxations {
		t.Printf("    %s (cost %s)\n", r.Change, cost(objective, r.Cost))
	}
}

// cost gives a cost the unit of its objective.
func cost(objective pathspec.Objective, v int64) string {
	switch objective {
	case pathspec.MinDelay:
		return topology.Delay(v).String()
	case pathspec.MinHops:
		return fmt.Sprintf("%d hops", v)
	case pathspec.Balance:
		return fmt.Sprintf("%.1f%%", float64(v)/1e4)
	default:
		return fmt.Sprintf("metric %d", v)
	}
}

func margin(m *pathspec.Margin) string {
	if m == nil {
		return "-"
	}
	one := func(n *int) string {
		if n == nil {
			return "any"
		}
		return fmt.Sprint(*n)
	}
	return fmt.Sprintf("link %s, node %s, srlg %s", one(m.Link), one(m.Node), one(m.SRLG))
}

func reserve(r *pathspec.Reserve) string {
	if r == nil {
		return "-"
	}
	least := ""
	if !r.Exact {
		least = ">="
	}
	return fmt.Sprintf("link %s%d, node %s%d, srlg %s%d", least, r.Link, least, r.Node, least, r.SRLG)
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
