package pki

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg/rpc"
	"github.com/keiro-net/keiro/controller/store"
)

const tokenBucket = "enrol-token"

// forget is how long an expired token is kept, so that its refusal can say
// why.
const forget = 24 * time.Hour

// Token is what is kept of an enrolment token.
type Token struct {
	ID      string    `json:"id"`
	Node    string    `json:"node"`
	Hash    []byte    `json:"hash"` // SHA-256 of the secret, which is random
	Expires time.Time `json:"expires"`
	Key     string    `json:"key,omitempty"` // fingerprint of the key it was redeemed with
}

// CreateToken makes a token with which the node can enrol once within ttl.
func (a *Authority) CreateToken(ctx context.Context, node string, ttl time.Duration) (rpc.Token, error) {
	if err := rpc.CheckNode(node); err != nil {
		return rpc.Token{}, fmt.Errorf("create token: %w", err)
	}
	if ttl <= 0 {
		return rpc.Token{}, fmt.Errorf("create token for %s: lifetime %s is not positive", node, ttl)
	}
	if err := a.forgetTokens(ctx); err != nil {
		return rpc.Token{}, err
	}
	var id [8]byte
	var secret [32]byte
	_, _ = rand.Read(id[:]) // never fails (crypto/rand)
	_, _ = rand.Read(secret[:])
	t := rpc.NewToken(id, secret, a.cert)
	kept := Token{ID: t.ID, Node: node, Hash: hash(t.Secret), Expires: a.now().Add(ttl)}
	put, err := put(tokenBucket, t.ID, kept)
	if err != nil {
		return rpc.Token{}, err
	}
	return t, a.store.Commit(ctx, store.Is(tokenBucket, t.ID, 0), put)
}

// Tokens lists the tokens, used and expired ones included, for a while.
func (a *Authority) Tokens(ctx context.Context) ([]Token, error) {
	return list[Token](ctx, a.store, tokenBucket)
}

// DeleteToken makes the token worthless.
func (a *Authority) DeleteToken(ctx context.Context, id string) error {
	return a.store.Commit(ctx, store.Delete(tokenBucket, id))
}

func (a *Authority) forgetTokens(ctx context.Context) error {
	tokens, err := a.Tokens(ctx)
	if err != nil {
		return err
	}
	for _, t := range tokens {
		if a.now().After(t.Expires.Add(forget)) {
			if err := a.DeleteToken(ctx, t.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// Enrol redeems a token and returns the node's certificate. The same token
// with the same key is answered again: the reply may have been lost. Errors
// that are the asker's fault are of type Refusal. The node gets the identity
// that the request brings, whatever it had before: the token is the right to
// that. The request's own Token is not looked at.
func (a *Authority) Enrol(ctx context.Context, token rpc.Token, in *rpc.EnrolRequest) (der []byte, err error) {
	for {
		der, err = a.enrol(ctx, token, in)
		if !errors.Is(err, store.ErrConflict) {
			return der, err
		}
	}
}

func (a *Authority) enrol(ctx context.Context, token rpc.Token, in *rpc.EnrolRequest) ([]byte, error) {
	var kept Token
	version, err := get(ctx, a.store, tokenBucket, token.ID, &kept)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(kept.Hash, hash(token.Secret)) != 1 {
		return nil, Refusal("unknown token")
	}
	if kept.Node != in.Node {
		return nil, Refusal("the token is for another node")
	}
	if a.now().After(kept.Expires) {
		return nil, Refusal("the token expired at " + kept.Expires.UTC().Format(time.RFC3339))
	}
	r, err := requested(in.Node, in)
	if err != nil {
		return nil, err
	}
	agent, known, err := a.agent(ctx, in.Node)
	if err != nil {
		return nil, err
	}
	if kept.Key != "" && (kept.Key != r.print || agent.Key != r.print || !bytes.Equal(agent.Identity, r.identity.Bytes())) {
		return nil, Refusal("the token was used already")
	}
	der, err := a.sign(in.Node, r)
	if err != nil || kept.Key == r.print {
		return der, err
	}
	kept.Key = r.print
	used, err := put(tokenBucket, token.ID, kept)
	if err != nil {
		return nil, err
	}
	agent = Agent{Node: in.Node, Key: r.print, Enrolled: a.now().UTC()}
	agent.bind(r, der)
	enrolled, err := put(agentBucket, in.Node, agent)
	if err != nil {
		return nil, err
	}
	return der, a.store.Commit(ctx,
		store.Is(tokenBucket, token.ID, version), used, store.Is(agentBucket, in.Node, known), enrolled)
}

func hash(s rpc.Secret) []byte {
	sum := sha256.Sum256([]byte(s.Reveal()))
	return sum[:]
}

// get reads a record into v, which stays as it is if there is none.
func get(ctx context.Context, s *store.Store, bucket, key string, v any) (version uint64, err error) {
	r, err := s.Get(ctx, bucket, key)
	if err != nil || r.Version == 0 {
		return 0, err
	}
	if err := json.Unmarshal(r.Value, v); err != nil {
		return 0, fmt.Errorf("record %s/%s is damaged: %w", bucket, key, err)
	}
	return r.Version, nil
}

func put(bucket, key string, v any) (store.Op, error) {
	b, err := json.Marshal(v)
	return store.Put(bucket, key, b), err
}

func list[T any](ctx context.Context, s *store.Store, bucket string) ([]T, error) {
	rs, err := s.List(ctx, bucket)
	if err != nil {
		return nil, err
	}
	out := make([]T, len(rs))
	for i, r := range rs {
		if err := json.Unmarshal(r.Value, &out[i]); err != nil {
			return nil, fmt.Errorf("record %s/%s is damaged: %w", bucket, r.Key, err)
		}
	}
	return out, nil
}
