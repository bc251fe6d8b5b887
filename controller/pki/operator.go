package pki

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg/rpc"
	"github.com/keiro-net/keiro/controller/store"
)

const (
	operatorBucket = "operator"
	bearerVersion  = "kro"
)

// Operator is what is kept of an operator's credential, which is
// kro_ID_SECRET and is sent as a bearer token (RFC 6750).
type Operator struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Hash    []byte    `json:"hash"` // SHA-256 of the secret, which is random
	Created time.Time `json:"created"`
}

// CreateOperator makes a credential. Several may have the same name.
func (a *Authority) CreateOperator(ctx context.Context, name string) (rpc.Secret, error) {
	bearer, create, err := a.newOperator(name)
	if err != nil {
		return rpc.Secret{}, err
	}
	return bearer, a.store.Commit(ctx, create)
}

func (a *Authority) newOperator(name string) (rpc.Secret, store.Op, error) {
	if err := rpc.CheckNode(name); err != nil {
		return rpc.Secret{}, store.Op{}, fmt.Errorf("create operator: %w", err)
	}
	var id [8]byte
	var random [32]byte
	_, _ = rand.Read(id[:]) // never fails (crypto/rand)
	_, _ = rand.Read(random[:])
	secret := rpc.NewSecret(base64.RawURLEncoding.EncodeToString(random[:]))
	o := Operator{ID: hex.EncodeToString(id[:]), Name: name, Hash: hash(secret), Created: a.now().UTC()}
	create, err := put(operatorBucket, o.ID, o)
	return rpc.NewSecret(bearerVersion + "_" + o.ID + "_" + secret.Reveal()), create, err
}

// FirstOperator makes the credential of the first operator, if there is none
// at all, and writes it to file with mode 0600.
func (a *Authority) FirstOperator(ctx context.Context, name, file string) error {
	operators, err := a.Operators(ctx)
	if err != nil || len(operators) > 0 {
		return err
	}
	bearer, create, err := a.newOperator(name)
	if err != nil {
		return err
	}
	// The file first: the other way round, a crash in between would leave an
	// operator whom nobody can be.
	if err := writeFile(file, []byte(bearer.Reveal()+"\n")); err != nil {
		return fmt.Errorf("write the first operator's credential: %w", err)
	}
	return a.store.Commit(ctx, create)
}

// Operators lists the credentials.
func (a *Authority) Operators(ctx context.Context) ([]Operator, error) {
	return list[Operator](ctx, a.store, operatorBucket)
}

// DeleteOperator makes the credential worthless.
func (a *Authority) DeleteOperator(ctx context.Context, id string) error {
	return a.store.Commit(ctx, store.Delete(operatorBucket, id))
}

// Operator says whose credential it is. The error is a Refusal where it is
// nobody's.
func (a *Authority) Operator(ctx context.Context, bearer string) (name string, err error) {
	part := strings.SplitN(bearer, "_", 3)
	if len(part) != 3 || part[0] != bearerVersion || part[1] == "" {
		return "", Refusal("not an operator's credential: want kro_ID_SECRET")
	}
	var o Operator
	if _, err := get(ctx, a.store, operatorBucket, part[1], &o); err != nil {
		return "", err
	}
	if subtle.ConstantTimeCompare(o.Hash, hash(rpc.NewSecret(part[2]))) != 1 {
		return "", Refusal("unknown operator's credential")
	}
	return o.Name, nil
}
