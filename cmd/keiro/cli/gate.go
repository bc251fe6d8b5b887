package cli

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/cmd/keiro/cli/git"
	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/cmd/keiro/cli/planout"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/gate"
	"github.com/keiro-net/keiro/pathspec/gate/iac"
	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/strictyaml"
)

// gateQuestion is what `keiro gate` is asked: a change that others make, and
// whose files say so.
type gateQuestion struct {
	change
	terraform, mapping string
	revisions, repo    string

	effect *iac.Effect // nil: no plan of Terraform's
}

func newGateCommand(env *command.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "gate -t TOPOLOGY -i INTENTS (--terraform-plan PLAN --map MAP | --git BASE..HEAD)",
		Short: "Say what a change of infrastructure as code would do to each intent",
		Long: `Like keiro plan, for pipelines: the change is what Terraform or OpenTofu is about to
do, or what differs between two revisions of a git repository.

--terraform-plan reads the output of ` + "`terraform show -json PLANFILE`" + ` or ` + "`tofu show -json`" + `.
--map (kind GateMap) says which resources carry which link, node, SRLG or site:
one that is deleted is removed from the topology, one that is replaced is drained,
and where mapped attributes change, so do the fields of the topology. A value that
only the apply tells is taken for unknown; what degrades by it cannot be told.

--git reads -t and -i, paths within --repo, at both revisions; BASE...HEAD begins
where HEAD has left BASE. Intents may differ as well: what one takes from others
degrades, its own weakening or removal is a change.

Exit codes are those of keiro plan: 0 nothing changes, 2 nothing declared degrades,
3 something does, 4 cannot tell.`,
		Example: `  terraform show -json plan.out | keiro gate --terraform-plan - --map examples/iac/map.yaml -t examples/jp12.topology.yaml -i examples/intents.yaml
  keiro gate --terraform-plan examples/iac/plan.json --map examples/iac/map.yaml -t examples/jp12.topology.yaml -i examples/intents.yaml -o gitlab
  keiro gate --git origin/main...HEAD -t net/topology.yaml -i net/intents.yaml --failures srlg -o github`,
		Args: cobra.NoArgs,
	}
	var q gateQuestion
	q.flags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&q.terraform, "terraform-plan", "", "plan `FILE` as JSON, - for stdin")
	flags.StringVar(&q.mapping, "map", "", "`FILE` of kind GateMap")
	flags.StringVar(&q.revisions, "git", "", "two `REVISIONS`: BASE..HEAD or BASE...HEAD")
	flags.StringVar(&q.repo, "repo", ".", "`DIR` within the git repository, from which the paths count")
	flags.StringVar(&q.failures, "failures", "none", "compare every single failure of a `KIND`: "+strings.Join(failureKinds, ", "))
	flags.BoolVar(&q.reserve, "reserve", false, "compare reserves as well, which takes much longer")
	flags.DurationVar(&q.limit, "time-limit", time.Minute, "for the whole call; what is not proven by then is unknown; 0 is none")
	format := planout.Format(output.TableFormat)
	flags.VarP(&format, "output", "o", "how to print")
	command.Complete(cmd, "output", planout.Formats...)
	command.Complete(cmd, "failures", failureKinds...)
	cmd.MarkFlagsOneRequired("terraform-plan", "git")
	cmd.MarkFlagsMutuallyExclusive("terraform-plan", "git")
	cmd.MarkFlagsRequiredTogether("terraform-plan", "map")
	cmd.MarkFlagsMutuallyExclusive("terraform-plan", "repo")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		switch {
		case !slices.Contains(failureKinds, q.failures):
			return fmt.Errorf("--failures %q: want one of %s", q.failures, strings.Join(failureKinds, ", "))
		case q.limit < 0:
			return errors.New("--time-limit: want 0 or more")
		}
		read := q.readTerraform
		if q.revisions != "" {
			read = func(env *command.Env) error { return q.readGit(cmd, env) }
		}
		if err := read(env); err != nil {
			return err
		}
		ask := gate.Evaluate
		if q.effect != nil {
			ask = q.effect.Evaluate
		}
		plan, err := q.evaluate(cmd.Context(), env, ask)
		if err != nil {
			return err
		}
		if q.effect != nil {
			for _, note := range q.effect.Notes {
				fmt.Fprintln(env.Stderr, "keiro:", note)
			}
		}
		if err := planout.Print(env.Printer(), format, plan); err != nil {
			return err
		}
		return planVerdict(plan)
	}
	return cmd
}

// readTerraform reads the files, and the plan as it comes: it may be long.
func (q *gateQuestion) readTerraform(env *command.Env) error {
	if q.terraform == "-" && (q.topologyFile == "-" || q.intentsFile == "-") {
		return errors.New("--terraform-plan - and - for another file would be the same stream: give a file")
	}
	q.withLines = true
	if err := q.read(env); err != nil {
		return err
	}
	file, data, err := env.Read(q.mapping)
	if err != nil {
		return err
	}
	m, err := iac.ParseMap(file, data)
	if err != nil {
		return err
	}
	in, name := env.Stdin, "stdin"
	if q.terraform != "-" {
		f, err := os.Open(q.terraform)
		if err != nil {
			return err
		}
		defer f.Close()
		in, name = f, q.terraform
	}
	if q.effect, err = iac.Apply(q.topology, m, name, in); err != nil {
		return err
	}
	q.afterLines = q.lines
	return nil
}

// readGit reads both files at both revisions.
func (q *gateQuestion) readGit(cmd *cobra.Command, env *command.Env) error {
	ctx := cmd.Context()
	base, head, err := git.Revisions(ctx, q.repo, q.revisions)
	if err != nil {
		return err
	}
	show := func(revision, path string) (name string, data []byte, err error) {
		data, err = git.Show(ctx, q.repo, revision, path, strictyaml.MaxBytes)
		return path, data, err
	}
	var errs []error
	for _, side := range []struct {
		revision string
		topology **topology.Topology
		lines    **topology.Lines
		intents  *[]pathspec.Intent
	}{{base, &q.topology, &q.lines, &q.beforeIntents}, {head, &q.after, &q.afterLines, &q.intents}} {
		at := func(err error) error { return fmt.Errorf("at %s: %w", side.revision, err) }
		name, data, err := show(side.revision, q.topologyFile)
		if err == nil {
			*side.topology, *side.lines, err = topology.ParseLines(name, data)
		}
		if err != nil {
			errs = append(errs, at(err))
		}
		name, data, err = show(side.revision, q.intentsFile)
		var absent git.AbsentError
		switch {
		case errors.As(err, &absent):
			fmt.Fprintf(env.Stderr, "keiro: %v: nothing is declared there\n", err)
			*side.intents, err = []pathspec.Intent{}, nil
		case err == nil:
			*side.intents, err = pathspec.Parse(name, data)
		}
		if *side.intents == nil {
			*side.intents = []pathspec.Intent{} // none, which is not the same as those of the other side
		}
		if err != nil {
			errs = append(errs, at(err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return pathspec.Validate(q.topology, q.beforeIntents)
}
