package session

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"

	"github.com/keiro-net/keiro/agent/internal/durable"
	"github.com/keiro-net/keiro/keys/hybrid"
	"github.com/keiro-net/keiro/keys/secret"
)

// keysFile holds what the agent's peers know it by: its hybrid identity and
// the WireGuard key of its lanes. They are made once, kept in one file, so
// that there is never one without the other, and never sent. They outlive
// certificates and enrolments.
const keysFile = "lane-keys.pem"

// wireGuardBlock is the PEM block (RFC 7468) of the second: 32 bytes.
const wireGuardBlock = "KEIRO WIREGUARD PRIVATE KEY"

// Keys are what the agent's peers know it by, with the secrets.
type Keys struct {
	Identity  *hybrid.Identity
	WireGuard secret.Key // static private key, X25519 (RFC 7748)
}

// WireGuardPublic is the public half of the WireGuard key, 32 bytes.
func (k Keys) WireGuardPublic() []byte {
	private, err := ecdh.X25519().NewPrivateKey(k.WireGuard.Bytes())
	if err != nil {
		panic("session: " + keysFile + " has no WireGuard key") // openKeys has seen to it
	}
	return private.PublicKey().Bytes()
}

// openKeys reads the file, or makes it.
func openKeys(file string) (Keys, error) {
	text, err := readSecret(file)
	defer func() { clear(text) }()
	if errors.Is(err, fs.ErrNotExist) {
		return makeKeys(file)
	}
	var k Keys
	if err == nil {
		if k, err = parseKeys(text); err != nil {
			err = fmt.Errorf("%s: %w", file, err)
		}
	}
	if err != nil {
		return Keys{}, fmt.Errorf("%w (without this file, the node gets another identity, and has to enrol again)", err)
	}
	return k, nil
}

func makeKeys(file string) (k Keys, err error) {
	if k.Identity, err = hybrid.Generate(rand.Reader); err != nil {
		return Keys{}, err
	}
	if k.WireGuard, err = secret.Random(rand.Reader); err != nil {
		return Keys{}, err
	}
	text := k.marshal()
	defer clear(text)
	return k, durable.Write(file, text)
}

func (k Keys) marshal() []byte {
	first := k.Identity.MarshalPrivate()
	second := pem.EncodeToMemory(&pem.Block{Type: wireGuardBlock, Bytes: k.WireGuard.Bytes()})
	defer clear(first)
	defer clear(second)
	return bytes.Join([][]byte{first, second}, nil)
}

var errKeys = errors.New(keysFile + ": want a hybrid identity and a WireGuard key, and nothing else")

// parseKeys reads what marshal gives and nothing else. No error quotes it.
func parseKeys(text []byte) (Keys, error) {
	block, rest := pem.Decode(text)
	if block == nil {
		return Keys{}, errKeys
	}
	clear(block.Bytes)
	identity, err := hybrid.ParsePrivate(text[:len(text)-len(rest)])
	if err != nil {
		return Keys{}, err
	}
	block, more := pem.Decode(rest)
	if block == nil {
		return Keys{}, errKeys
	}
	defer clear(block.Bytes)
	if block.Type != wireGuardBlock || len(block.Headers) > 0 || len(more) > 0 || !bytes.HasPrefix(rest, []byte("-----BEGIN")) {
		return Keys{}, errKeys
	}
	wireGuard, err := secret.New(block.Bytes)
	if err != nil {
		return Keys{}, err
	}
	return Keys{Identity: identity, WireGuard: wireGuard}, nil
}
