package kme

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// Authority issues the certificates of a lab: for KMEs and for SAEs. It lives
// in memory and so do its keys.
type Authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// Identity is the certificate of a KME or an SAE and the authority it trusts.
type Identity struct {
	Certificate tls.Certificate
	Authorities *x509.CertPool
	authority   *x509.Certificate
}

const lifetime = 10 * 365 * 24 * time.Hour

// NewAuthority makes an authority that is good from an hour before now.
func NewAuthority(now time.Time) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("kme: make the authority's key: %w", err)
	}
	template := template("lab of QKD", now.Add(-time.Hour))
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	cert, err := sign(template, template, key, key)
	if err != nil {
		return nil, err
	}
	return &Authority{cert, key}, nil
}

// Issue makes the certificate of a KME, with the hosts (names or addresses)
// that it is reached by, or of an SAE, without. The ID is the common name.
func (a *Authority) Issue(id string, hosts ...string) (*Identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("kme: make the key of %s: %w", id, err)
	}
	template := template(id, a.cert.NotBefore)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if len(hosts) > 0 {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	cert, err := sign(template, a.cert, key, a.key)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return &Identity{tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}, pool, a.cert}, nil
}

func template(name string, from time.Time) *x509.Certificate {
	var serial [16]byte
	_, _ = rand.Read(serial[:]) // never fails
	serial[0] &= 0x7f           // a serial is positive
	return &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, SerialNumber: new(big.Int).SetBytes(serial[:]),
		NotBefore: from, NotAfter: from.Add(lifetime),
	}
}

func sign(template, parent *x509.Certificate, key, by *ecdsa.PrivateKey) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), by)
	if err != nil {
		return nil, fmt.Errorf("kme: sign the certificate of %s: %w", template.Subject.CommonName, err)
	}
	return x509.ParseCertificate(der)
}

// PEM is the identity as files have it: the certificate, its key (PKCS #8) and
// the authority.
func (i *Identity) PEM() (cert, key, authority []byte, err error) {
	der, err := x509.MarshalPKCS8PrivateKey(i.Certificate.PrivateKey)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("kme: write the key: %w", err)
	}
	block := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	return block("CERTIFICATE", i.Certificate.Leaf.Raw), block("PRIVATE KEY", der), block("CERTIFICATE", i.authority.Raw), nil
}

// Client is the TLS configuration of an SAE.
func (i *Identity) Client() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{i.Certificate}, RootCAs: i.Authorities}
}

func (i *Identity) server() *tls.Config {
	return &tls.Config{
		Certificates: []tls.Certificate{i.Certificate}, ClientCAs: i.Authorities,
		ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1"},
	}
}
