package sign

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/keiro-net/keiro/keys/sign/composite"
)

// The PEM blocks of a key (RFC 7468). Each body begins with a version, 1: then
// come the seeds of Ed25519 and ML-DSA-65, or the two public keys.
const (
	privateBlock = "KEIRO SIGNING PRIVATE KEY"
	publicBlock  = "KEIRO SIGNING PUBLIC KEY"
)

// MarshalPrivate gives the key with its secrets, for a file that only its
// owner may read. The caller erases the bytes.
func (k *Key) MarshalPrivate() []byte { return k.keys.MarshalPrivate(privateBlock) }

// ParsePrivate reads what MarshalPrivate gives and nothing else. The caller
// erases the bytes. No error quotes any of them.
func ParsePrivate(text []byte) (*Key, error) {
	keys, err := composite.ParsePrivate(privateBlock, text)
	if err != nil {
		if _, _, public := composite.ReadPublic(publicBlock, text); public == nil {
			return nil, fmt.Errorf("%w private key: this is a public key", ErrMalformed)
		}
		return nil, refuse(err)
	}
	return newKey(keys), nil
}

// Marshal gives the public key as text, to be handed to whoever verifies.
func (p *Public) Marshal() []byte { return p.keys.MarshalPublic(publicBlock) }

// ParsePublic reads what Marshal gives and nothing else.
func ParsePublic(text []byte) (*Public, error) {
	all, err := ParsePublics(text)
	if err != nil {
		return nil, err
	}
	if len(all) > 1 {
		return nil, fmt.Errorf("%w public key: more follows it", ErrMalformed)
	}
	return all[0], nil
}

// ParsePublics reads one or more public keys, one behind the other as `cat`
// joins them: those that somebody trusts, or the old and the new one while
// they change. Lines that begin with # are comments. The same key twice is an
// error.
func ParsePublics(text []byte) ([]*Public, error) {
	var all []*Public
	seen := map[Fingerprint]bool{}
	for rest := withoutComments(text); len(all) == 0 || len(rest) > 0; {
		keys, behind, err := composite.ReadPublic(publicBlock, rest)
		if err != nil {
			return nil, fmt.Errorf("public key %d: %w", len(all)+1, refuse(err))
		}
		p := newPublic(keys)
		if seen[p.print] {
			return nil, fmt.Errorf("%w: public key %d, %s, is there twice", ErrMalformed, len(all)+1, p.print)
		}
		seen[p.print] = true
		all, rest = append(all, p), behind
	}
	return all, nil
}

// withoutComments also undoes what mail and other systems do to line ends.
func withoutComments(text []byte) []byte {
	var out []byte
	for line := range bytes.Lines(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))) {
		if !bytes.HasPrefix(line, []byte("#")) {
			out = append(out, line...)
		}
	}
	return bytes.TrimSpace(out)
}

// refuse puts an error of composite into our words.
func refuse(err error) error {
	kind := ErrMalformed
	if errors.Is(err, composite.ErrVersion) {
		kind = ErrVersion
	}
	return fmt.Errorf("%w (%w)", kind, err)
}
