package session

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/keiro-net/keiro/agent/internal/durable"
	"github.com/keiro-net/keiro/agent/nodecfg/rpc"
	"github.com/keiro-net/keiro/keys/hybrid"
)

// The state directory: identity.pem holds the key, the certificate and the
// authority's; enrolling.pem the key of an enrolment whose answer did not come
// yet; enrolled-with the ID of the token that was redeemed; lane-keys.pem what
// the peers know the agent by (keys.go).
const (
	identityFile  = "identity.pem"
	enrollingFile = "enrolling.pem"
	tokenFile     = "enrolled-with"
)

type state struct {
	dir      string
	keys     Keys
	identity identity // zero: not enrolled
	token    string   // ID of the token that gave it
}

// identity is who the agent is to the controller, and whom it believes. Who it
// is to its peers is in Keys, which its certificate binds.
type identity struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	ca   *x509.Certificate
}

func openState(dir string) (state, error) {
	s := state{dir: dir}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return s, fmt.Errorf("state directory: %w", err)
	}
	var err error
	if s.keys, err = openKeys(s.path(keysFile)); err != nil {
		return s, err
	}
	text, err := readSecret(s.path(identityFile))
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		s.identity, err = parseIdentity(text)
	}
	if err != nil {
		return s, fmt.Errorf("%w (without this file, the node has to enrol again)", err)
	}
	token, err := os.ReadFile(s.path(tokenFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s, err
	}
	s.token = strings.TrimSpace(string(token))
	return s, nil
}

func (s *state) path(file string) string { return filepath.Join(s.dir, file) }

// enrollingKey returns the key to enrol with, the same after a crash: only
// with the same key is a token answered twice.
func (s *state) enrollingKey() (*ecdsa.PrivateKey, error) {
	text, err := readSecret(s.path(enrollingFile))
	if err == nil {
		if block, _ := pem.Decode(text); block != nil {
			if key, err := parseKey(block.Bytes); err == nil {
				return key, nil
			}
		}
		err = fs.ErrNotExist // of no use: make another
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	text, err = encodeKey(key)
	if err != nil {
		return nil, err
	}
	return key, durable.Write(s.path(enrollingFile), text)
}

// enrolled keeps the identity that the token gave. A crash on the way leads
// to the same enrolment again.
func (s *state) enrolled(id identity, token string) error {
	if err := s.renewed(id); err != nil {
		return err
	}
	if err := durable.Write(s.path(tokenFile), []byte(token+"\n")); err != nil {
		return err
	}
	s.token = token
	return os.Remove(s.path(enrollingFile))
}

func (s *state) renewed(id identity) error {
	text, err := encodeKey(id.key)
	if err != nil {
		return err
	}
	for _, cert := range []*x509.Certificate{id.cert, id.ca} {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})...)
	}
	if err := durable.Write(s.path(identityFile), text); err != nil {
		return err
	}
	s.identity = id
	return nil
}

func encodeKey(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

func parseKey(der []byte) (*ecdsa.PrivateKey, error) {
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	if key, ok := key.(*ecdsa.PrivateKey); ok {
		return key, nil
	}
	return nil, errors.New("not an ECDSA key")
}

func parseIdentity(text []byte) (identity, error) {
	var id identity
	var blocks [][]byte
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		blocks = append(blocks, block.Bytes)
	}
	if len(blocks) != 3 {
		return id, fmt.Errorf("%s: want a key and two certificates", identityFile)
	}
	var errs [3]error
	id.key, errs[0] = parseKey(blocks[0])
	id.cert, errs[1] = x509.ParseCertificate(blocks[1])
	id.ca, errs[2] = x509.ParseCertificate(blocks[2])
	if err := errors.Join(errs[:]...); err != nil {
		return identity{}, fmt.Errorf("%s: %w", identityFile, err)
	}
	return id, nil
}

// check verifies that the identity is the node's and the authority's. Times
// are not its business.
func (id identity) check(node string) error {
	roots := x509.NewCertPool()
	roots.AddCert(id.ca)
	_, err := id.cert.Verify(x509.VerifyOptions{
		Roots: roots, CurrentTime: id.cert.NotBefore, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return err
	}
	if name, err := rpc.Node(id.cert); err != nil || name != node {
		return fmt.Errorf("certificate is %q's, not %q's", name, node)
	}
	if !id.key.PublicKey.Equal(id.cert.PublicKey) {
		return errors.New("certificate is for another key")
	}
	return nil
}

// bound says whether the certificate tells the peers who we are. One from
// before there were identities does not.
func (s *state) bound() error {
	return hybrid.CheckBinding(s.identity.cert, s.keys.Identity.Public())
}

// renewIn is the time until half of the certificate's life is over. It is
// never short, so that a wrong clock does not make the agent renew for ever.
func (id identity) renewIn() time.Duration {
	life := id.cert.NotAfter.Sub(id.cert.NotBefore)
	return max(time.Until(id.cert.NotBefore.Add(life/2)), renewAgain)
}

func (id identity) pin() [sha256.Size]byte { return sha256.Sum256(id.ca.Raw) }

// tls is for a connection that shows the certificate.
func (id identity) tls() *tls.Config {
	c := rpc.TLS()
	c.RootCAs = x509.NewCertPool()
	c.RootCAs.AddCert(id.ca)
	c.Certificates = []tls.Certificate{{
		Certificate: [][]byte{id.cert.Raw}, PrivateKey: id.key, Leaf: id.cert,
	}}
	return c
}

func readSecret(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s: others may read it (mode %04o): chmod 600, and enrol again if they did", file, info.Mode().Perm())
	}
	return os.ReadFile(file)
}
