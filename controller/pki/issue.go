package pki

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg/rpc"
	"github.com/keiro-net/keiro/keys/hybrid"
)

// serverCertificate returns this controller's certificate, a new one when
// half of its life is over. Its key is never written down.
func (a *Authority) serverCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.server != nil && a.now().Before(a.server.Leaf.NotAfter.Add(-serverLifetime/2)) {
		return a.server, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := a.template(rpc.ServerName, serverLifetime, x509.ExtKeyUsageServerAuth)
	template.DNSNames = []string{rpc.ServerName}
	for _, name := range a.names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		return nil, fmt.Errorf("certificate for %q: %w", a.names, err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	// The authority's certificate is sent along: an agent that enrols knows
	// only its hash.
	a.server = &tls.Certificate{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: key, Leaf: leaf}
	return a.server, nil
}

func (a *Authority) template(name string, life time.Duration, usage x509.ExtKeyUsage) *x509.Certificate {
	end := a.now().Add(life)
	if end.After(a.cert.NotAfter) {
		end = a.cert.NotAfter
	}
	return &x509.Certificate{
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             a.now().Add(-skew),
		NotAfter:              end,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{usage},
		BasicConstraintsValid: true,
	}
}

// sign issues an agent's certificate, which binds its identity. From the
// request it takes nothing but the two; the name is what the caller has proof
// of.
func (a *Authority) sign(node string, r *request) (der []byte, err error) {
	binding, err := hybrid.Bind(r.identity.Fingerprint())
	if err != nil {
		return nil, err
	}
	template := a.template(node, agentLifetime, x509.ExtKeyUsageClientAuth)
	template.URIs = []*url.URL{rpc.AgentURI(node)}
	template.ExtraExtensions = []pkix.Extension{binding}
	if der, err = x509.CreateCertificate(rand.Reader, template, a.cert, r.key, a.key); err != nil {
		return nil, fmt.Errorf("certificate for node %s: %w", node, err)
	}
	return der, nil
}

const (
	maxCSR       = 4 << 10 // bytes; ours have about 250
	wireGuardKey = 32      // bytes, RFC 7748
)

// request is what an agent asks a certificate for, and has proven to hold.
type request struct {
	key       crypto.PublicKey
	print     string // fingerprint of the key
	identity  *hybrid.Public
	wireGuard []byte // not proven: nodecfg.Peer says why
}

// requested reads what is asked for in the name of the node.
func requested(node string, in *rpc.EnrolRequest) (*request, error) {
	csr, err := requestedKey(in.CSR)
	if err != nil {
		return nil, err
	}
	identity, err := hybrid.ParsePublic(in.Identity)
	if err != nil {
		return nil, Refusal(fmt.Sprintf("no hybrid identity of %d bytes was sent: is the agent older than the controller?", hybrid.PublicSize))
	}
	if err := identity.CheckClaim(node, csr.RawSubjectPublicKeyInfo, in.Claim); err != nil {
		return nil, Refusal("the identity is not proven: " + err.Error())
	}
	if len(in.WireGuard) != wireGuardKey || [wireGuardKey]byte(in.WireGuard) == [wireGuardKey]byte{} {
		return nil, Refusal("no WireGuard key")
	}
	return &request{
		key: csr.PublicKey, print: fingerprint256(csr.RawSubjectPublicKeyInfo),
		identity: identity, wireGuard: bytes.Clone(in.WireGuard),
	}, nil
}

// requestedKey returns a certificate request (PKCS #10, RFC 2986) whose sender
// has proven to hold its key, which is of a kind that we sign.
func requestedKey(csr []byte) (*x509.CertificateRequest, error) {
	if len(csr) > maxCSR {
		return nil, Refusal(fmt.Sprintf("certificate request of %d bytes, want at most %d", len(csr), maxCSR))
	}
	r, err := x509.ParseCertificateRequest(csr)
	if err != nil {
		return nil, Refusal("malformed certificate request")
	}
	switch k := r.PublicKey.(type) {
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() {
			return nil, Refusal("certificate request: want a P-256 or Ed25519 key")
		}
	case ed25519.PublicKey:
	default:
		return nil, Refusal("certificate request: want a P-256 or Ed25519 key")
	}
	if err := r.CheckSignature(); err != nil {
		return nil, Refusal("certificate request: its signature is wrong")
	}
	return r, nil
}

func fingerprint256(subjectPublicKeyInfo []byte) string {
	sum := sha256.Sum256(subjectPublicKeyInfo)
	return hex.EncodeToString(sum[:])
}
