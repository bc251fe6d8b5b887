package online

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
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
			if err := stream.print(change, changeRow(env.Now(), &change)); err != nil {
				return err
			}
			if *once && change.Kind == resource.Synced {
				return nil
			}
		}
		return nil
	})
}

// changeRow is one change on a line.
func changeRow(now time.Time, c *resource.Change) string {
	var what, how string
	switch c.Kind {
	case resource.IntentChange:
		s := summarise(c.Intent)
		what = "intent:" + c.Intent.Metadata.Name
		how = fmt.Sprintf("%s, %s paths up, active %s, satisfied %s, installed %s, healthy %s",
			s.status, s.paths, s.active, s.satisfied, s.installed, s.healthy)
	case resource.NodeChange:
		what, how = "node:"+c.Node.Name, "agent "+agent(c.Node)+", revision "+revision(c.Node)
	case resource.LinkChange:
		what, how = "link:"+c.Link.Name, string(c.Link.State)
		if c.Link.Drained {
			how += ", drained"
		}
	case resource.DrainChange:
		what, how = "drain:"+c.Drain.Kind+":"+c.Drain.Name, output.Or(c.Drain.Reason)
	case resource.AlertChange:
		what, how = "alert:"+c.Alert.Name, string(c.Alert.Status)+", "+string(c.Alert.Severity)+": "+c.Alert.Message
	case resource.EventChange:
		return fmt.Sprintf("%s event %s %s: %s", clock(c.Event.Time), c.Event.Type, c.Event.Object, c.Event.Message)
	case resource.TopologyChange:
		what, how = "topology", fmt.Sprintf("generation %d", c.Generation)
	default:
		return fmt.Sprintf("%s %s", clock(now), c.Kind)
	}
	if c.Op == resource.Removed {
		return fmt.Sprintf("%s %s removed", clock(now), what)
	}
	return fmt.Sprintf("%s %s %s: %s", clock(now), what, c.Op, how)
}

func clock(t time.Time) string { return t.Local().Format("15:04:05.000") }
