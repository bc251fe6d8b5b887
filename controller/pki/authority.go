// Package pki decides whom the controller believes: it is the fleet's
// certificate authority, makes and redeems enrolment tokens, and knows the
// operators' credentials. It opens no connection and never stores a token or
// a credential, only their hashes. controller/fleet asks it about agents, the
// API about operators.
package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg/rpc"
	"github.com/keiro-net/keiro/controller/store"
)

// Lifetimes. Clocks of machines that just booted are wrong by some minutes.
const (
	caLifetime     = 10 * 365 * 24 * time.Hour
	serverLifetime = 90 * 24 * time.Hour
	agentLifetime  = 90 * 24 * time.Hour
	skew           = 5 * time.Minute
)

// Refusal is the error for everything that is the asker's fault. Its text is
// for the asker and the log.
type Refusal string

func (r Refusal) Error() string { return string(r) }

// Options of an Authority.
type Options struct {
	Dir   string       // holds authority.pem; made with mode 0700
	Store *store.Store // tokens, agents, operators
	Names []string     // DNS names and addresses of this controller, for the API's clients
	Now   func() time.Time
}

// Authority is safe for use by several goroutines.
type Authority struct {
	store *store.Store
	names []string
	now   func() time.Time
	cert  *x509.Certificate
	key   *ecdsa.PrivateKey

	mu     sync.Mutex
	server *tls.Certificate // this controller's own, in memory only
}

// Open reads the authority of the directory, or makes a new one. Controllers
// that share a cluster share the file as well.
//
// The key is ECDSA P-256: browsers and older command line tools, which look
// at the API, do not take Ed25519.
func Open(o Options) (*Authority, error) {
	a := &Authority{store: o.Store, names: o.Names, now: o.Now}
	if a.now == nil {
		a.now = time.Now
	}
	file := filepath.Join(o.Dir, "authority.pem")
	err := a.read(file)
	if errors.Is(err, fs.ErrNotExist) {
		err = a.create(file)
	}
	if err != nil {
		return nil, fmt.Errorf("certificate authority %s: %w", file, err)
	}
	return a, nil
}

func (a *Authority) read(file string) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("others may read it (mode %04o): chmod 600, and replace it if they did", info.Mode().Perm())
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	pair, err := tls.X509KeyPair(text, text)
	if err != nil {
		return err
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok || !pair.Leaf.IsCA || pair.Leaf.KeyUsage&x509.KeyUsageCertSign == 0 {
		return errors.New("want an ECDSA key and a certificate that may sign certificates")
	}
	if a.now().After(pair.Leaf.NotAfter) {
		return fmt.Errorf("expired on %s", pair.Leaf.NotAfter.Format(time.DateOnly))
	}
	a.cert, a.key = pair.Leaf, key
	return nil
}

// create writes key and certificate as one file, so that there is never one
// without the other.
func (a *Authority) create(file string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{Organization: []string{"Keiro"}, CommonName: "Keiro fleet authority"},
		NotBefore:             a.now().Add(-skew),
		NotAfter:              a.now().Add(caLifetime),
		KeyUsage:              x509.KeyUsageCertSign,
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
	text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	if err := writeFile(file, text); err != nil {
		return err
	}
	return a.read(file)
}

// Certificate returns the authority's certificate.
func (a *Authority) Certificate() *x509.Certificate { return a.cert }

// PEM returns the authority's certificate for those who are to trust it.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// AgentTLS is for the listener that agents dial. A client without a
// certificate gets in, to enrol; one with somebody else's does not. Sessions
// are not resumed, so that every connection shows its certificate.
func (a *Authority) AgentTLS() *tls.Config {
	c := rpc.TLS()
	c.Time = a.now
	c.GetCertificate = a.serverCertificate
	c.ClientAuth = tls.VerifyClientCertIfGiven
	c.ClientCAs = x509.NewCertPool()
	c.ClientCAs.AddCert(a.cert)
	c.SessionTicketsDisabled = true
	return c
}

// APITLS is for the listener that operators' clients dial, some of which
// cannot yet do a hybrid key exchange.
func (a *Authority) APITLS() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13, Time: a.now, GetCertificate: a.serverCertificate}
}

// writeFile replaces the file at once, for its owner only.
func writeFile(name string, text []byte) error {
	dir := filepath.Dir(name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".new-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
