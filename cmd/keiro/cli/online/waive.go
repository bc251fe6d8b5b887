package online

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/cmd/keiro/cli/online/page"
	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/controller/api/client"
	"github.com/keiro-net/keiro/controller/waiver"
	"github.com/keiro-net/keiro/keys/sign"
	"github.com/keiro-net/keiro/pathspec/gate"
)

func newWaiveCommand(env *command.Env) *cobra.Command {
	s := &session{Env: env}
	cmd := &cobra.Command{
		Use:   "waive --intent INTENT --characteristic WHAT --reason WHY --until WHEN --key FILE",
		Short: "Allow an intent to lose a declared characteristic, for a time",
		Long: `Make and sign a waiver with an operator's key (see "keiro key create") and print
it; no controller is needed for that. With -f hand signed waivers in: changes that
take just that from the intent are refused no more, until the waiver ends. A
waiver counts if the controller's --operators file has the public key.`,
		Example: `  keiro waive --intent tyo-osa-gold --characteristic disjoint --reason ticket-4711 --until 48h --key alice.key > w.yaml
  keiro waive -f w.yaml`,
		Args: cobra.NoArgs,
	}
	var w waiver.Waiver
	flags := cmd.Flags()
	file := flags.StringP("file", "f", "", "hand in the waivers of this `FILE`, - for stdin")
	key := flags.String("key", "", "`FILE` with the operator's private key")
	flags.StringVar(&w.Intent, "intent", "", "that may lose it")
	flags.StringVar(&w.Characteristic, "characteristic", "", "as the gate names it, such as disjoint or margin-srlg")
	flags.StringVar(&w.Reason, "reason", "", "why, for those who see it later")
	until := flags.String("until", "", "when it ends: a time such as 2026-12-01T03:00:00Z, or from now such as 48h; at most 90 days")
	format := command.FormatFlag(cmd)
	configFlag(cmd, &s.config)
	var all []string
	for _, c := range gate.Characteristics {
		all = append(all, c.ID)
	}
	command.Complete(cmd, "characteristic", all...)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *file != "" {
			return advise(s.handIn(cmd.Context(), *file, *format))
		}
		if *key == "" {
			return errors.New("give --key FILE to sign a waiver, or -f FILE to hand one in")
		}
		w.Issued = env.Now()
		var err error
		if w.Until, err = moment(*until, w.Issued); err != nil {
			return fmt.Errorf("--until: %w", err)
		}
		_, text, err := env.Read(*key)
		if err != nil {
			return err
		}
		defer clear(text)
		private, err := sign.ParsePrivate(text)
		if err != nil {
			return fmt.Errorf("%s: %w", *key, err)
		}
		signed, err := waiver.Sign(w, private)
		if err != nil {
			return err
		}
		_, err = env.Stdout.Write(waiver.Format(signed))
		return err
	}
	return cmd
}

func (s *session) handIn(ctx context.Context, file string, format output.Format) error {
	_, text, err := s.Read(file)
	if err != nil {
		return err
	}
	c, err := connect(s.Env, s.config)
	if err != nil {
		return err
	}
	all, err := c.Waive(ctx, text)
	if err != nil {
		return err
	}
	return s.Printer().Print(format, all, func(t *output.Text) { page.Waivers(t, s.Now(), all) })
}

// moment reads a time, or one so long from now.
func moment(text string, now time.Time) (time.Time, error) {
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.Add(d), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, fmt.Errorf("bad time %q: want one such as 2026-12-01T03:00:00Z, or from now such as 48h", text)
	}
	return at, nil
}

func waiverName(text string) (intent, characteristic string, err error) {
	intent, characteristic, found := strings.Cut(text, "/")
	if !found {
		return "", "", fmt.Errorf("bad waiver %q: want INTENT/CHARACTERISTIC", text)
	}
	return intent, characteristic, nil
}

func deleteWaivers(ctx context.Context, env *command.Env, c *client.Client, names []string) error {
	for _, name := range names {
		intent, characteristic, err := waiverName(name)
		if err != nil {
			return err
		}
		if err := c.Unwaive(ctx, intent, characteristic); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(env.Stdout, "waiver %s deleted\n", name); err != nil {
			return err
		}
	}
	return nil
}
