package online

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/controller/api/client"
)

func newDrainCommand(env *command.Env) *cobra.Command {
	s := &session{Env: env}
	cmd := &cobra.Command{
		Use:   "drain KIND:NAME",
		Short: "Take a node, a link or an SRLG out of use, on purpose",
		Long: `Take a node, a link or an SRLG (all its links) out of use until undrain: its
traffic moves to other paths, which are made before the old ones are broken, and
no new path takes it.`,
		Example: `  keiro drain link:tyo1--nag1 --reason ticket-4711`,
		Args:    cobra.ExactArgs(1),
	}
	cmd.ValidArgsFunction = s.completes(0, targets)
	reason := cmd.Flags().String("reason", "", "why, for those who see it later")
	format := command.FormatFlag(cmd)
	return s.attach(cmd, func(ctx context.Context, c *client.Client, args []string) error {
		kind, name, err := target(args[0])
		if err != nil {
			return err
		}
		drain, err := c.Drain(ctx, kind, name, *reason)
		if err != nil {
			return err
		}
		return env.Printer().Print(*format, drain, func(t *output.Text) { t.Printf("%s drained\n", args[0]) })
	})
}

func newUndrainCommand(env *command.Env) *cobra.Command {
	s := &session{Env: env}
	cmd := &cobra.Command{
		Use:     "undrain KIND:NAME",
		Short:   "Put what was drained back into use",
		Example: "  keiro undrain link:tyo1--nag1",
		Args:    cobra.ExactArgs(1),
	}
	cmd.ValidArgsFunction = s.completes(0, drained)
	return s.attach(cmd, func(ctx context.Context, c *client.Client, args []string) error {
		kind, name, err := target(args[0])
		if err != nil {
			return err
		}
		if err := c.Undrain(ctx, kind, name); err != nil {
			return err
		}
		_, err = fmt.Fprintf(env.Stdout, "%s undrained\n", args[0])
		return err
	})
}

// target reads KIND:NAME.
func target(word string) (kind, name string, err error) {
	kind, name, _ = strings.Cut(word, ":")
	if name == "" || kind != "node" && kind != "link" && kind != "srlg" {
		return "", "", fmt.Errorf("bad target %q: want node:NAME, link:NAME or srlg:NAME", word)
	}
	return kind, name, nil
}

func newTokenCommand(env *command.Env) *cobra.Command {
	return command.Group(&cobra.Command{
		Use:     "token",
		Short:   "Let agents enrol",
		Example: "  keiro token create tyo1 > token",
	}, newTokenCreateCommand(env))
}

func newTokenCreateCommand(env *command.Env) *cobra.Command {
	s := &session{Env: env}
	cmd := &cobra.Command{
		Use:   "create NODE",
		Short: "Make a token with which the agent of a node enrols, once",
		Long: `Print a token with which the agent of a node enrols, once. On that node start the
agent with it, in a file or in $KEIRO_TOKEN:

  keiro-agent --node tyo1 --controller keiro.example.net:7443 --token-file token

It gets a certificate for it, and needs no token from then on.`,
		Example: "  keiro token create tyo1 --ttl 10m > token",
		Args:    cobra.ExactArgs(1),
	}
	cmd.ValidArgsFunction = s.completes(0, nodeNames)
	ttl := cmd.Flags().Duration("ttl", time.Hour, "how long the token may wait for its use")
	format := command.FormatFlag(cmd)
	return s.attach(cmd, func(ctx context.Context, c *client.Client, args []string) error {
		if *ttl <= 0 {
			return errors.New("--ttl: want more than 0")
		}
		token, err := c.CreateToken(ctx, args[0], *ttl)
		if err != nil {
			return err
		}
		return env.Printer().Print(*format, token, func(t *output.Text) { t.Printf("%s\n", token.Token) })
	})
}
