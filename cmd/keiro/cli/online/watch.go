package online

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/cmd/keiro/cli/online/page"
	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/controller/api/client"
	"github.com/keiro-net/keiro/controller/api/resource"
)

func newWatchCommand(env *command.Env) *cobra.Command {
	s := &session{Env: env}
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Watch intents and events, live",
		Long: `Watch, until interrupted. On a terminal: the intents and the latest events, drawn
anew with every change. Elsewhere: what there is, up to a line "synced", and then
every change, one line each (-o json: one JSON object each).`,
		Example: `  keiro watch
  keiro watch -o json | jq 'select(.kind == "alert")'`,
		Args: cobra.NoArgs,
	}
	once := cmd.Flags().Bool("once", false, "end after what there is now")
	format := command.FormatFlag(cmd)
	return s.attach(cmd, func(ctx context.Context, c *client.Client, _ []string) error {
		if env.Terminal && (*format == output.TableFormat || *format == output.Wide) {
			screen := &screen{env: env, format: *format, intents: map[string]*resource.Intent{}, once: *once}
			return screen.run(ctx, c)
		}
		stream := &stream{env: env, format: *format}
		for change, err := range c.Watch(ctx) {
			switch {
			case ctx.Err() != nil:
				return nil // asked to end
			case err != nil:
				return err
			}
			if err := stream.print(change, page.Change(env.Now(), &change)); err != nil {
				return err
			}
			if *once && change.Kind == resource.Synced {
				return nil
			}
		}
		return nil
	})
}
