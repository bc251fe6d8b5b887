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
		Use:   "events [INTENT]",
		Short: "Show what happened, to all or to one intent",
		Long: `Show what happened, as far as it is kept: the newest, or with --since all of a
time. Of an INTENT, what concerns it: its paths, their links and nodes, its
characteristics and alarms.`,
		Example: `  keiro events --since 10m
  keiro events tyo-osa-gold --since 24h
  keiro events --object link:tyo1--nag1 -o json
  keiro events --follow`,
		Args: cobra.MaximumNArgs(1),
	}
	cmd.ValidArgsFunction = s.completes(1, intentNames)
	from := cmd.Flags().Duration("since", 0, "only what happened in the last `DURATION`, such as 10m")
	until := cmd.Flags().Duration("until", 0, "only what happened before the last `DURATION`")
	object := cmd.Flags().String("object", "", "only what happened to an `OBJECT`, such as link:tyo1--nag1, node:tyo1 or srlg:duct")
	limit := cmd.Flags().IntP("limit", "n", 100, "at most so many of the newest")
	follow := cmd.Flags().Bool("follow", false, "go on as things happen, until interrupted")
	format := command.FormatFlag(cmd)
	return s.attach(cmd, func(ctx context.Context, c *client.Client, args []string) error {
		if *limit < 1 || *limit > maxEvents {
			return fmt.Errorf("--limit: want 1 to %d", maxEvents)
		}
		if *from < 0 || *until < 0 {
			return errors.New("--since, --until: want 0 or more")
		}
		query := resource.EventQuery{Object: *object, Limit: *limit}
		if len(args) == 1 {
			query.Intent = args[0]
		}
		if *until > 0 {
			query.Until = env.Now().Add(-*until)
		}
		if *from > 0 {
			query.Since = env.Now().Add(-*from)
			if !cmd.Flags().Changed("limit") {
				query.Limit = maxEvents
			}
		}
		if *follow && *until > 0 {
			return errors.New("--until does not go with --follow")
		}
		if query.Intent != "" {
			if _, err := c.Intent(ctx, query.Intent); err != nil {
				return err
			}
		}
		events, err := history(ctx, c, query, *from > 0 && !cmd.Flags().Changed("limit"))
		if err != nil {
			return err
		}
		last := uint64(0)
		if n := len(events); n > 0 {
			last = events[n-1].ID
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
		stream := &stream{env: env, format: *format, query: query}
		if err := stream.events(events); err != nil {
			return err
		}
		return stream.follow(ctx, c, last)
	})
}

// history reads the events that a query picks; with all those that one answer
// has no room for too.
func history(ctx context.Context, c *client.Client, query resource.EventQuery, all bool) ([]resource.Event, error) {
	events, err := c.History(ctx, query)
	if err != nil || !all || len(events) < query.Limit {
		return events, err
	}
	events = nil
	for query.After = 1; ; query.After = events[len(events)-1].ID {
		more, err := c.History(ctx, query)
		if events = append(events, more...); err != nil || len(more) < query.Limit {
			return events, err
		}
	}
}
