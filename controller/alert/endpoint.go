package alert

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/keiro-net/keiro/controller/api/resource"
)

// Kind is the language of an endpoint.
type Kind string

// The kinds of endpoint.
const (
	Webhook      Kind = "webhook"      // Standard Webhooks, Message as JSON
	Alertmanager Kind = "alertmanager" // URL of an Alertmanager; its v2 API is below it
	Receiver     Kind = "receiver"     // what Alertmanager sends to a webhook receiver, signed as Webhook
)

// Endpoint is where alerts are sent.
type Endpoint struct {
	Name        string // unique; appears in logs and metrics
	Kind        Kind
	URL         string        // may hold a secret, so it appears nowhere
	SecretsFile string        // see ReadSecrets; needed for Webhook
	CAFile      string        // PEM; "": the system's authorities
	Timeout     time.Duration // of one attempt; 0: 15 s
}

const defaultTimeout = 15 * time.Second

// newTarget reads the files of an endpoint and checks it.
func newTarget(e Endpoint, cfg Config) (*target, error) {
	u, err := url.Parse(e.URL)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return nil, errors.New("bad URL: want https://host/path") // the URL may hold a secret
	}
	t := &target{Endpoint: e, cfg: cfg, url: u.String(), wake: make(chan struct{}, 1)}
	switch e.Kind {
	case Webhook:
		if e.SecretsFile == "" {
			return nil, errors.New("a webhook needs a file of secrets to sign with")
		}
	case Alertmanager:
		t.url = u.JoinPath("api/v2/alerts").String()
	case Receiver:
	default:
		return nil, fmt.Errorf("unknown kind %q: want webhook, alertmanager or receiver", e.Kind)
	}
	if e.SecretsFile != "" {
		if t.secrets, err = ReadSecrets(e.SecretsFile); err != nil {
			return nil, err
		}
	}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxConnsPerHost: maxInFlight,
		IdleConnTimeout: 5 * time.Minute, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
	}
	if e.CAFile != "" {
		pem, err := os.ReadFile(e.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read its CA: %w", err)
		}
		transport.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !transport.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read its CA: %s holds no PEM certificate", e.CAFile)
		}
	}
	t.client = &http.Client{
		Transport: transport, Timeout: e.Timeout,
		// A redirect is a failure: the specification forbids to follow it.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if e.Timeout == 0 {
		t.client.Timeout = defaultTimeout
	}
	return t, nil
}

// body encodes a delivery in the language of the endpoint.
func (t *target) body(d Delivery, now time.Time) ([]byte, error) {
	switch t.Kind {
	case Alertmanager:
		return alertmanagerBody([]*resource.Alert{&d.Alert}, now)
	case Receiver:
		return receiverBody(d.Alert, t.Name)
	}
	return webhookBody(d.Alert)
}
