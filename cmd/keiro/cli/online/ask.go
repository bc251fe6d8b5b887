package online

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/cmd/keiro/cli/online/page"
	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/controller/api/client"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/pathspec"
)

func newExplainCommand(env *command.Env) *cobra.Command {
	s := &session{Env: env}
	cmd := &cobra.Command{
		Use:   "explain INTENT",
		Short: "Say why an intent has the answer it has",
		Long: `Say why an intent has the answer it has, and what would help. Exit code 3: it is
infeasible; 4: it is undecided.`,
		Example: "  keiro explain tyo-osa-gold",
		Args:    cobra.ExactArgs(1),
	}
	cmd.ValidArgsFunction = s.completes(0, intentNames)
	format := command.FormatFlag(cmd)
	return s.attach(cmd, func(ctx context.Context, c *client.Client, args []string) error {
		e, err := c.Explain(ctx, args[0])
		if err != nil {
			return err
		}
		if err := env.Printer().Print(*format, e, func(t *output.Text) {
			for _, line := range e.Lines {
				t.Printf("%s\n", line)
			}
		}); err != nil {
			return err
		}
		switch e.Answer.Status {
		case pathspec.Satisfied:
			return nil
		case pathspec.Infeasible:
			return command.Exit(command.Degraded, "intent %s is infeasible", e.Intent)
		}
		return command.Exit(command.CannotTell, "intent %s is undecided", e.Intent)
	})
}

func newTraceCommand(env *command.Env) *cobra.Command {
	s := &session{Env: env}
	cmd := &cobra.Command{
		Use:   "trace INTENT",
		Short: "Send packets down every path of an intent and say what they saw",
		Long: `Send packets down every path of an intent, the idle ones as well: for each hop the
node that should be there, the one that answered, and how long it took there and
back; then the time over the whole path. Says which encrypted lane carries a
path's packets, and how it is keyed. Exit code 3: a path is broken.`,
		Example: "  keiro trace tyo-osa-gold",
		Args:    cobra.ExactArgs(1),
	}
	cmd.ValidArgsFunction = s.completes(0, intentNames)
	format := command.FormatFlag(cmd)
	return s.attach(cmd, func(ctx context.Context, c *client.Client, args []string) error {
		progress := env.Progress()
		progress.Say("sending packets down the paths of %s", args[0])
		trace, err := c.Trace(ctx, args[0])
		progress.Clear()
		if err != nil {
			return err
		}
		if err := env.Printer().Print(*format, trace, func(t *output.Text) { page.Trace(t, env.Now(), trace) }); err != nil {
			return err
		}
		intent, err := c.Intent(ctx, trace.Intent)
		if err != nil {
			return err
		}
		switch broken := broken(trace, intent); {
		case len(broken) > 0:
			return command.Exit(command.Degraded, "%s", strings.Join(broken, "\n"))
		case len(trace.Paths) == 0:
			return command.Exit(command.CannotTell, "intent %s has no path to trace; `keiro explain %s` says why", trace.Intent, trace.Intent)
		}
		return nil
	})
}

// broken tells the paths that do not carry packets: those that were traced and
// those that stand and were not, because the headend does not use them.
func broken(trace *resource.Trace, intent *resource.Intent) []string {
	var out []string
	traced := map[string]bool{}
	for _, p := range trace.Paths {
		traced[p.Name] = true
		if p.Error != "" {
			out = append(out, "path "+p.Name+" is broken: "+p.Error)
		}
	}
	for _, p := range intent.Status.Paths {
		if p.Headend == trace.Headend && !traced[p.Name] {
			out = append(out, fmt.Sprintf("path %s is not in use: %s", p.Name, page.State(&p)))
		}
	}
	return out
}
