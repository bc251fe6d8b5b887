// Package online holds the commands that need a controller. They speak to it
// through controller/api/client, print what it says and choose the exit code;
// they decide nothing. Only package cli calls it.
//
// package budget: one file a family of commands, each of which is its help and
// a call, and which share the way to the controller and its completions
package online

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/controller/api/client"
	"github.com/keiro-net/keiro/controller/api/resource"
)

// Commands returns all of them.
func Commands(env *command.Env) []*cobra.Command {
	return []*cobra.Command{
		newApplyCommand(env),
		newDiffCommand(env),
		newDeleteCommand(env),
		newConfirmCommand(env),
		newRollbackCommand(env),
		newWaiveCommand(env),
		newGetCommand(env),
		newDescribeCommand(env),
		newExplainCommand(env),
		newWatchCommand(env),
		newDrainCommand(env),
		newUndrainCommand(env),
		newTraceCommand(env),
		newRotateCommand(env),
		newRekeyCommand(env),
		newRevokeCommand(env),
		newEventsCommand(env),
		newComplianceCommand(env),
		newAlertsCommand(env),
		newTokenCommand(env),
	}
}

// session is one command's way to the controller.
type session struct {
	*command.Env
	config string // file; "": as the environment says
}

type action func(ctx context.Context, c *client.Client, args []string) error

// attach gives a command the flag --config, and what to do once the
// controller is known.
func (s *session) attach(cmd *cobra.Command, run action) *cobra.Command {
	configFlag(cmd, &s.config)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := connect(s.Env, s.config)
		if err != nil {
			return err
		}
		err = run(cmd.Context(), c, args)
		if findings := findingsOf(err); len(findings) > 0 {
			format := string(output.TableFormat)
			if f := cmd.Flag("output"); f != nil {
				format = f.Value.String()
			}
			return refuse(s.Env, format, err, findings)
		}
		return advise(err)
	}
	return cmd
}

func configFlag(cmd *cobra.Command, config *string) {
	cmd.Flags().StringVar(config, "config", "", "client configuration `FILE` that the controller wrote (client.json); else $KEIRO_CONFIG")
}

// connect finds the controller. A file that is named on the command line
// counts alone.
func connect(env *command.Env, config string) (*client.Client, error) {
	var cfg client.Config
	var err error
	if config != "" {
		cfg, err = client.ReadConfig(config)
	} else {
		cfg, err = client.Find(env.Getenv)
	}
	if err != nil {
		return nil, err
	}
	return client.New(cfg)
}

// advise adds to an error what an operator can do about it.
func advise(err error) error {
	var refusal *resource.Error
	var dial *net.OpError
	switch {
	case errors.As(err, &refusal) && refusal.Kind == resource.Unauthenticated:
		return fmt.Errorf("%w; check the token file that --config, $KEIRO_CONFIG or $KEIRO_TOKEN_FILE names", err)
	case errors.As(err, &dial) && dial.Op == "dial":
		return fmt.Errorf("%w; is keiro-controller running there? --config, $KEIRO_CONFIG or $KEIRO_SERVER says where", err)
	case errors.Is(err, context.Canceled):
		return errors.New("interrupted")
	}
	return err
}

// VersionOf gives a command outside of this package the flag --config, and
// returns how to ask the controller for its version. Where no controller is
// configured it has none, and that is no error.
func VersionOf(cmd *cobra.Command, env *command.Env) func(context.Context) (*resource.Version, error) {
	var config string
	configFlag(cmd, &config)
	return func(ctx context.Context) (*resource.Version, error) {
		c, err := connect(env, config)
		if errors.Is(err, client.ErrNoController) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeout(ctx, completeWithin)
		defer cancel()
		return c.Version(ctx)
	}
}
