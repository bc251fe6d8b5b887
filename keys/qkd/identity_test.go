package qkd

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/url"
	"strings"
	"testing"
)

// TestNew: what would weaken the connection is an error.
func TestNew(t *testing.T) {
	good := newRawKME(t, nil).config
	for name, spoil := range map[string]func(*Config){
		"http":           func(c *Config) { c.URL = "http://kme" },
		"no host":        func(c *Config) { c.URL = "https://" },
		"path":           func(c *Config) { c.URL += "/api" },
		"password":       func(c *Config) { c.URL = "https://a:b@kme" },
		"no KME":         func(c *Config) { c.KME = "" },
		"no SAE":         func(c *Config) { c.SAE = "" },
		"dots":           func(c *Config) { c.SAE = ".." },
		"long":           func(c *Config) { c.SAE = strings.Repeat("x", 257) },
		"no TLS":         func(c *Config) { c.TLS = nil },
		"no certificate": func(c *Config) { c.TLS.Certificates = nil },
		"no authorities": func(c *Config) { c.TLS.RootCAs = nil },
		"unverified":     func(c *Config) { c.TLS.InsecureSkipVerify = true },
		"key log":        func(c *Config) { c.TLS.KeyLogWriter = io.Discard },
		"old TLS":        func(c *Config) { c.TLS.MaxVersion = tls.VersionTLS11 },
	} {
		c := good
		c.TLS = good.TLS.Clone()
		spoil(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	client, err := New(good)
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]Request{
		"too many":   {Number: MaxKeys + 1},
		"negative":   {Number: -1},
		"twice":      {Additional: []string{"b", "b"}},
		"no name":    {Additional: []string{""}},
		"not JSON":   {Mandatory: []Extension{{"x", func() {}}}},
		"many SAEs":  {Additional: make([]string, maxSAE+1)},
		"extensions": {Optional: make([]Extension, maxSAE+1)},
	} {
		if _, err := client.EncKeys(t.Context(), "bob", r); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for _, ids := range [][]ID{nil, make([]ID, MaxKeys+1)} {
		if _, err := client.DecKeys(t.Context(), "bob", ids); err == nil {
			t.Errorf("%d ids: accepted", len(ids))
		}
	}
	if n := len(client.Faults()); n != 0 {
		t.Errorf("%d faults counted, and nothing was sent", n)
	}
}

// TestOldTLS: below 1.2 there is no connection, whatever the KME wants.
func TestOldTLS(t *testing.T) {
	k := newRawKME(t, nil)
	conf, err := tlsConfig(&tls.Config{RootCAs: k.config.TLS.RootCAs, Certificates: k.config.TLS.Certificates, MinVersion: tls.VersionTLS10}, "127.0.0.1", kmeName)
	if err != nil || conf.MinVersion != tls.VersionTLS12 || conf.ServerName != "127.0.0.1" {
		t.Errorf("%v, %+v", err, conf)
	}
}

// TestOwnVerification: the caller's check comes on top.
func TestOwnVerification(t *testing.T) {
	k := newRawKME(t, func(int) ([]byte, bool) { return nil, false })
	k.config.TLS.VerifyConnection = func(tls.ConnectionState) error { return errors.New("not today") }
	_, err := k.client(t).Status(t.Context(), "bob")
	if err == nil || !strings.Contains(err.Error(), "not today") || len(k.requests) != 0 {
		t.Errorf("%v, %q", err, k.requests)
	}
}

// TestCarries: the KME ID may be in three places of a certificate, and nowhere
// else.
func TestCarries(t *testing.T) {
	uri, err := url.Parse("urn:kme:1")
	if err != nil {
		t.Fatal(err)
	}
	leaf := &x509.Certificate{DNSNames: []string{"kme.example"}, URIs: []*url.URL{uri}, EmailAddresses: []string{"mail"}}
	leaf.Subject.CommonName = "KME 1"
	leaf.Subject.Organization = []string{"organisation"}
	other := &x509.Certificate{DNSNames: []string{"issuer"}}
	for id, want := range map[string]bool{
		"KME 1": true, "kme.example": true, "urn:kme:1": true,
		"KME": false, "kme 1": false, "mail": false, "organisation": false, "issuer": false,
	} {
		if got := carries([]*x509.Certificate{leaf, other}, id) == nil; got != want {
			t.Errorf("%s: %v", id, got)
		}
	}
	if carries(nil, "x") == nil {
		t.Error("no certificate names a KME")
	}
}
