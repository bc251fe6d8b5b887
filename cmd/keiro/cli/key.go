package cli

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/controller/alert/webhook"
	"github.com/keiro-net/keiro/keys/sign"
)

func newKeyCommand(env *command.Env) *cobra.Command {
	return command.Group(&cobra.Command{
		Use:   "key",
		Short: "Make and show keys that sign waivers and alerts",
		Long: `Make and show signing keys: Ed25519 and ML-DSA-65 together, a signature holds only
where both hold. An operator signs waivers with one, a controller its alerts.`,
		Example: "  keiro key create alice.key\n  keiro key show alice.key > alice.pub",
	}, newKeyCreateCommand(env), newKeyShowCommand(env))
}

func newKeyCreateCommand(env *command.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "create FILE",
		Short: "Make a signing key, in a file that only you may read; print the public key",
		Long: `Make a signing key and write it to FILE, which must not be there yet and which only
you may read; print the public key, for those who verify. Whoever has FILE can sign
as you, and nothing brings it back when it is lost. Beside hybrid keys there are two
types that receivers of webhooks know, of Standard Webhooks: ed25519, and hmac, which
has no public key: sender and receiver have the same file.`,
		Example: "  keiro key create alice.key > alice.pub\n  keiro key create --type hmac ops.secret",
		Args:    cobra.ExactArgs(1),
	}
	kind := cmd.Flags().String("type", "hybrid", "hybrid, ed25519 or hmac")
	command.Complete(cmd, "type", "hybrid", "ed25519", "hmac")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		private, public, err := newKey(*kind)
		if err != nil {
			return err
		}
		defer clear(private)
		if err := writeNew(args[0], private); err != nil {
			return err
		}
		_, err = env.Stdout.Write(public)
		return err
	}
	return cmd
}

// newKey makes a key and gives both halves as text; one without a public half
// gives nothing for it.
func newKey(kind string) (private, public []byte, err error) {
	var scheme webhook.Scheme
	switch kind {
	case "hybrid":
		key, err := sign.Generate(rand.Reader)
		if err != nil {
			return nil, nil, err
		}
		return key.MarshalPrivate(), key.Public().Marshal(), nil
	case "ed25519":
		scheme = webhook.Ed25519
	case "hmac":
		scheme = webhook.HMAC
	default:
		return nil, nil, fmt.Errorf("--type %q: want hybrid, ed25519 or hmac", kind)
	}
	key, err := webhook.Generate(scheme, rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	if scheme == webhook.Ed25519 {
		public = []byte(key.Verifier().Name + "\n")
	}
	return []byte(key.Text() + "\n"), public, nil
}

// writeNew writes a secret to a file that was not there: a key that somebody
// signs with is never replaced by mistake. Half a file does not stay.
func writeNew(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already and is kept: give another name, or remove it if nobody needs its signatures", path)
	}
	if err != nil {
		return err // names the file
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(fmt.Errorf("write the key: %w", err), os.Remove(path))
	}
	return nil
}

// shownKey is what `key show -o json` prints of a key.
type shownKey struct {
	Fingerprint string `json:"fingerprint,omitempty"` // of a hybrid key: SHA-256 of the public key, in hexadecimal digits
	Public      string `json:"public_key"`            // PEM, or whpk_
	Private     bool   `json:"private"`               // the file holds the private key as well
}

func newKeyShowCommand(env *command.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show FILE",
		Short: "Print the public keys of a file, and their fingerprints",
		Long: `Print the public keys of FILE (- for stdin), a private key or public ones, each with
its fingerprint in a comment. What is printed can be given to whoever verifies.`,
		Example: "  keiro key show alice.key > alice.pub\n  keiro key show alice.pub -o json",
		Args:    cobra.ExactArgs(1),
	}
	format := command.FormatFlag(cmd)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		name, text, err := env.Read(args[0])
		if err != nil {
			return err
		}
		defer clear(text)
		if bytes.Contains(text, []byte("wh")) && !bytes.Contains(text, []byte("-----BEGIN")) {
			return webhookKeys(env, *format, name, text)
		}
		keys, private, err := publicKeys(text)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		shown := make([]shownKey, len(keys))
		for i, k := range keys {
			shown[i] = shownKey{k.Fingerprint().String(), string(k.Marshal()), private}
		}
		return env.Printer().Print(*format, shown, func(t *output.Text) {
			for _, k := range shown {
				t.Printf("# fingerprint %s\n%s", k.Fingerprint, k.Public)
			}
		})
	}
	return cmd
}

// webhookKeys shows the public halves of keys of Standard Webhooks, one a line.
func webhookKeys(env *command.Env, format output.Format, name string, text []byte) error {
	keys, err := webhook.ParseVerifiers(text)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	shown := []shownKey{}
	for _, k := range keys {
		if k.Scheme != webhook.Ed25519 {
			return fmt.Errorf("%s: holds a secret of HMAC, which has no public half", name)
		}
		shown = append(shown, shownKey{Public: k.Name, Private: bytes.Contains(text, []byte("whsk_"))})
	}
	return env.Printer().Print(format, shown, func(t *output.Text) {
		for _, k := range shown {
			t.Printf("%s\n", k.Public)
		}
	})
}

// publicKeys are those of a private key or of a file of public ones.
func publicKeys(text []byte) (keys []*sign.Public, private bool, err error) {
	if bytes.Contains(text, []byte("PRIVATE KEY-----")) {
		key, err := sign.ParsePrivate(text)
		if err != nil {
			return nil, false, err
		}
		return []*sign.Public{key.Public()}, true, nil
	}
	keys, err = sign.ParsePublics(text)
	return keys, false, err
}
