package cli

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/lab/demo"
	"github.com/keiro-net/keiro/lab/rootless"
)

func newDemoCommand(env *command.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "demo [-- KEIRO-ARGUMENT...]",
		Short: "See it all: a lab, intents, a duct that is cut, the repair",
		Long: `Bring up a lab, a controller and agents, declare intents, send packets, cut a
duct, show the repair and the alert, restore, and take all of it down again. It
needs no other program, and as an ordinary user a user namespace in place of
root. With --keep it leaves everything running; arguments after -- are then a
command line for keiro with the demo's controller. With --bgp it is the story of
a network of which half is plain routers without an agent.`,
		Example: `  keiro demo
  keiro demo --keep
  keiro demo -- get intents
  keiro demo --down
  keiro demo --bgp`,
	}
	keep := cmd.Flags().Bool("keep", false, "leave everything running at the end, and say what to try")
	down := cmd.Flags().Bool("down", false, "end what --keep left running")
	bgp := cmd.Flags().Bool("bgp", false, "the story of routers without an agent: BGP-LS, SR Policy")
	examples := cmd.Flags().String("examples", "examples", "`DIR` of the example files")
	bin := cmd.Flags().String("bin", "", "`DIR` of keiro and its other programs; else that of this program")
	cmd.MarkFlagsMutuallyExclusive("keep", "down")
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 && (cmd.ArgsLenAtDash() != 0 || *keep || *down) {
			return errors.New("the demo takes no arguments but a command line for keiro after --")
		}
		return nil
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *bin == "" {
			program, err := os.Executable()
			if err != nil {
				return err
			}
			*bin = filepath.Dir(program)
		}
		// Paths of programs mean little where the user is root: name it.
		again := append([]string{"demo", "--bin=" + *bin}, env.Args[1:]...)
		if handled, code, err := rootless.Reexec(again, !*down && len(args) == 0); handled || err != nil {
			return errors.Join(err, command.ExitSilently(code))
		}
		// Nothing must keep the demo from its own end: not a second ^C, nor a
		// reader of its output that goes away.
		ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
		defer stop()
		signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
		return runDemo(ctx, demo.Options{
			Examples: *examples, Bin: *bin, BGP: *bgp, Keep: *keep, Out: env.Stdout, Colour: env.Printer().Colour,
		}, *down, args)
	}
	return cmd
}

func runDemo(ctx context.Context, o demo.Options, down bool, args []string) error {
	switch {
	case down:
		return demo.Down(ctx, o)
	case len(args) > 0:
		code, err := demo.Keiro(ctx, o, args)
		return errors.Join(err, command.ExitSilently(code))
	case demo.Run(ctx, o) != nil:
		return command.ExitSilently(command.Failure) // it has said why
	}
	return nil
}
