package hybrid

import (
	"bytes"
	"encoding/pem"
	"fmt"

	"github.com/keiro-net/keiro/keys/secret"
)

// The PEM block of an identity (RFC 7468). Its body begins with a version, 1:
// then come the seeds of Ed25519 and ML-DSA-65.
const (
	privateBlock    = "KEIRO HYBRID PRIVATE IDENTITY"
	identityVersion = 1
)

// MarshalPrivate gives the identity with its secrets, for a file that only the
// agent may read. The caller erases the bytes.
func (i *Identity) MarshalPrivate() []byte {
	body := make([]byte, 0, 1+2*secret.Size)
	body = append(body, identityVersion)
	body = append(append(body, i.edSeed.Bytes()...), i.mlSeed.Bytes()...)
	defer wipe(body)
	return pem.EncodeToMemory(&pem.Block{Type: privateBlock, Bytes: body})
}

// ParsePrivate reads what MarshalPrivate gives and nothing else. The caller
// erases the bytes. No error quotes any of them.
func ParsePrivate(text []byte) (*Identity, error) {
	body, err := block(text)
	defer wipe(body)
	if err != nil {
		return nil, err
	}
	ed, err := secret.New(body[1 : 1+secret.Size])
	if err != nil {
		return nil, err
	}
	ml, err := secret.New(body[1+secret.Size:])
	if err != nil {
		return nil, err
	}
	return fromSeeds(ed, ml), nil
}

// block wants one block in the very form that we write.
func block(text []byte) ([]byte, error) {
	b, rest := pem.Decode(text)
	switch {
	case b == nil:
		return nil, fmt.Errorf("%w: no PEM block", ErrMalformed)
	case b.Type != privateBlock:
		return b.Bytes, fmt.Errorf("%w: want a PEM block %q", ErrMalformed, privateBlock)
	case len(b.Bytes) > 0 && b.Bytes[0] != identityVersion:
		return b.Bytes, fmt.Errorf("%w of an identity", ErrVersion)
	case len(b.Bytes) != 1+2*secret.Size || len(b.Headers) > 0 || len(bytes.TrimSpace(rest)) > 0 || !bytes.HasPrefix(text, []byte("-----BEGIN")):
		return b.Bytes, fmt.Errorf("%w: %q", ErrMalformed, privateBlock)
	}
	return b.Bytes, nil
}
