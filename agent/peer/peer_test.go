package peer

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/nodecfg/rpc"
	"github.com/keiro-net/keiro/keys/hybrid"
)

// fleet is an authority.
type fleet struct {
	t   testing.TB
	key *ecdsa.PrivateKey
	ca  *x509.Certificate
}

func newFleet(t testing.TB) *fleet {
	f := &fleet{t: t, key: newKey(t)}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "fleet authority"},
		NotBefore: time.Now().Add(-1000 * time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, MaxPathLenZero: true,
	}
	f.ca = f.certificate(template, template, &f.key.PublicKey)
	return f
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newIdentity(t testing.TB) *hybrid.Public {
	id, err := hybrid.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return id.Public()
}

func (f *fleet) certificate(template, parent *x509.Certificate, public any) *x509.Certificate {
	f.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, f.key)
	if err != nil {
		f.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		f.t.Fatal(err)
	}
	return cert
}

// peer is a node of the fleet, whose certificate can be changed before it is
// signed.
func (f *fleet) peer(node string, id *hybrid.Public, change ...func(*x509.Certificate)) nodecfg.Peer {
	f.t.Helper()
	binding, err := hybrid.Bind(id.Fingerprint())
	if err != nil {
		f.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: node}, URIs: []*url.URL{rpc.AgentURI(node)},
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Minute),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, ExtraExtensions: []pkix.Extension{binding},
	}
	for _, c := range change {
		c(template)
	}
	return nodecfg.Peer{
		Node: node, Certificate: f.certificate(template, f.ca, &newKey(f.t).PublicKey).Raw,
		Identity: id.Bytes(), WireGuard: bytes.Repeat([]byte{1}, 32),
	}
}

func TestVerify(t *testing.T) {
	f := newFleet(t)
	osa, nag := newIdentity(t), newIdentity(t)
	peers := []nodecfg.Peer{
		f.peer("nag1", nag, func(c *x509.Certificate) { // fail static: long expired, as the controller is away
			c.NotBefore, c.NotAfter = time.Now().Add(-500*time.Hour), time.Now().Add(-400*time.Hour)
		}),
		f.peer("osa1", osa),
	}
	peers[1].WireGuard[31] = 2
	good, refused := Verify(f.ca, peers)
	if len(refused) > 0 || len(good) != 2 {
		t.Fatalf("%+v, %+v", good, refused)
	}
	for node, id := range map[string]*hybrid.Public{"osa1": osa, "nag1": nag} {
		if p := good[node]; p.Node != node || p.Identity.Fingerprint() != id.Fingerprint() {
			t.Errorf("%+v", p)
		}
	}
	if [32]byte(peers[1].WireGuard) != good["osa1"].WireGuard {
		t.Errorf("WireGuard key %x", good["osa1"].WireGuard)
	}
	if good, refused := Verify(f.ca, nil); len(good)+len(refused) > 0 {
		t.Error("peers from nowhere")
	}
}

// One that is refused does not take the others with it.
func TestRefusals(t *testing.T) {
	f, foreign := newFleet(t), newFleet(t)
	id, other := newIdentity(t), newIdentity(t)
	with := func(change func(*nodecfg.Peer)) nodecfg.Peer {
		p := f.peer("osa1", id)
		change(&p)
		return p
	}
	unbound := func(c *x509.Certificate) { c.ExtraExtensions = nil }
	for name, c := range map[string]struct {
		peer   nodecfg.Peer
		reason string
	}{
		"another fleet":                {foreign.peer("osa1", id), "not of this fleet's authority"},
		"another node's certificate":   {with(func(p *nodecfg.Peer) { p.Certificate = f.peer("nag1", id).Certificate }), `is "nag1"'s`},
		"another's, all of it":         {with(func(p *nodecfg.Peer) { *p = f.peer("nag1", other); p.Node = "osa1" }), `is "nag1"'s`},
		"unbound":                      {f.peer("osa1", id, unbound), "binds no identity"},
		"another identity":             {with(func(p *nodecfg.Peer) { p.Identity = other.Bytes() }), "another fleet"},
		"half of another identity":     {with(func(p *nodecfg.Peer) { copy(p.Identity, other.Bytes()[:32]) }), "another fleet"},
		"other half of another":        {with(func(p *nodecfg.Peer) { copy(p.Identity[32:], other.Bytes()[32:]) }), "another fleet"},
		"no identity":                  {with(func(p *nodecfg.Peer) { p.Identity = nil }), "malformed"},
		"oversized identity":           {with(func(p *nodecfg.Peer) { p.Identity = make([]byte, 1<<20) }), "malformed"},
		"no certificate":               {with(func(p *nodecfg.Peer) { p.Certificate = nil }), "certificate"},
		"garbage behind":               {with(func(p *nodecfg.Peer) { p.Certificate = append(p.Certificate, 0) }), "certificate"},
		"the authority's certificate":  {with(func(p *nodecfg.Peer) { p.Certificate = f.ca.Raw }), "certificate"},
		"a tampered certificate":       {with(func(p *nodecfg.Peer) { p.Certificate[len(p.Certificate)-1] ^= 1 }), "not of this fleet's authority"},
		"the controller's certificate": {f.peer("osa1", id, server), "not of this fleet's authority"},
		"signed by a node":             {nodecfg.Peer{Node: "osa1", Certificate: f.byNode(id), Identity: id.Bytes(), WireGuard: make([]byte, 32)}, "not of this fleet's authority"},
		"two names":                    {f.peer("osa1", id, func(c *x509.Certificate) { c.URIs = append(c.URIs, rpc.AgentURI("nag1")) }), "certificate is"},
		"no WireGuard key":             {with(func(p *nodecfg.Peer) { p.WireGuard = nil }), "no WireGuard key"},
		"long WireGuard key":           {with(func(p *nodecfg.Peer) { p.WireGuard = make([]byte, 33) }), "no WireGuard key"},
		"WireGuard key of zero":        {with(func(p *nodecfg.Peer) { p.WireGuard = make([]byte, 32) }), "no WireGuard key"},
	} {
		t.Run(name, func(t *testing.T) {
			good, refused := Verify(f.ca, []nodecfg.Peer{c.peer, f.peer("nag1", other)})
			if len(good) != 1 || good["nag1"].Identity == nil {
				t.Errorf("believed: %+v", good)
			}
			if len(refused) != 1 || refused[0].Object != "peer osa1" || !strings.Contains(refused[0].Error, c.reason) {
				t.Errorf("want %q, got %+v", c.reason, refused)
			}
		})
	}
	good, refused := Verify(nil, []nodecfg.Peer{f.peer("osa1", id)})
	if len(good) > 0 || len(refused) != 1 || !strings.Contains(refused[0].Error, "not enrolled") {
		t.Errorf("without an authority: %+v, %+v", good, refused)
	}
}

func server(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }

// byNode is good but for the signature, which is that of a node of the fleet.
func (f *fleet) byNode(id *hybrid.Public) []byte {
	node := &fleet{t: f.t, key: newKey(f.t)}
	template := &x509.Certificate{SerialNumber: big.NewInt(3), Subject: pkix.Name{CommonName: "nag1"}, NotBefore: f.ca.NotBefore, NotAfter: f.ca.NotAfter}
	node.ca = f.certificate(template, f.ca, &node.key.PublicKey)
	return node.peer("osa1", id).Certificate
}

func FuzzVerify(f *testing.F) {
	fleet := newFleet(f)
	p := fleet.peer("osa1", newIdentity(f))
	f.Add(p.Certificate, p.Identity, p.WireGuard)
	f.Add(fleet.ca.Raw, p.Identity[1:], []byte{})
	f.Fuzz(func(t *testing.T, certificate, identity, wireGuard []byte) {
		good, refused := Verify(fleet.ca, []nodecfg.Peer{{Node: "osa1", Certificate: certificate, Identity: identity, WireGuard: wireGuard}})
		if len(good)+len(refused) != 1 {
			t.Fatalf("%+v, %+v", good, refused)
		}
		if len(good) == 1 && (!bytes.Equal(certificate, p.Certificate) || !bytes.Equal(identity, p.Identity)) {
			t.Errorf("believed: %x, %x", certificate, identity)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	f := newFleet(b)
	peers := []nodecfg.Peer{f.peer("osa1", newIdentity(b))}
	for b.Loop() {
		if good, _ := Verify(f.ca, peers); len(good) != 1 {
			b.Fatal("refused")
		}
	}
}
