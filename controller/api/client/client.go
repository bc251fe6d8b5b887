// Package client speaks to the controller's REST API in Go. The command line
// and the lab use it. It keeps no state but its connections, retries nothing
// but watches, and returns refusals as the *resource.Error that the
// controller meant.
package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/pathspec/gate"
)

// maxAnswer bounds an answer, in bytes.
const maxAnswer = 256 << 20

// Client calls one controller. Its methods may be called at the same time.
type Client struct {
	server string // without a slash at its end
	token  string
	http   *http.Client
}

// New returns a Client for what cfg says; it reads the files named there and
// connects to nothing yet.
func New(cfg Config) (*Client, error) {
	u, err := url.Parse(cfg.Server)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return nil, fmt.Errorf("bad server %q: want a URL such as https://127.0.0.1:7443", cfg.Server)
	}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, TLSHandshakeTimeout: 10 * time.Second,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS13},
	}
	if cfg.CA != "" {
		if transport.TLSClientConfig.RootCAs, err = readCA(cfg.CA); err != nil {
			return nil, err
		}
	}
	c := &Client{server: strings.TrimRight(cfg.Server, "/"), http: &http.Client{Transport: transport, CheckRedirect: noRedirect}}
	if c.token, err = readToken(cfg.TokenFile); err != nil {
		return nil, err
	}
	return c, nil
}

func readCA(file string) (*x509.CertPool, error) {
	pem, err := readSmall(file)
	if err != nil {
		return nil, fmt.Errorf("read the controller's CA: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read the controller's CA: %s holds no PEM certificate", file)
	}
	return pool, nil
}

// noRedirect keeps the token from going elsewhere.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// request makes a request; the body may be nil.
func (c *Client) request(ctx context.Context, method, path, contentType string, body []byte) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.server+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Authorization", "Bearer "+c.token)
	if body != nil {
		r.Header.Set("Content-Type", contentType)
	}
	return r, nil
}

// do sends r and returns the answer, if it is a good one.
func (c *Client) do(r *http.Request) (*http.Response, error) {
	resp, err := c.http.Do(r)
	if err != nil {
		var wrapped *url.Error // it would repeat the method and the URL
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return nil, fmt.Errorf("reach the controller at %s: %w", c.server, err)
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, refusal(resp)
}

// read sends r and returns the body and the header of the answer.
func (c *Client) read(r *http.Request) ([]byte, http.Header, error) {
	resp, err := c.do(r)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, nil, fmt.Errorf("read the controller's answer: %w", err)
	}
	return text, resp.Header, nil
}

// call sends a value as JSON and decodes the answer. in may be nil.
func call[Out any](ctx context.Context, c *Client, method, path string, in any, headers ...string) (Out, error) {
	var out Out
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return out, fmt.Errorf("encode the request: %w", err)
		}
	}
	r, err := c.request(ctx, method, path, "application/json", body)
	if err != nil {
		return out, fmt.Errorf("make the request: %w", err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return decode[Out](c, r)
}

func decode[Out any](c *Client, r *http.Request) (out Out, err error) {
	text, _, err := c.read(r)
	if err != nil || len(text) == 0 {
		return out, err
	}
	if err := json.Unmarshal(text, &out); err != nil {
		return out, fmt.Errorf("decode the controller's answer to %s %s: %w", r.Method, r.URL.Path, err)
	}
	return out, nil
}

// refusal reads an RFC 9457 problem. What is no problem, because something
// between us answered, is told by its status.
func refusal(resp *http.Response) error {
	var p struct {
		Detail   string
		Errors   []struct{ Location, Message string }
		Findings []gate.Finding
	}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 8<<20)) // half a problem is none
	if err := json.Unmarshal(text, &p); err != nil || p.Detail == "" {
		p.Detail = "the controller answered " + resp.Status
	}
	e := resource.Errorf(kindOf(resp.StatusCode), "%s", p.Detail)
	e.Findings = p.Findings
	for _, d := range p.Errors {
		e.Details = append(e.Details, resource.Detail{Where: d.Location, What: d.Message})
	}
	return e
}

func kindOf(status int) resource.ErrorKind {
	switch status {
	case http.StatusUnauthorized:
		return resource.Unauthenticated
	case http.StatusNotFound:
		return resource.NotFound
	case http.StatusConflict:
		return resource.Conflict
	case http.StatusPreconditionFailed:
		return resource.Stale
	case http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusGatewayTimeout:
		return resource.Unavailable
	}
	if status/100 == 4 {
		return resource.Invalid
	}
	return resource.Internal
}
