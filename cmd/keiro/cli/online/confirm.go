package online

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/cmd/keiro/cli/online/page"
	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/controller/api/client"
	"github.com/keiro-net/keiro/controller/api/resource"
)

func newConfirmCommand(env *command.Env) *cobra.Command {
	return newWordCommand(env, &cobra.Command{
		Use:   "confirm",
		Short: "Keep the change that was applied with --confirm",
		Long: `Keep the change that was applied with --confirm and awaits this word. Without it
the change is taken back when its time is over.`,
		Example: `  keiro confirm --dry-run
  keiro confirm --change 17`,
	}, "confirmed", (*client.Client).Confirm)
}

func newRollbackCommand(env *command.Env) *cobra.Command {
	return newWordCommand(env, &cobra.Command{
		Use:   "rollback",
		Short: "Take back the change that was applied with --confirm, now",
		Long: `Take back the change that was applied with --confirm and is not confirmed yet:
topology and intents are as before it. What is drained stays drained. A change
that was confirmed is not taken back: apply the files of before.`,
		Example: `  keiro rollback`,
	}, "taken back", (*client.Client).Rollback)
}

// newWordCommand says one word about the change that awaits it.
func newWordCommand(env *command.Env, cmd *cobra.Command, done string, say func(*client.Client, context.Context, uint64) (*resource.Applied, error)) *cobra.Command {
	s := &session{Env: env}
	cmd.Args = cobra.NoArgs
	change := cmd.Flags().Uint64("change", 0, "only if it is this change, by the generation that it made; 0 is any")
	dryRun := cmd.Flags().Bool("dry-run", false, "say which change awaits its confirmation, and do nothing")
	format := command.FormatFlag(cmd)
	return s.attach(cmd, func(ctx context.Context, c *client.Client, _ []string) error {
		if *dryRun {
			p, err := c.Pending(ctx)
			if err != nil {
				return err
			}
			return env.Printer().Print(*format, p, func(t *output.Text) { page.Pending(t, env.Now(), p) })
		}
		applied, err := say(c, ctx, *change)
		if err != nil {
			return err
		}
		return env.Printer().Print(*format, applied, func(t *output.Text) {
			page.Applied(t, applied)
			t.Printf("%s; the declared state is of generation %s\n", done, strconv.FormatUint(applied.Generation, 10))
		})
	})
}
