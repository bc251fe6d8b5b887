package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology/strictyaml"
)

// verification is the document that check prints.
type verification struct {
	APIVersion string      `json:"apiVersion"`
	Kind       string      `json:"kind"`
	Verified   bool        `json:"verified"` // every answer is satisfied and holds
	Violations []violation `json:"violations"`
}

type violation struct {
	Intent     string `json:"intent,omitempty"`
	Path       *int   `json:"path,omitempty"` // from 0, as in the solution
	Rule       string `json:"rule"`
	Message    string `json:"message"`
	CannotTell bool   `json:"cannot_tell"`
}

func newCheckCommand(env *command.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check -t TOPOLOGY -i INTENTS -s SOLUTION",
		Short: "Verify somebody's answer, without trusting who found it",
		Long: `Verify every path of a solution against the topology and the intents. Exit
code 0: every answer is satisfied and holds; 3: something does not hold; 4: an
answer is infeasible or unknown, which the paths cannot show.`,
		Example: `  keiro solve -t examples/jp12.topology.yaml -i examples/intents.yaml -o json |
    keiro check -t examples/jp12.topology.yaml -i examples/intents.yaml -s -`,
		Args: cobra.NoArgs,
	}
	var q question
	q.flags(cmd)
	solutionFile := cmd.Flags().StringP("solution", "s", "", "solution `FILE`, JSON or YAML, - for stdin")
	command.Require(cmd, "solution")
	format := command.FormatFlag(cmd)
	cmd.RunE = func(*cobra.Command, []string) error {
		if *solutionFile == "-" && (q.topologyFile == "-" || q.intentsFile == "-") {
			return errors.New("-s - cannot share stdin with -t - or -i -: give a file")
		}
		if err := q.read(env); err != nil {
			return err
		}
		solution, err := readSolution(env, *solutionFile)
		if err != nil {
			return err
		}
		found := pathspec.Check(q.topology, q.intents, solution)
		doc := verification{"keiro/v1", "Verification", len(found) == 0, make([]violation, 0, len(found))}
		wrong := 0
		for _, v := range found {
			one := violation{Intent: v.Intent, Rule: string(v.Rule), Message: v.Message, CannotTell: v.CannotTell()}
			if v.Path >= 0 {
				one.Path = &v.Path
			}
			if !one.CannotTell {
				wrong++
			}
			doc.Violations = append(doc.Violations, one)
		}
		err = env.Printer().Print(*format, doc, func(t *output.Text) { printVerification(t, len(q.intents), doc.Violations) })
		switch {
		case err != nil:
			return err
		case wrong > 0:
			return command.Exit(command.Degraded, "the solution does not hold: %s", output.Count(wrong, "violation"))
		case len(found) > 0:
			return command.Exit(command.CannotTell, "%d of %s cannot be verified", len(found), output.Count(len(q.intents), "answer"))
		}
		return nil
	}
	return cmd
}

func printVerification(t *output.Text, intents int, violations []violation) {
	if len(violations) == 0 {
		t.Printf("%s verified\n", output.Count(intents, "answer"))
		return
	}
	table := &output.Table{Heads: []string{"INTENT", "PATH", "VERDICT", "RULE", "MESSAGE"}}
	for _, v := range violations {
		path, verdict := "-", "violated"
		if v.Path != nil {
			path = fmt.Sprint(*v.Path + 1)
		}
		if v.CannotTell {
			verdict = "unknown"
		}
		table.Add(v.Intent, path, verdict, v.Rule, v.Message)
	}
	t.Table(table)
}

// readSolution reads what `solve` printed, JSON or YAML. It is lenient as to
// null, which a Solution has many of, and strict as to keys.
func readSolution(env *command.Env, path string) (*pathspec.Solution, error) {
	name, data, err := env.Read(path)
	if err != nil {
		return nil, err
	}
	docs, errs := strictyaml.Lenient(name, data)
	if err := errs.Err(); err != nil {
		return nil, err
	}
	if len(docs) != 1 {
		return nil, fmt.Errorf("%s: want one Solution, found %d documents", name, len(docs))
	}
	solution := new(pathspec.Solution)
	return solution, docs[0].Decode(solution).Err()
}
