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
	return &cobra.Command{
		Use:   "create FILE",
		Short: "Make a signing key, in a file that only you may read; print the public key",
		Long: `Make a signing key and write it to FILE, which must not be there yet and which only
you may read; print the public key, for those who verify. Whoever has FILE can sign
as you, and nothing brings it back when it is lost.`,
		Example: "  keiro key create alice.key > alice.pub",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			key, err := sign.Generate(rand.Reader)
			if err != nil {
				return err
			}
			text := key.MarshalPrivate()
			defer clear(text)
			if err := writeNew(args[0], text); err != nil {
				return err
			}
			_, err = env.Stdout.Write(key.Public().Marshal())
			return err
		},
	}
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
	Fingerprint string `json:"fingerprint"` // SHA-256 of the public key, in hexadecimal digits
	Public      string `json:"public_key"`  // PEM
	Private     bool   `json:"private"`     // the file holds the private key as well
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
