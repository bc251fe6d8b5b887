package labcmd

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
)

func newExecCommand(env *command.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "exec FILE.clab.yml NODE -- COMMAND [ARGUMENT...]",
		Short: "Run a program inside a node",
		Long: `Run a program of this machine inside a node, with the node's network, environment
and binds. The exit code is that of the program, or 128 and the signal that ended it.`,
		Example: `  keiro lab exec examples/jp12.clab.yml tyo1 -- ip -6 route
  keiro lab exec examples/jp12.clab.yml tyo1 -- bash`,
		Args: cobra.MinimumNArgs(3),
	}
	cmd.Flags().SetInterspersed(false) // the flags of the program are its own, `--` or not
	cmd.ValidArgsFunction = completeTargets(env, nodeNames)
	return asRoot(env, cmd, false, func(ctx context.Context, args []string) error {
		l, err := open(ctx, env, args[0])
		if err != nil {
			return err
		}
		words := args[2:]
		if words[0] == "--" {
			words = words[1:]
		}
		if len(words) == 0 {
			return errors.New("which command? give it after --")
		}
		// What is typed at a terminal, ^C as well, is for the program: it has
		// the same terminal.
		signal.Reset(os.Interrupt)
		typed := make(chan os.Signal, 1)
		signal.Notify(typed, os.Interrupt)
		defer signal.Stop(typed)
		program := exec.CommandContext(ctx, words[0], words[1:]...)
		program.Cancel = func() error { return program.Process.Signal(os.Interrupt) }
		program.Stdin, program.Stdout, program.Stderr = env.Stdin, env.Stdout, env.Stderr
		err = l.Run(ctx, args[1], program)
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			return err
		}
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			return command.ExitSilently(128 + int(status.Signal())) // as a shell does
		}
		return command.ExitSilently(exit.ExitCode())
	})
}
