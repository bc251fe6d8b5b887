package online

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/cmd/keiro/cli/online/page"
	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/controller/api/client"
	"github.com/keiro-net/keiro/controller/api/resource"
)

func newComplianceCommand(env *command.Env) *cobra.Command {
	s := &session{Env: env}
	cmd := &cobra.Command{
		Use:   "compliance [INTENT]",
		Short: "Show whether intents keep what they declare, now and over months",
		Long: `Show whether every characteristic of an intent holds as it is measured now, for
how long it held in each calendar month (UTC), and how its margin and reserve
changed; of all intents, one line each. AVAILABILITY is the part of the known time
in which it was not Violated; the time in which no controller ran is UNKNOWN. Exit
code 3: an intent is Degraded or Violated; 4: of one it cannot be told.`,
		Example: `  keiro compliance
  keiro compliance tyo-osa-gold
  keiro compliance tyo-osa-gold --month 2026-11 -o json`,
		Args: cobra.MaximumNArgs(1),
	}
	cmd.ValidArgsFunction = s.completes(1, intentNames)
	month := cmd.Flags().String("month", "", "of the calendar `MONTH`, such as 2026-11; else the present one, or all of one intent")
	format := command.FormatFlag(cmd)
	return s.attach(cmd, func(ctx context.Context, c *client.Client, args []string) error {
		if *month != "" {
			if _, err := time.Parse("2006-01", *month); err != nil {
				return fmt.Errorf("--month %q: want a calendar month, such as 2026-11", *month)
			}
		}
		now := env.Now()
		var all []resource.Compliance
		if len(args) == 1 {
			one, err := c.ComplianceOf(ctx, args[0])
			if err != nil {
				return err
			}
			all = []resource.Compliance{*ofMonth(one, *month)}
			if err := env.Printer().Print(*format, &all[0], func(t *output.Text) { page.Ledger(t, now, &all[0], *month) }); err != nil {
				return err
			}
			return keeps(all)
		}
		list, err := c.Compliance(ctx)
		if err != nil {
			return err
		}
		for i := range list {
			all = append(all, *ofMonth(&list[i], *month))
		}
		shown := *month
		if shown == "" {
			shown = now.UTC().Format("2006-01")
		}
		if err := env.Printer().Print(*format, items[resource.Compliance]{append([]resource.Compliance{}, all...)}, func(t *output.Text) { page.Compliance(t, now, all, shown) }); err != nil {
			return err
		}
		return keeps(all)
	})
}

// ofMonth leaves only one month; "": all.
func ofMonth(c *resource.Compliance, month string) *resource.Compliance {
	out := *c
	out.Months = slices.DeleteFunc(slices.Clone(c.Months), func(a resource.Availability) bool { return month != "" && a.Month != month })
	return &out
}

// keeps is the exit code: known harm counts before what is not known.
func keeps(all []resource.Compliance) error {
	var bad, unknown []string
	for i := range all {
		switch all[i].Status {
		case resource.Violates, resource.Degrades:
			bad = append(bad, all[i].Intent+" is "+strings.ToLower(string(all[i].Status)))
		case resource.CannotTell:
			unknown = append(unknown, all[i].Intent)
		}
	}
	switch {
	case len(bad) > 0:
		return command.Exit(command.Degraded, "%s", output.Some(bad))
	case len(unknown) > 0:
		return command.Exit(command.CannotTell, "cannot tell of %s", output.Some(unknown))
	}
	return nil
}
