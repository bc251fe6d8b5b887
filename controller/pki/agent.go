package pki

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg/rpc"
	"github.com/keiro-net/keiro/controller/store"
)

const agentBucket = "agent"

// Agent is an enrolled node. Certificates of other keys than these are
// refused though the authority signed them: a key that was replaced, or whose
// node was revoked, is worth nothing.
type Agent struct {
	Node     string    `json:"node"`
	Key      string    `json:"key"`            // fingerprint: SHA-256 of the SubjectPublicKeyInfo, hex
	Next     string    `json:"next,omitempty"` // of the renewed certificate, until it was seen
	Enrolled time.Time `json:"enrolled"`
}

func (a *Authority) agent(ctx context.Context, node string) (agent Agent, version uint64, err error) {
	version, err = get(ctx, a.store, agentBucket, node, &agent)
	return agent, version, err
}

// Agents lists the enrolled nodes by name.
func (a *Authority) Agents(ctx context.Context) ([]Agent, error) {
	return list[Agent](ctx, a.store, agentBucket)
}

// Revoke makes the certificates of the node worthless. A session that stands
// is not its business.
func (a *Authority) Revoke(ctx context.Context, node string) error {
	return a.store.Commit(ctx, store.Delete(agentBucket, node))
}

// Admit says whose certificate it is. TLS has verified the chain. The first
// use of a renewed certificate retires the one before.
func (a *Authority) Admit(ctx context.Context, cert *x509.Certificate) (node string, err error) {
	for {
		node, err = a.admit(ctx, cert, "")
		if !errors.Is(err, store.ErrConflict) {
			return node, err
		}
	}
}

// Renew returns the next certificate to the holder of a valid one. Both are
// good until the next one is used: the reply may be lost.
func (a *Authority) Renew(ctx context.Context, cert *x509.Certificate, csr []byte) (der []byte, err error) {
	key, print, err := requestedKey(csr)
	if err != nil {
		return nil, err
	}
	for {
		var node string
		node, err = a.admit(ctx, cert, print)
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return a.sign(node, key)
	}
}

// admit also notes the key of the next certificate, if there is one.
func (a *Authority) admit(ctx context.Context, cert *x509.Certificate, next string) (node string, err error) {
	if node, err = rpc.Node(cert); err != nil {
		return "", Refusal(err.Error())
	}
	agent, version, err := a.agent(ctx, node)
	if err != nil {
		return "", err
	}
	was := agent
	switch fingerprint256(cert.RawSubjectPublicKeyInfo) {
	case agent.Key:
	case agent.Next:
		agent.Key, agent.Next = agent.Next, ""
	default:
		return "", Refusal(fmt.Sprintf("the certificate of node %s was replaced or revoked", node))
	}
	if next != "" && next != agent.Key {
		agent.Next = next
	}
	if agent == was {
		return node, nil
	}
	change, err := put(agentBucket, node, agent)
	if err != nil {
		return "", err
	}
	return node, a.store.Commit(ctx, store.Is(agentBucket, node, version), change)
}
