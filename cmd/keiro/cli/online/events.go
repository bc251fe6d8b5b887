package online

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/cmd/keiro/cli/online/page"
	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/controller/api/client"
	"github.com/keiro-net/keiro/controller/api/resource"
)

const maxEvents = 1000 // of one answer

func newEventsCommand(env *command.Env) *cobra.Command {
	s := &session{Env: env}
	cmd := &cobra.Command{
		Use:   "events",
		Short: "Show what happened",
		Example: `  keiro events --since 10m
  keiro events --follow`,
		Args: cobra.NoArgs,
	}
	from := cmd.Flags().Duration("since", 0, "only what happened in the last `DURATION`, such as 10m")
	limit := cmd.Flags().IntP("limit", "n", 100, "at most so many of the newest")
	follow := cmd.Flags().Bool("follow", false, "go on as things happen, until interrupted")
	format := command.FormatFlag(cmd)
	return s.attach(cmd, func(ctx context.Context, c *client.Client, _ []string) error {
		if *limit < 1 || *limit > maxEvents {
			return fmt.Errorf("--limit: want 1 to %d", maxEvents)
		}
		if *from < 0 {
			return errors.New("--since: want 0 or more")
		}
		if *from > 0 && !cmd.Flags().Changed("limit") {
			*limit = maxEvents
		}
		events, err := c.Events(ctx, 0, *limit)
		if err != nil {
			return err
		}
		last := uint64(0)
		if n := len(events); n > 0 {
			last = events[n-1].ID
		}
		if *from > 0 {
			for len(events) > 0 && events[0].Time.Before(env.Now().Add(-*from)) {
				events = events[1:]
			}
		}
		if !*follow {
			return env.Printer().Print(*format, items[resource.Event]{append([]resource.Event{}, events...)}, func(t *output.Text) {
				for i := range events {
					t.Printf("%s\n", page.Event(&events[i]))
				}
				if len(events) == 0 {
					t.Printf("no events\n")
				}
			})
		}
		stream := &stream{env: env, format: *format}
		if err := stream.events(events); err != nil {
			return err
		}
		return stream.follow(ctx, c, last)
	})
}
