package qkd

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
)

// tlsConfig takes the caller's certificate and authorities and adds what must
// hold with every KME. What would weaken that is an error, not overruled in
// silence.
func tlsConfig(given *tls.Config, host, kme string) (*tls.Config, error) {
	switch {
	case given == nil || len(given.Certificates) == 0 && given.GetClientCertificate == nil:
		return nil, errors.New("qkd: no client certificate: a KME knows an SAE by it")
	case given.RootCAs == nil:
		return nil, errors.New("qkd: no authorities for the KME: those of the web vouch for none")
	case given.InsecureSkipVerify:
		return nil, errors.New("qkd: InsecureSkipVerify is set: the KME's certificate must be verified")
	case given.KeyLogWriter != nil:
		return nil, errors.New("qkd: KeyLogWriter is set: it would give away every key")
	case given.MaxVersion != 0 && given.MaxVersion < tls.VersionTLS12:
		return nil, errors.New("qkd: MaxVersion is below TLS 1.2")
	}
	conf := given.Clone()
	conf.MinVersion = max(given.MinVersion, tls.VersionTLS12)
	if conf.ServerName == "" {
		conf.ServerName = host
	}
	conf.Renegotiation = tls.RenegotiateNever
	conf.VerifyConnection = func(state tls.ConnectionState) error {
		if err := carries(state.PeerCertificates, kme); err != nil {
			return err
		}
		if given.VerifyConnection != nil {
			return given.VerifyConnection(state)
		}
		return nil
	}
	return conf, nil
}

// errIdentity is a certificate, otherwise good, of another KME.
type errIdentity struct{ kme string }

func (e errIdentity) Error() string {
	return fmt.Sprintf("the certificate names no KME %.60q", e.kme)
}

// carries looks for the KME ID in the certificate. The standard does not say
// where it is, so it may be the common name, a DNS name or a URI.
func carries(chain []*x509.Certificate, kme string) error {
	if len(chain) > 0 {
		leaf := chain[0]
		if leaf.Subject.CommonName == kme || slices.Contains(leaf.DNSNames, kme) {
			return nil
		}
		for _, u := range leaf.URIs {
			if u.String() == kme {
				return nil
			}
		}
	}
	return errIdentity{kme}
}
