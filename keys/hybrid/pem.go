package hybrid

import (
	"bytes"
	"encoding/pem"
	"fmt"

	"github.com/keiro-net/keiro/keys/secret"
)

// The PEM blocks of an identity (RFC 7468). Each body begins with a version,
// 1: then come the seeds of Ed25519 and ML-DSA-65, or the public keys.
const (
	privateBlock    = "KEIRO HYBRID PRIVATE IDENTITY"
	publicBlock     = "KEIRO HYBRID PUBLIC IDENTITY"
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
	body, err := block(text, privateBlock, 1+2*secret.Size)
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

// MarshalPublic gives the public identity as text.
func (p *Public) MarshalPublic() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: publicBlock, Bytes: append([]byte{identityVersion}, p.bytes[:]...)})
}

// ParsePublicPEM reads what MarshalPublic gives and nothing else.
func ParsePublicPEM(text []byte) (*Public, error) {
	body, err := block(text, publicBlock, 1+PublicSize)
	if err != nil {
		return nil, err
	}
	return ParsePublic(body[1:])
}

// block wants one block in the very form that we write.
func block(text []byte, kind string, size int) ([]byte, error) {
	b, rest := pem.Decode(text)
	switch {
	case b == nil:
		return nil, fmt.Errorf("%w: no PEM block", ErrMalformed)
	case b.Type != kind:
		return b.Bytes, fmt.Errorf("%w: want a PEM block %q", ErrMalformed, kind)
	case len(b.Bytes) > 0 && b.Bytes[0] != identityVersion:
		return b.Bytes, fmt.Errorf("%w of an identity", ErrVersion)
	case len(b.Bytes) != size || len(b.Headers) > 0 || len(bytes.TrimSpace(rest)) > 0 || !bytes.HasPrefix(text, []byte("-----BEGIN")):
		return b.Bytes, fmt.Errorf("%w: %q", ErrMalformed, kind)
	}
	return b.Bytes, nil
}
