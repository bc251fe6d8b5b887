package online

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/controller/alert/webhook"
)

// verified is the document that alerts verify prints.
type verified struct {
	APIVersion string          `json:"apiVersion"`
	Kind       string          `json:"kind"`
	Verified   bool            `json:"verified"`
	Reason     string          `json:"reason,omitempty"` // why not
	ID         string          `json:"id"`
	Sent       time.Time       `json:"sent,omitzero"`
	Type       string          `json:"type,omitempty"` // of the body, where it has one
	Signatures []heldSignature `json:"signatures"`
}

type heldSignature struct {
	Scheme webhook.Scheme `json:"scheme"`
	Key    string         `json:"key"` // whpk_ of an Ed25519 key, the fingerprint of a hybrid one
}

func newAlertsVerifyCommand(env *command.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify -k KEY [FILE]",
		Short: "Verify a webhook that was stored, without a controller",
		Long: `Verify a webhook that was stored in FILE (- or nothing: stdin): the HTTP request as
it came, or a JSON document {"headers": {...}, "body": "..."}. Of every scheme of
which -k gives keys, a signature must hold: v1 (whsec_), v1a (whpk_), v1h (the public
key that keiro key show prints). No controller is asked, and no network.
Whoever stored a webhook can send it again: with --at it must have been sent within
--within of that time, too.
Exit code 0: it is as it was sent, by who has the key; 1: it is not, or nobody can tell.`,
		Example: `  keiro alerts verify -k keiro.pub webhook.http
  keiro alerts verify -k ops.secret -k keiro.pub --at now webhook.json`,
		Args: cobra.MaximumNArgs(1),
	}
	keys := cmd.Flags().StringArrayP("key", "k", nil, "`FILE` of keys that are trusted; may be given again")
	command.Require(cmd, "key")
	at := cmd.Flags().String("at", "", "`TIME` (RFC 3339, or now) that it must have been sent at")
	command.Complete(cmd, "at", "now")
	within := cmd.Flags().Duration("within", webhook.Tolerance, "how far from --at")
	format := command.FormatFlag(cmd)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		trusted, err := readTrusted(env, *keys)
		if err != nil {
			return err
		}
		name, data, err := env.Read(append(args, "-")[0])
		if err != nil {
			return err
		}
		stored, err := webhook.ParseStored(data)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		doc, refusal := verify(trusted, stored, *at, *within, env.Now)
		if refusal != nil {
			refusal = fmt.Errorf("%s: %w", name, refusal)
			doc.Reason = refusal.Error()
		}
		err = env.Printer().Print(*format, doc, func(t *output.Text) { printVerified(t, doc) })
		return errors.Join(refusal, err)
	}
	return cmd
}

func readTrusted(env *command.Env, files []string) (all []webhook.Verifier, err error) {
	for _, file := range files {
		name, text, err := env.Read(file)
		if err != nil {
			return nil, err
		}
		some, err := webhook.ParseVerifiers(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, some...)
	}
	return all, nil
}

func verify(trusted []webhook.Verifier, stored *webhook.Stored, at string, within time.Duration, now func() time.Time) (verified, error) {
	doc := verified{APIVersion: "keiro/v1", Kind: "WebhookVerification", ID: stored.Header.Get(webhook.HeaderID), Signatures: []heldSignature{}}
	held, err := webhook.Check(trusted, stored.Header, stored.Body)
	if err != nil {
		return doc, err
	}
	for _, v := range held {
		doc.Signatures = append(doc.Signatures, heldSignature{v.Scheme, v.Name})
	}
	if doc.Sent, err = webhook.Sent(stored.Header); err != nil {
		return doc, err
	}
	doc.Sent = doc.Sent.UTC()
	if at != "" {
		when := now()
		if at != "now" {
			if when, err = time.Parse(time.RFC3339, at); err != nil {
				return doc, fmt.Errorf("--at %q: want RFC 3339, such as 2026-11-23T09:00:00Z, or now", at)
			}
		}
		if err := webhook.Fresh(stored.Header, when, within); err != nil {
			return doc, err
		}
	}
	var body struct{ Type string }
	if json.Unmarshal(stored.Body, &body) == nil { // what it holds is not ours to judge
		doc.Type = body.Type
	}
	doc.Verified = true
	return doc, nil
}

func printVerified(t *output.Text, doc verified) {
	if !doc.Verified {
		return // stderr says why
	}
	t.Printf("webhook %s, sent %s, %s: verified\n", doc.ID, doc.Sent.Format(time.RFC3339), output.Or(doc.Type))
	table := &output.Table{Heads: []string{"SCHEME", "KEY"}}
	for _, s := range doc.Signatures {
		table.Add(string(s.Scheme), s.Key)
	}
	t.Table(table)
}
