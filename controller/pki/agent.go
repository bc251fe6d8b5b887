package pki

import (
	"bytes"
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

	// Identity, the newest certificate that binds it, and the key of the
	// node's lanes, for its peers (nodecfg.Peer). Empty where the agent was
	// enrolled before there were identities, until it renews.
	Identity    []byte `json:"identity,omitempty"`    // hybrid.Public.Bytes
	Certificate []byte `json:"certificate,omitempty"` // DER
	WireGuard   []byte `json:"wireguard,omitempty"`
}

func (a *Agent) bind(r *request, certificate []byte) {
	a.Identity, a.Certificate, a.WireGuard = r.identity.Bytes(), certificate, r.wireGuard
}

func (a *Authority) agent(ctx context.Context, node string) (agent Agent, version uint64, err error) {
	version, err = get(ctx, a.store, agentBucket, node, &agent)
	return agent, version, err
}

// Agents lists the enrolled nodes by name.
func (a *Authority) Agents(ctx context.Context) ([]Agent, error) {
	return list[Agent](ctx, a.store, agentBucket)
}

// Revoke makes the certificates of the node worthless, and the tokens for it
// that wait for their use: only a token made from now on enrols it again. It
// reports whether the node was enrolled. A session that stands is not its
// business.
func (a *Authority) Revoke(ctx context.Context, node string) (enrolled bool, err error) {
	tokens, err := a.Tokens(ctx)
	if err != nil {
		return false, err
	}
	for _, t := range tokens {
		if t.Node == node && t.Key == "" {
			if err := a.DeleteToken(ctx, t.ID); err != nil {
				return false, err
			}
		}
	}
	_, version, err := a.agent(ctx, node)
	if err != nil || version == 0 {
		return false, err
	}
	return true, a.store.Commit(ctx, store.Delete(agentBucket, node))
}

// Admit says whose certificate it is. TLS has verified the chain. The first
// use of a renewed certificate retires the one before.
func (a *Authority) Admit(ctx context.Context, cert *x509.Certificate) (agent Agent, err error) {
	for {
		var version uint64
		var retired bool
		if agent, version, retired, err = a.holder(ctx, cert); err != nil || !retired {
			return agent, err
		}
		if err = a.keep(ctx, agent, version); !errors.Is(err, store.ErrConflict) {
			return agent, err
		}
	}
}

// Renew returns the next certificate to the holder of a valid one. Both are
// good until the next one is used: the reply may be lost. The node keeps its
// identity: who stole a certificate must not be the node to its peers as well.
func (a *Authority) Renew(ctx context.Context, cert *x509.Certificate, in *rpc.EnrolRequest) (der []byte, err error) {
	for {
		der, err = a.renew(ctx, cert, in)
		if !errors.Is(err, store.ErrConflict) {
			return der, err
		}
	}
}

func (a *Authority) renew(ctx context.Context, cert *x509.Certificate, in *rpc.EnrolRequest) (der []byte, err error) {
	agent, version, _, err := a.holder(ctx, cert)
	if err != nil {
		return nil, err
	}
	r, err := requested(agent.Node, in)
	if err != nil {
		return nil, err
	}
	if len(agent.Identity) > 0 && !bytes.Equal(agent.Identity, r.identity.Bytes()) {
		return nil, Refusal(fmt.Sprintf("node %s has another identity: only a new token gives it a new one", agent.Node))
	}
	if der, err = a.sign(agent.Node, r); err != nil {
		return nil, err
	}
	if r.print != agent.Key {
		agent.Next = r.print
	}
	agent.bind(r, der)
	return der, a.keep(ctx, agent, version)
}

// holder returns the agent whose certificate it is, and whether it is the
// next one: then the one before is retired in what is returned.
func (a *Authority) holder(ctx context.Context, cert *x509.Certificate) (agent Agent, version uint64, retired bool, err error) {
	node, err := rpc.Node(cert)
	if err != nil {
		return Agent{}, 0, false, Refusal(err.Error())
	}
	if agent, version, err = a.agent(ctx, node); err != nil {
		return Agent{}, 0, false, err
	}
	switch fingerprint256(cert.RawSubjectPublicKeyInfo) {
	case agent.Key:
	case agent.Next:
		agent.Key, agent.Next, retired = agent.Next, "", true
	default:
		return Agent{}, 0, false, Refusal(fmt.Sprintf("the certificate of node %s was replaced or revoked", node))
	}
	return agent, version, retired, nil
}

// keep writes what holder returned, unless somebody else has changed it.
func (a *Authority) keep(ctx context.Context, agent Agent, version uint64) error {
	change, err := put(agentBucket, agent.Node, agent)
	if err != nil {
		return err
	}
	return a.store.Commit(ctx, store.Is(agentBucket, agent.Node, version), change)
}
