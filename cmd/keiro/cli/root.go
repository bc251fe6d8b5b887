// Package cli is the operator's command line: one file a command, each with
// one newXxxCommand(env) that root.go lists. Commands read flags, call the
// packages that know, print and choose the exit code; they decide nothing
// about paths. Only cmd/keiro calls it.
package cli

import (
	"context"
	"fmt"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
)

// Run runs one command line and returns its exit code.
func Run(env *Env, args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal kills

	root := newRootCommand(env)
	root.SetArgs(args)
	return exitCode(env.Stderr, root.ExecuteContext(ctx))
}

func newRootCommand(env *Env) *cobra.Command {
	root := group(&cobra.Command{
		Use:   "keiro",
		Short: "Declare what a path must be; get it, proven",
		Long: `Keiro computes, proves, installs and watches network paths.

Exit codes: 0 fine; 1 bad input or failure; 2 changes pending; 3 a declared
characteristic would be or is degraded; 4 cannot tell.`,
		Example: "  keiro solve -t examples/jp12.topology.yaml -i examples/intents.yaml",
	},
		newCheckCommand(env),
		newSolveCommand(env),
		newTopologyCommand(env),
		newVersionCommand(env),
	)
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetIn(env.Stdin)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; see `%s --help`", err, cmd.CommandPath())
	})
	return root
}

// group makes a command that only holds others: alone it prints its help, and
// what it does not know is an error.
func group(cmd *cobra.Command, commands ...*cobra.Command) *cobra.Command {
	cmd.AddCommand(commands...)
	cmd.SuggestionsMinimumDistance = 2
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		msg := fmt.Sprintf("unknown command %q for %q", args[0], cmd.CommandPath())
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			msg += "; did you mean " + strings.Join(near, " or ") + "?"
		}
		return fmt.Errorf("%s; see `%s --help`", msg, cmd.CommandPath())
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	return cmd
}

// formatFlag adds -o to a command that prints data.
func formatFlag(cmd *cobra.Command) *output.Format {
	format := output.TableFormat
	cmd.Flags().VarP(&format, "output", "o", "how to print")
	complete(cmd, "output", output.Formats...)
	return &format
}

// complete gives the shell the values of a flag.
func complete(cmd *cobra.Command, flag string, values ...string) {
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // no such flag: a mistake in this package
	}
}

// require marks flags that a command cannot do without.
func require(cmd *cobra.Command, flags ...string) {
	for _, flag := range flags {
		if err := cmd.MarkFlagRequired(flag); err != nil {
			panic(err) // no such flag: a mistake in this package
		}
	}
}
