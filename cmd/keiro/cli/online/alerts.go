package online

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/cmd/keiro/cli/online/page"
	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/controller/api/client"
	"github.com/keiro-net/keiro/controller/api/resource"
)

func newAlertsCommand(env *command.Env) *cobra.Command {
	s := &session{Env: env}
	cmd := command.Group(&cobra.Command{
		Use:   "alerts",
		Short: "Show what an operator must know, and see to what was sent of it",
		Long: `Show what an operator must know. Alerts are sent to the endpoints of the file that
keiro-controller --alerting names; what an endpoint did not take for 75 hours, or
did not want, is kept: dead lists it, replay sends it again. verify says whether a
webhook that came is the controller's.`,
		Example: "  keiro alerts -o wide\n  keiro alerts dead",
	}, newAlertsDeadCommand(env), newAlertsReplayCommand(env), newAlertsVerifyCommand(env))
	format := command.FormatFlag(cmd)
	return s.attach(cmd, func(ctx context.Context, c *client.Client, _ []string) error {
		return show(getter{ctx, env, *format, "alert", ""}, c.Alerts, nil, func(t *output.Text, all []resource.Alert) { page.Alerts(t, env.Now(), all) })
	})
}

func newAlertsDeadCommand(env *command.Env) *cobra.Command {
	s := &session{Env: env}
	cmd := &cobra.Command{
		Use:     "dead",
		Short:   "List the alerts that were given up for an endpoint",
		Example: "  keiro alerts dead -o wide",
		Args:    cobra.NoArgs,
	}
	format := command.FormatFlag(cmd)
	return s.attach(cmd, func(ctx context.Context, c *client.Client, _ []string) error {
		return show(getter{ctx, env, *format, "dead letter", ""}, c.DeadAlerts, nil, func(t *output.Text, all []resource.DeadLetter) {
			page.DeadLetters(t, env.Now(), all)
		})
	})
}

func newAlertsReplayCommand(env *command.Env) *cobra.Command {
	s := &session{Env: env}
	cmd := &cobra.Command{
		Use:   "replay ID... | --all",
		Short: "Send alerts again that were given up",
		Long: `Send alerts again that were given up, each to its endpoint and with its webhook-id,
by which a receiver knows one that it has had. An endpoint that had answered 410 is
asked again.`,
		Example: "  keiro alerts replay msg_7c1f0e0d4f8f9a4e3b1f1d5c6a2b8e90\n  keiro alerts replay --all",
	}
	cmd.ValidArgsFunction = s.completes(everywhere, deadLetters)
	all := cmd.Flags().Bool("all", false, "all of them")
	format := command.FormatFlag(cmd)
	return s.attach(cmd, func(ctx context.Context, c *client.Client, args []string) error {
		if *all == (len(args) > 0) {
			return errors.New("which? give the IDs that `keiro alerts dead` lists, or --all")
		}
		replayed, err := c.ReplayAlerts(ctx, args)
		if err != nil {
			return err
		}
		return env.Printer().Print(*format, replayed, func(t *output.Text) {
			t.Printf("%s on the way again\n", output.Count(len(replayed), "alert"))
		})
	})
}

func deadLetters(ctx context.Context, c *client.Client) (out []string, err error) {
	letters, err := c.DeadAlerts(ctx)
	for _, l := range letters {
		out = append(out, l.ID+"\t"+l.Endpoint+": "+l.Alert.Message)
	}
	return out, err
}
