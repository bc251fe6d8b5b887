// Package quantum is this node's way to its KME: it fetches the QKD keys that
// package keying mixes in (it is keying.Quantum), asks the KME regularly how
// many keys are left for each peer that matters, and says which stores do not
// last. It never asks twice for a key: a question without an answer is a key
// that is spent. It holds no key, routes nothing and closes no lane; package
// tunnel calls it. A node without a KME has one of these too, which says so.
package quantum

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/keiro-net/keiro/keys/qkd"
	"github.com/keiro-net/keiro/keys/qkd/level"
	"github.com/keiro-net/keiro/keys/secret"
)

// Options are what a KME is made of.
type Options struct {
	File *File // nil: this node has no KME
	// Interval is from one epoch of a lane to the next: a lane takes a key each
	// time.
	Interval time.Duration
	Log      *slog.Logger
}

// KME is the one of this node's site, or none. Its methods may be called by
// several goroutines.
type KME struct {
	Options
	client  *qkd.Client // nil: there is none
	changes chan struct{}
	wake    chan struct{}

	mu     sync.Mutex
	stores map[string]*store // by peer; those that are watched
}

// errNone is for people, in reports and logs.
var errNone = errors.New("this node has no KME: its agent wants one with --kme")

// New makes a KME and asks it nothing yet.
func New(o Options) (*KME, error) {
	k := &KME{Options: o, changes: make(chan struct{}, 1), wake: make(chan struct{}, 1), stores: map[string]*store{}}
	if o.File == nil {
		k.File = &File{} // so that all else need not ask
	}
	if _, err := level.New(k.judge(1)); err != nil {
		return nil, fmt.Errorf("%s: low, enough: %w", k.File.name, err)
	}
	if o.File == nil {
		return k, nil
	}
	var err error
	k.client, err = o.File.client()
	return k, err
}

// Key takes a new key, to be shared with a peer: enc_keys.
func (k *KME) Key(ctx context.Context, peer string) (id string, key secret.Key, err error) {
	if k.client == nil {
		return "", secret.Key{}, errNone
	}
	keys, err := k.client.EncKeys(ctx, k.File.sae(peer), qkd.Request{})
	if err != nil {
		var refusal *qkd.Error
		if errors.As(err, &refusal) && refusal.Status == http.StatusServiceUnavailable {
			k.observe(peer, 0) // whatever its status says
		}
		return "", secret.Key{}, err
	}
	return keys[0].ID.String(), keys[0].Secret, nil
}

// KeyByID takes the key of this key_ID that the peer has taken: dec_keys.
func (k *KME) KeyByID(ctx context.Context, peer, id string) (secret.Key, error) {
	if k.client == nil {
		return secret.Key{}, errNone
	}
	name, err := qkd.ParseID(id)
	if err != nil {
		return secret.Key{}, fmt.Errorf("key_ID %.40q of %s: %w", id, peer, err)
	}
	keys, err := k.client.DecKeys(ctx, k.File.sae(peer), []qkd.ID{name})
	if err != nil {
		return secret.Key{}, err
	}
	return keys[0].Secret, nil
}

// Faults counts the failed questions by what was wrong, in one word each.
func (k *KME) Faults() map[string]uint64 {
	out := make(map[string]uint64)
	if k.client != nil {
		for fault, n := range k.client.Faults() {
			out[fault.String()] = n
		}
	}
	return out
}

// Changes has a token when Stores or Drain says something new.
func (k *KME) Changes() <-chan struct{} { return k.changes }

func signal(slot chan<- struct{}) {
	select {
	case slot <- struct{}{}:
	default:
	}
}
