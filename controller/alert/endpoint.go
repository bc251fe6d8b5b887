package alert

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/keiro-net/keiro/controller/alert/egress"
	"github.com/keiro-net/keiro/controller/alert/webhook"
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
	URL         string         // may hold a secret, so it appears nowhere
	SecretsFile string         // whsec_ and whsk_ keys: webhook.ReadKeys
	KeyFiles    []string       // private keys of package keys/sign; a Webhook needs one of these or SecretsFile
	CAFile      string         // PEM; "": the system's authorities
	Timeout     time.Duration  // of one attempt; 0: 15 s
	Allow       []netip.Prefix // where its requests may go beside public addresses: egress.Policy
	// Proxy is the URL of an HTTP proxy that the requests go through; "": none.
	// The environment is not asked: a proxy would dial what egress refuses.
	Proxy string
}

const (
	defaultTimeout    = 15 * time.Second
	maxHybrid         = 2 // keys of an endpoint: each adds 4.5 kB to the header, and servers take 8 to 16
	maxResponseHeader = 64 << 10
)

// newTarget reads the files of an endpoint and checks it.
func newTarget(e Endpoint, cfg Config) (*target, error) {
	u, err := httpURL(e.URL)
	if err != nil {
		return nil, fmt.Errorf("bad URL: %w", err)
	}
	t := &target{Endpoint: e, cfg: cfg, url: u.String(), wake: make(chan struct{}, 1), grave: make(chan struct{}, 1)}
	switch e.Kind {
	case Webhook:
		if e.SecretsFile == "" && len(e.KeyFiles) == 0 {
			return nil, errors.New("a webhook needs keys to sign with: a file of secrets, or signing keys")
		}
	case Alertmanager:
		t.url = u.JoinPath("api/v2/alerts").String()
	case Receiver:
	default:
		return nil, fmt.Errorf("unknown kind %q: want webhook, alertmanager or receiver", e.Kind)
	}
	if t.keys, err = readKeys(e); err != nil {
		return nil, err
	}
	policy := egress.Policy{Allow: e.Allow, Own: cfg.Own}
	if err := literal(u, policy); err != nil { // a name is checked when it is dialed
		return nil, err
	}
	transport, err := newTransport(e, policy)
	if err != nil {
		return nil, err
	}
	t.client = &http.Client{
		Transport: transport, Timeout: e.Timeout,
		// A redirect is a failure: the specification forbids to follow it, and
		// it would lead where the receiver likes.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if e.Timeout == 0 {
		t.client.Timeout = defaultTimeout
	}
	return t, nil
}

// httpURL reads a URL. No error repeats it: it may hold a secret.
func httpURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return nil, errors.New("want https://host/path")
	}
	return u, nil
}

// literal checks a URL that holds an address instead of a name.
func literal(u *url.URL, policy egress.Policy) error {
	port := uint64(443)
	if u.Scheme == "http" {
		port = 80
	}
	if text := u.Port(); text != "" {
		var err error
		if port, err = strconv.ParseUint(text, 10, 16); err != nil {
			return errors.New("bad URL: want a port up to 65535")
		}
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil {
		return policy.Check(netip.AddrPortFrom(a, uint16(port)))
	}
	return nil
}

func readKeys(e Endpoint) ([]webhook.Key, error) {
	var keys []webhook.Key
	files := e.KeyFiles
	if e.SecretsFile != "" {
		files = append([]string{e.SecretsFile}, files...)
	}
	hybrid := 0
	for _, file := range files {
		more, err := webhook.ReadKeys(file)
		if err != nil {
			return nil, err
		}
		for _, k := range more {
			if k.Scheme() == webhook.Hybrid {
				hybrid++
			}
		}
		keys = append(keys, more...)
	}
	if hybrid > maxHybrid {
		return nil, fmt.Errorf("%d hybrid keys: at most %d sign, or servers refuse the header", hybrid, maxHybrid)
	}
	return keys, nil
}

func newTransport(e Endpoint, policy egress.Policy) (*http.Transport, error) {
	dialer := &net.Dialer{Timeout: defaultTimeout, KeepAlive: 30 * time.Second, Control: policy.Control}
	transport := &http.Transport{
		DialContext: dialer.DialContext, ForceAttemptHTTP2: true, MaxConnsPerHost: maxInFlight,
		IdleConnTimeout: 5 * time.Minute, MaxResponseHeaderBytes: maxResponseHeader,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
	}
	if e.Proxy != "" {
		proxy, err := httpURL(e.Proxy)
		if err != nil {
			return nil, fmt.Errorf("bad proxy: %w", err)
		}
		if err := literal(proxy, policy); err != nil {
			return nil, fmt.Errorf("its proxy: %w", err)
		}
		transport.Proxy = http.ProxyURL(proxy)
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
	return transport, nil
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
