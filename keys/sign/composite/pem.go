package composite

import (
	"bytes"
	"encoding/pem"
	"fmt"

	"github.com/keiro-net/keiro/keys/secret"
)

// version is the first byte of a PEM block's body.
const version = 1

// MarshalPrivate gives a PEM block (RFC 7468) of the given type, for a file
// that only its owner may read: a version, 1, then the seeds of Ed25519 and
// ML-DSA-65. The caller erases the bytes.
func (k *Key) MarshalPrivate(blockType string) []byte {
	body := make([]byte, 0, 1+2*secret.Size)
	body = append(body, version)
	body = append(append(body, k.edSeed.Bytes()...), k.mlSeed.Bytes()...)
	defer clear(body)
	return pem.EncodeToMemory(&pem.Block{Type: blockType, Bytes: body})
}

// ParsePrivate reads what MarshalPrivate gives for the same type and nothing
// else. The caller erases the bytes. No error quotes any of them.
func ParsePrivate(blockType string, text []byte) (*Key, error) {
	body, rest, err := block(blockType, 2*secret.Size, text)
	defer clear(body)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("%w: more follows the PEM block %q", ErrMalformed, blockType)
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

// MarshalPublic gives a PEM block of the given type: a version, 1, then Bytes.
func (p *Public) MarshalPublic(blockType string) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: blockType, Bytes: append([]byte{version}, p.bytes[:]...)})
}

// ReadPublic reads the first block of text, as MarshalPublic gives it for the
// same type, and returns what follows it.
func ReadPublic(blockType string, text []byte) (p *Public, rest []byte, err error) {
	body, rest, err := block(blockType, PublicSize, text)
	if err != nil {
		return nil, nil, err
	}
	p, err = ParsePublic(body[1:])
	return p, rest, err
}

// block wants text to begin with a block in the very form that we write, with
// size bytes behind the version.
func block(blockType string, size int, text []byte) (body, rest []byte, err error) {
	b, rest := pem.Decode(text)
	switch {
	case b == nil:
		return nil, nil, fmt.Errorf("%w: no PEM block", ErrMalformed)
	case b.Type != blockType:
		return b.Bytes, nil, fmt.Errorf("%w: want a PEM block %q", ErrMalformed, blockType)
	case len(b.Bytes) > 0 && b.Bytes[0] != version:
		return b.Bytes, nil, fmt.Errorf("%w of %q", ErrVersion, blockType)
	case len(b.Bytes) != 1+size || !ours(b, text[:len(text)-len(rest)]):
		return b.Bytes, nil, fmt.Errorf("%w: %q", ErrMalformed, blockType)
	}
	return b.Bytes, bytes.TrimSpace(rest), nil
}

// ours reports whether text is b as we write it: encoding/pem skips what is no
// block and reads headers and any breaking of the lines.
func ours(b *pem.Block, text []byte) bool {
	want := pem.EncodeToMemory(&pem.Block{Type: b.Type, Bytes: b.Bytes})
	defer clear(want)
	return bytes.Equal(bytes.TrimSpace(text), bytes.TrimSpace(want))
}
