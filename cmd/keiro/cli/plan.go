package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/cmd/keiro/cli/planout"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/gate"
	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/diff"
)

// failureKinds are the values of --failures.
var failureKinds = []string{"none", "link", "node", "srlg"}

// change is what `keiro plan` is asked: a question, and what should change.
type change struct {
	question
	to                   string
	drains, removes, set []string
	failures             string
	reserve              bool
	limit                time.Duration

	after         *topology.Topology
	afterLines    *topology.Lines
	beforeIntents []pathspec.Intent // nil: the same
	outages       []gate.Drain
	asked         map[string]string
}

func newPlanCommand(env *command.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plan -t TOPOLOGY -i INTENTS [--to TOPOLOGY] [CHANGE...]",
		Short: "Say what a change would do to each intent, before it is made",
		Long: `Compare what each intent gets before and after a change of the network: another
topology file, or changes given by flags, or both. Flags change what --to gives,
or else what -t gives: --set first, then --remove, then --drain, each in order.
To remove a site or an operator removes its nodes and links, to remove an SRLG
the links in it; to take a link out of an SRLG, set its srlgs.

Exit code 0: nothing changes for any intent. 2: paths or values change, and
nothing declared degrades; a longer delay within its bound is such a change.
3: a declared characteristic degrades: an intent that was satisfied is
infeasible or does not fit the topology any more; or its margin is lower; with
--reserve, its reserve; or, with --failures, a single failure leaves less of it
than before. What left the whole requirement (by other paths where need be) now
leaves a path at best, or what left a path leaves none. An intent that was
infeasible before does not degrade. 4: cannot tell, within the time limit or by
what is known. 3 beats 4, and 4 beats 2.

Each degradation names the changes that, taken back alone, restore what was; or,
where no single one does, a set of which none can be left out. Beyond 32
changes, one set is looked for by halving; beyond 500 trials it may not be the
least, and is said to be so.`,
		Example: `  keiro plan -t examples/jp12.topology.yaml -i examples/intents.yaml --drain srlg:keihan-duct
  keiro plan -t examples/jp12.topology.yaml -i examples/intents.yaml --failures srlg --remove link:tyo1--hcj1 --set link:nag1--osa1.delay=9ms
  sed 's/capacity: 400Mbps/capacity: 100Mbps/' examples/jp12.topology.yaml > after.yaml
  keiro plan -t examples/jp12.topology.yaml -i examples/intents.yaml --to after.yaml -o github`,
		Args: cobra.NoArgs,
	}
	var c change
	c.flags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&c.to, "to", "", "the topology `FILE` after the change, - for stdin")
	flags.StringArrayVar(&c.set, "set", nil, "set a field, as KIND:NAME.FIELD=VALUE, such as link:z.delay=9ms; `CHANGE` may be given several times")
	flags.StringArrayVar(&c.removes, "remove", nil, "remove what --drain would close, for good; `WHAT` may be given several times")
	flags.StringArrayVar(&c.drains, "drain", nil, "close node:, link:, srlg:, site: or operator:NAME; `WHAT` may be given several times")
	flags.StringVar(&c.failures, "failures", "none", "compare every single failure of a `KIND`: "+strings.Join(failureKinds, ", "))
	flags.BoolVar(&c.reserve, "reserve", false, "compare reserves as well, which takes much longer")
	flags.DurationVar(&c.limit, "time-limit", time.Minute, "for the whole call; what is not proven by then is unknown; 0 is none")
	format := planout.Format(output.TableFormat)
	flags.VarP(&format, "output", "o", "how to print")
	command.Complete(cmd, "output", planout.Formats...)
	command.Complete(cmd, "failures", failureKinds...)
	c.completions(env, cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := c.readAll(env); err != nil {
			return err
		}
		plan, err := c.evaluate(cmd.Context(), env, gate.Evaluate)
		if err != nil {
			return err
		}
		if err := planout.Print(env.Printer(), format, plan); err != nil {
			return err
		}
		return planVerdict(plan)
	}
	return cmd
}

// readAll reads the files and makes the topology after.
func (c *change) readAll(env *command.Env) error {
	switch {
	case !slices.Contains(failureKinds, c.failures):
		return fmt.Errorf("--failures %q: want one of %s", c.failures, strings.Join(failureKinds, ", "))
	case c.limit < 0:
		return errors.New("--time-limit: want 0 or more")
	case c.to == "" && len(c.set)+len(c.removes)+len(c.drains) == 0:
		return errors.New("no change: give --to, --set, --remove or --drain")
	case c.to == "-" && c.topologyFile == "-":
		return errors.New("--to - and -t - would be the same topology: give a file")
	}
	c.withLines = true
	if err := c.read(env); err != nil {
		return err
	}
	c.after, c.afterLines = c.topology, c.lines
	if c.to != "" {
		file, data, err := env.Read(c.to)
		if err != nil {
			return err
		}
		if c.after, c.afterLines, err = topology.ParseLines(file, data); err != nil {
			return err
		}
	}
	return c.edit()
}

// edit makes the changes that flags ask for.
func (c *change) edit() error {
	c.asked = map[string]string{}
	for _, f := range []struct {
		flag  string
		texts []string
		parse func(*topology.Topology, string) ([]diff.Edit, error)
	}{{"--set ", c.set, parseSet}, {"--remove ", c.removes, diff.ParseRemove}} {
		for _, text := range f.texts {
			edits, err := f.parse(c.after, text)
			if err == nil {
				c.after, err = diff.Apply(c.after, edits...)
			}
			if err != nil {
				return fmt.Errorf("%s%s: %w", f.flag, text, err)
			}
			for _, e := range edits {
				c.asked[e.ID()] = f.flag + text
			}
		}
	}
	for _, text := range c.drains {
		o, err := diff.ParseDrain(c.after, text)
		if err != nil {
			return fmt.Errorf("--drain %s: %w", text, err)
		}
		if !slices.ContainsFunc(c.outages, func(d gate.Drain) bool { return d.Name == text }) {
			c.outages = append(c.outages, gate.Drain{Name: text, Outage: o, By: "--drain " + text})
		}
	}
	return nil
}

func parseSet(t *topology.Topology, text string) ([]diff.Edit, error) {
	e, err := diff.ParseSet(t, text)
	if err != nil {
		return nil, err
	}
	return []diff.Edit{e}, nil
}

func (c *change) evaluate(ctx context.Context, env *command.Env, ask func(gate.Input) *gate.Plan) (*gate.Plan, error) {
	start := time.Now()
	progress := env.Progress()
	progress.Say("solving %s before and after", output.Count(len(c.intents), "intent"))
	plan := ask(gate.Input{
		Before: c.topology, After: c.after, Intents: c.intents, BeforeIntents: c.beforeIntents, Drains: c.outages,
		Failures: c.failures, Reserve: c.reserve, Asked: c.asked,
		BeforeLines: c.lines, AfterLines: c.afterLines,
		Stop: func() bool { return ctx.Err() != nil || c.limit > 0 && time.Since(start) >= c.limit },
		Progress: func(done, of int) {
			progress.Say("tried %d of %s", done, output.Count(of, c.failures+" failure"))
		},
	})
	progress.Clear()
	plan.Stats = &gate.Stats{ElapsedUS: time.Since(start).Microseconds()}
	if ctx.Err() != nil {
		return nil, errors.New("interrupted")
	}
	return plan, nil
}

// planVerdict is the exit code of a plan.
func planVerdict(plan *gate.Plan) error {
	var names []string
	for _, i := range plan.Intents {
		if i.Verdict == plan.Verdict {
			names = append(names, i.Name)
		}
	}
	of := output.Count(len(plan.Intents), "intent")
	switch plan.Verdict {
	case gate.Degraded:
		return command.Exit(command.Degraded, "%d of %s would degrade: %s", len(names), of, output.Some(names))
	case gate.Unknown:
		return command.Exit(command.CannotTell, "cannot tell for %d of %s: %s", len(names), of, output.Some(names))
	case gate.Changes:
		return command.Exit(command.Pending, "%d of %s would change: %s", len(names), of, output.Some(names))
	}
	return nil
}
