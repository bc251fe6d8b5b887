// Package cli is the operator's command line: one file a command, each with
// one newXxxCommand(env) that root.go lists. Commands read flags, call the
// packages that know, print and choose the exit code; they decide nothing
// about paths. Only cmd/keiro calls it.
//
// package budget: one file a command, each of which is its help and its flags
package cli

import (
	"context"
	"fmt"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/cmd/keiro/cli/labcmd"
	"github.com/keiro-net/keiro/cmd/keiro/cli/online"
)

// Run runs one command line and returns its exit code.
func Run(env *command.Env) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal kills

	root := newRootCommand(env)
	root.SetArgs(env.Args)
	return command.ExitCode(env.Stderr, root.ExecuteContext(ctx))
}

func newRootCommand(env *command.Env) *cobra.Command {
	root := command.Group(&cobra.Command{
		Use:   "keiro",
		Short: "Declare what a path must be; get it, proven",
		Long: `Keiro computes, proves, installs and watches network paths.

Exit codes: 0 fine; 1 bad input or failure; 2 changes pending; 3 a declared
characteristic would be or is degraded; 4 cannot tell.`,
		Example: "  keiro solve -t examples/jp12.topology.yaml -i examples/intents.yaml",
	})
	add := func(title string, commands ...*cobra.Command) {
		root.AddGroup(&cobra.Group{ID: title, Title: title})
		for _, cmd := range commands {
			cmd.GroupID = title
		}
		root.AddCommand(commands...)
	}
	add("Offline:", newSolveCommand(env), newCheckCommand(env), newPlanCommand(env), newGateCommand(env), newTopologyCommand(env), newKeyCommand(env))
	add("With a controller:", online.Commands(env)...)
	add("Labs:", labcmd.New(env), newDemoCommand(env))
	root.AddCommand(newVersionCommand(env))
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetIn(env.Stdin)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; see `%s --help`", err, cmd.CommandPath())
	})
	return root
}
