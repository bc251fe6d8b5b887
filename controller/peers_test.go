package controller

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"log/slog"
	"reflect"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/nodecfg/rpc"
	"github.com/keiro-net/keiro/controller/core"
	"github.com/keiro-net/keiro/controller/pki"
	"github.com/keiro-net/keiro/controller/store"
	"github.com/keiro-net/keiro/keys/hybrid"
)

// Who the agents are, the Core learns from the store when the controller
// starts and from each session that begins.
func TestPeersOfAgents(t *testing.T) {
	kept := store.Memory()
	authority, err := pki.Open(pki.Options{Dir: t.TempDir(), Store: kept})
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	identity, err := hybrid.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	want := nodecfg.Peer{Node: "tyo1", Identity: identity.Public().Bytes(), WireGuard: make([]byte, 32)}
	want.WireGuard[0] = 9
	token, err := authority.CreateToken(t.Context(), "tyo1", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	want.Certificate, err = authority.Enrol(t.Context(), token, &rpc.EnrolRequest{
		Node: "tyo1", CSR: csr, Identity: want.Identity, Claim: identity.Claim("tyo1", public), WireGuard: want.WireGuard,
	})
	if err != nil {
		t.Fatal(err)
	}
	old := []byte(`{"node":"osa1","key":"x"}`) // from before there were identities
	if err := kept.Commit(t.Context(), store.Put("agent", "osa1", old)); err != nil {
		t.Fatal(err)
	}

	_, first, err := restore(t.Context(), kept, authority, slog.New(slog.DiscardHandler))
	if err != nil || !reflect.DeepEqual(first.Peers, []nodecfg.Peer{want}) || !reflect.DeepEqual(first.Known, []string{"osa1", "tyo1"}) {
		t.Errorf("%+v, %v", first, err)
	}

	agents, err := authority.Agents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l := newLoop(core.New(core.Params{}), Options{Log: slog.New(slog.DiscardHandler)})
	for n, want := range []core.AgentConnected{{Node: "osa1"}, {Node: "tyo1", Peer: &want}} {
		go sessions{l}.Connected(agents[n])
		if got := <-l.events; !reflect.DeepEqual(got, []core.Event{want}) {
			t.Errorf("the Core is told %+v", got)
		}
	}
}
