package online

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/cmd/keiro/cli/online/page"
	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/controller/api/client"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/pathspec/gate"
)

// files is the flag -f. Arguments count as well, so that `-f *.yaml` works.
type files []string

func (f *files) flag(cmd *cobra.Command) {
	cmd.Flags().StringArrayVarP((*[]string)(f), "file", "f", nil, "topology or intents `FILE`, - for stdin; may be given several times")
}

func (f files) read(env *command.Env, args []string) ([]resource.Document, error) {
	names := append(f[:len(f):len(f)], args...)
	if len(names) == 0 {
		return nil, errors.New("no file: say which with -f FILE, - for stdin")
	}
	var documents []resource.Document
	var errs []error
	for _, name := range names {
		name, data, err := env.Read(name)
		errs = append(errs, err)
		documents = append(documents, resource.Document{Name: name, Data: data})
	}
	return documents, errors.Join(errs...)
}

func newApplyCommand(env *command.Env) *cobra.Command {
	s := &session{Env: env}
	cmd := &cobra.Command{
		Use:   "apply -f FILE...",
		Short: "Declare a topology and intents, and see them in place",
		Long: `Declare all objects of the files, or none. Then wait until the intents among
them (with a topology: all intents) are satisfied and installed, or are proven
infeasible. Exit code 3: one is infeasible; 4: one is undecided, or was not in
place in time. What was declared stays so in any case, or with --confirm until
its time is over: the change is taken back then, unless "keiro confirm" says in
time that it stays. Nothing else can be declared in between.`,
		Example: `  keiro apply -f examples/jp12.topology.yaml -f examples/intents.yaml
  keiro apply --confirm 5m -f examples/jp12.topology.yaml && keiro confirm
  keiro apply --dry-run -f examples/intents.yaml`,
	}
	var f files
	f.flag(cmd)
	dryRun := cmd.Flags().Bool("dry-run", false, "validate and say what would be done, and do nothing")
	ifGeneration := cmd.Flags().Uint64("if-generation", 0, "only if the declared state is of this generation; 0 is any")
	confirm := cmd.Flags().Duration("confirm", 0, "take the change back after that time, unless it is confirmed")
	wait := cmd.Flags().Bool("wait", true, "wait until the intents are in place")
	timeout := cmd.Flags().Duration("timeout", 30*time.Second, "how long to wait")
	format := command.FormatFlag(cmd)
	return s.attach(cmd, func(ctx context.Context, c *client.Client, args []string) error {
		if *timeout <= 0 {
			return errors.New("--timeout: want more than 0; do not wait with --wait=false")
		}
		if *confirm < 0 || cmd.Flags().Changed("confirm") && *confirm == 0 {
			return errors.New("--confirm: want more than 0, such as 5m")
		}
		documents, err := f.read(env, args)
		if err != nil {
			return err
		}
		applied, err := c.Apply(ctx, resource.Apply{Documents: documents, DryRun: *dryRun, IfGeneration: *ifGeneration, Confirm: *confirm})
		if err != nil {
			return err
		}
		if err := env.Printer().Print(*format, applied, func(t *output.Text) { page.Applied(t, applied) }); err != nil {
			return err
		}
		if *dryRun || !*wait {
			return nil
		}
		w := &waiter{generation: applied.Generation, names: waitFor(applied), intents: map[string]*resource.Intent{}, progress: env.Progress()}
		err = w.wait(ctx, c, *timeout)
		if n := len(w.intents); err == nil && n > 0 && (*format == output.TableFormat || *format == output.Wide) {
			_, err = fmt.Fprintf(env.Stdout, "%s in place\n", output.Count(n, "intent"))
		}
		return err
	})
}

func newDiffCommand(env *command.Env) *cobra.Command {
	s := &session{Env: env}
	cmd := &cobra.Command{
		Use:   "diff -f FILE...",
		Short: "Say what apply would change",
		Long: `Say what apply would change, in what is declared and in the paths of each
intent, in the network as it is now. Nothing is changed. Exit code 2: there
are changes; 3: a declared characteristic would degrade; 4: that cannot be told.

With --remove, --drain, --undrain, --failures or --reserve it asks the gate, and
prints the report of "keiro plan" for the network as it is: every intent before
and after, and every single failure of that kind.`,
		Example: `  keiro diff -f examples/intents.yaml
  keiro diff --drain srlg:keihan-duct --failures srlg`,
	}
	var f files
	f.flag(cmd)
	q := questionFlags(cmd)
	format := command.FormatFlag(cmd)
	return s.attach(cmd, func(ctx context.Context, c *client.Client, args []string) error {
		if asks(cmd) {
			return ask(ctx, env, c, f, args, q, *format)
		}
		documents, err := f.read(env, args)
		if err != nil {
			return err
		}
		diff, err := c.Diff(ctx, documents)
		if err != nil {
			return err
		}
		if err := env.Printer().Print(*format, diff, func(t *output.Text) { page.Diff(t, diff) }); err != nil {
			return err
		}
		return verdict(diff)
	})
}

// verdict is the exit code of a diff: what degrades is more than what cannot be
// told, and that is more than what is pending.
func verdict(diff *resource.Diff) error {
	count := map[gate.Verdict]int{}
	for _, f := range diff.Findings {
		count[f.Verdict]++
	}
	switch {
	case count[gate.Degraded] > 0:
		return command.Exit(command.Degraded, "%s would degrade", output.Count(count[gate.Degraded], "declared characteristic"))
	case len(diff.Findings) > 0:
		return command.Exit(command.CannotTell, "cannot tell of %s whether it would degrade", output.Count(len(diff.Findings), "declared characteristic"))
	case diff.Pending:
		return command.Exit(command.Pending, "changes pending; `keiro apply` makes them")
	}
	return nil
}

func newDeleteCommand(env *command.Env) *cobra.Command {
	s := &session{Env: env}
	cmd := &cobra.Command{
		Use:     "delete [intent] NAME... | waiver INTENT/CHARACTERISTIC...",
		Short:   "Take intents or waivers back",
		Example: "  keiro delete intent tyo-osa-gold\n  keiro delete waiver tyo-osa-gold/disjoint",
		Args:    cobra.MinimumNArgs(1),
	}
	cmd.ValidArgsFunction = s.completes(everywhere, intentNames)
	ifGeneration := cmd.Flags().Uint64("if-generation", 0, "only if the intent is of this generation; 0 is any")
	format := command.FormatFlag(cmd)
	return s.attach(cmd, func(ctx context.Context, c *client.Client, args []string) error {
		if (args[0] == "waiver" || args[0] == "waivers") && len(args) > 1 {
			return deleteWaivers(ctx, env, c, args[1:])
		}
		if args[0] == "intent" || args[0] == "intents" {
			args = args[1:]
		}
		switch {
		case len(args) == 0:
			return errors.New("which intent? give its name")
		case len(args) > 1 && *ifGeneration != 0:
			return errors.New("--if-generation is for one intent at a time")
		}
		for _, name := range args {
			applied, err := c.DeleteIntent(ctx, name, *ifGeneration)
			if err != nil {
				return err
			}
			if err := env.Printer().Print(*format, applied, func(t *output.Text) { page.Applied(t, applied) }); err != nil {
				return err
			}
		}
		return nil
	})
}
