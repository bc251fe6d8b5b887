package pki

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/agent/nodecfg/rpc"
	"github.com/keiro-net/keiro/controller/store"
	"github.com/keiro-net/keiro/keys/hybrid"
)

// bound checks that the record tells the peers of this agent, and returns it.
func (w *world) bound(a *asker, cert *x509.Certificate) Agent {
	w.t.Helper()
	agent := w.record(a.node)
	if !bytes.Equal(agent.Identity, a.identity.Public().Bytes()) || !bytes.Equal(agent.WireGuard, a.wireGuard) ||
		!bytes.Equal(agent.Certificate, cert.Raw) {
		w.t.Errorf("the record has another identity, key or certificate: %+v", agent)
	}
	if err := hybrid.CheckBinding(cert, a.identity.Public()); err != nil {
		w.t.Error(err)
	}
	return agent
}

func TestIdentityIsBound(t *testing.T) {
	w := newWorld(t)
	a := newAsker(t, "n")
	first := w.enrolled(a)
	w.bound(a, first)
	if agent, err := w.Admit(t.Context(), first); err != nil || !bytes.Equal(agent.Certificate, first.Raw) {
		t.Errorf("Admit does not say who it is: %+v, %v", agent, err)
	}
	der, err := w.Renew(t.Context(), first, a.asks())
	second := parse(t, der, err)
	w.bound(a, second)
	for _, cert := range []*x509.Certificate{first, second} {
		if agent, err := w.Admit(t.Context(), cert); err != nil || !bytes.Equal(agent.Certificate, second.Raw) {
			t.Errorf("Admit: %+v, %v", agent, err)
		}
	}

	// The WireGuard key of the node may change with a renewal: nothing rests
	// on it.
	a.wireGuard = bytes.Repeat([]byte{7}, wireGuardKey)
	der, err = w.Renew(t.Context(), second, a.asks())
	w.bound(a, parse(t, der, err))

	// A new token is the right to a new identity.
	anew := newAsker(t, "n")
	w.bound(anew, w.enrolled(anew))
}

// Who has a certificate and its key, but not the identity, does not become
// the node to its peers, nor keeps the node from being it.
func TestRenewalKeepsIdentity(t *testing.T) {
	w := newWorld(t)
	a, thief := newAsker(t, "n"), newAsker(t, "n")
	cert := w.enrolled(a)
	before := w.record("n")
	stolen := a.asks() // seen on the wire once, by somebody who can read that

	none, short, spliced := thief.asks(), a.asks(), thief.asks()
	none.Identity, none.Claim = nil, nil
	short.Claim = short.Claim[:hybrid.SignatureSize-1]
	spliced.Identity, spliced.Claim = stolen.Identity, stolen.Claim
	halves := thief.asks()
	copy(halves.Identity[32:], a.identity.Public().Bytes()[32:]) // Ed25519 of the one, ML-DSA of the other
	for name, c := range map[string]struct {
		in     *rpc.EnrolRequest
		reason string
	}{
		"another identity":          {thief.asks(), "another identity"},
		"no identity":               {none, "no hybrid identity"},
		"a claim for another key":   {spliced, "wrong signature"},
		"a claim of half the node":  {halves, "wrong signature"},
		"a claim cut short":         {short, "malformed"},
		"a claim in another's name": {newAsker(t, "m").asks(), "wrong signature"},
	} {
		_, err := w.Renew(t.Context(), cert, c.in)
		wantRefusal(t, err, c.reason)
		if err == nil {
			t.Errorf("%s: renewed", name)
		}
		if after := w.record("n"); after.Next != "" || !bytes.Equal(after.Identity, before.Identity) || !bytes.Equal(after.Certificate, before.Certificate) {
			t.Errorf("%s: the record is %+v", name, after)
		}
	}
	if _, err := w.Renew(t.Context(), cert, a.asks()); err != nil {
		t.Error(err)
	}
}

// What is sent for an identity is bounded, and is the sender's own.
func TestIdentityRefused(t *testing.T) {
	w := newWorld(t)
	a, b := newAsker(t, "n"), newAsker(t, "n")
	for name, c := range map[string]struct {
		change func(*rpc.EnrolRequest)
		reason string
	}{
		"none":                  {func(r *rpc.EnrolRequest) { r.Identity = nil }, "no hybrid identity"},
		"short":                 {func(r *rpc.EnrolRequest) { r.Identity = r.Identity[1:] }, "no hybrid identity"},
		"oversized":             {func(r *rpc.EnrolRequest) { r.Identity = make([]byte, 1<<20) }, "no hybrid identity"},
		"one byte too many":     {func(r *rpc.EnrolRequest) { r.Identity = append(r.Identity, 0) }, "no hybrid identity"},
		"somebody else's":       {func(r *rpc.EnrolRequest) { r.Identity = b.identity.Public().Bytes() }, "wrong signature"},
		"no claim":              {func(r *rpc.EnrolRequest) { r.Claim = nil }, "malformed"},
		"oversized claim":       {func(r *rpc.EnrolRequest) { r.Claim = make([]byte, 1<<20) }, "malformed"},
		"claim by another":      {func(r *rpc.EnrolRequest) { r.Claim = b.asks().Claim }, "wrong signature"},
		"claim for another key": {func(r *rpc.EnrolRequest) { r.Claim = a.asks().Claim }, "wrong signature"},
		"claim, half of it":     {func(r *rpc.EnrolRequest) { r.Claim[100] ^= 1 }, "wrong signature"},
		"claim, its other half": {func(r *rpc.EnrolRequest) { r.Claim[10] ^= 1 }, "wrong signature"},
		"no WireGuard key":      {func(r *rpc.EnrolRequest) { r.WireGuard = nil }, "WireGuard"},
		"WireGuard key of zero": {func(r *rpc.EnrolRequest) { r.WireGuard = make([]byte, wireGuardKey) }, "WireGuard"},
		"long WireGuard key":    {func(r *rpc.EnrolRequest) { r.WireGuard = make([]byte, 1<<20) }, "WireGuard"},
	} {
		t.Run(name, func(t *testing.T) {
			in := a.asks()
			c.change(in)
			token := w.token("n")
			_, err := w.Enrol(t.Context(), token, in)
			wantRefusal(t, err, c.reason)
			if agents, _ := w.Agents(t.Context()); len(agents) > 0 {
				t.Errorf("enrolled: %+v", agents)
			}
			if len(err.Error()) > 300 {
				t.Errorf("a refusal of %d bytes", len(err.Error()))
			}
			if err := w.DeleteToken(t.Context(), token.ID); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// A token that was redeemed answers the same identity only.
func TestLostReplyOfAnotherIdentity(t *testing.T) {
	w := newWorld(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a, token := newAsker(t, "n"), w.token("n")
	if _, err := w.Enrol(t.Context(), token, a.asksFor(key)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Enrol(t.Context(), token, a.asksFor(key)); err != nil {
		t.Error(err)
	}
	_, err = w.Enrol(t.Context(), token, newAsker(t, "n").asksFor(key))
	wantRefusal(t, err, "used already")
}

// An agent from before there were identities is admitted, and its next
// renewal gives it its first identity, which stays.
func TestFirstIdentity(t *testing.T) {
	w := newWorld(t)
	a := newAsker(t, "n")
	cert := w.enrolled(a)
	old, err := json.Marshal(map[string]any{"node": "n", "key": w.record("n").Key, "enrolled": w.now})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.store.Commit(t.Context(), store.Put(agentBucket, "n", old)); err != nil {
		t.Fatal(err)
	}
	if agent, err := w.Admit(t.Context(), cert); err != nil || len(agent.Identity)+len(agent.Certificate)+len(agent.WireGuard) > 0 {
		t.Errorf("%+v, %v", agent, err)
	}
	anew := newAsker(t, "n")
	der, err := w.Renew(t.Context(), cert, anew.asks())
	w.bound(anew, parse(t, der, err))
	_, err = w.Renew(t.Context(), cert, a.asks())
	wantRefusal(t, err, "another identity")
}

// What is kept of an agent holds no secret and is not large.
func TestRecordSize(t *testing.T) {
	w := newWorld(t)
	node := strings.Repeat("京", 84) // the longest name, at its longest in a URI
	w.enrolled(newAsker(t, node))
	text, err := json.Marshal(w.record(node))
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > 8<<10 {
		t.Errorf("%d bytes", len(text))
	}
	t.Logf("%d bytes, the certificate %d", len(text), len(w.record(node).Certificate))
}
