package kme

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	maxRequest = 64 << 10 // bytes of a body
	prefix     = "/api/v1/keys/"
	idle       = 30 * time.Second
)

// Wire formats (clause 6).

type status struct {
	SourceKME     string `json:"source_KME_ID"`
	TargetKME     string `json:"target_KME_ID"`
	Master        string `json:"master_SAE_ID"`
	Slave         string `json:"slave_SAE_ID"`
	KeySize       int    `json:"key_size"`
	Stored        int64  `json:"stored_key_count"`
	Capacity      int64  `json:"max_key_count"`
	MaxPerRequest int    `json:"max_key_per_request"`
	MaxKeySize    int    `json:"max_key_size"`
	MinKeySize    int    `json:"min_key_size"`
	MaxAdditional int    `json:"max_SAE_ID_count"`
}

type keyRequest struct {
	Number     *int                         `json:"number"`
	Size       *int                         `json:"size"`
	Additional []string                     `json:"additional_slave_SAE_IDs"`
	Mandatory  []map[string]json.RawMessage `json:"extension_mandatory"`
	Optional   []map[string]json.RawMessage `json:"extension_optional"`
}

type keyIDs struct {
	IDs []struct {
		ID        string         `json:"key_ID"`
		Extension map[string]any `json:"key_ID_extension"`
	} `json:"key_IDs"`
	Extension map[string]any `json:"key_IDs_extension"`
}

type container struct {
	Keys []wireKey `json:"keys"`
}

type wireKey struct {
	ID  string `json:"key_ID"`
	Key []byte `json:"key"` // as Base64
}

type wireError struct {
	Message string              `json:"message"`
	Details []map[string]string `json:"details,omitempty"`
}

// Serve answers for one KME on a listener until ctx ends. It takes TLS 1.2 and
// 1.3, demands a certificate of the authorities and knows an SAE by the common
// name of that.
func (n *Network) Serve(ctx context.Context, kme string, l net.Listener, identity *Identity) error {
	at := n.find(kme)
	if at < 0 {
		return errors.New("kme: no KME " + strconv.Quote(kme))
	}
	server := &http.Server{
		Handler:           handler{n, at},
		TLSConfig:         identity.server(),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: idle, ReadTimeout: idle, IdleTimeout: idle, MaxHeaderBytes: maxRequest,
		ErrorLog: log.New(io.Discard, "", 0), // a refused handshake is told to the client
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(tls.NewListener(l, server.TLSConfig)); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// handler is the API of one KME. It answers 200, 400, 401 and 503 only.
type handler struct {
	network *Network
	at      int
}

func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	sae := r.TLS.PeerCertificates[0].Subject.CommonName
	other, method, ok := target(r.URL)
	if !ok {
		h.refuse(w, bad("no such method"))
		return
	}
	var answer any
	var refused *refusal
	switch method {
	case "status":
		if r.Method != http.MethodGet {
			refused = bad("status takes GET only")
			break
		}
		answer, refused = h.network.status(h.at, sae, other)
	case "enc_keys":
		var request keyRequest
		if request, refused = parseRequest(r); refused == nil {
			answer, refused = h.keys(h.network.enc(h.at, sae, other, request))
		}
	case "dec_keys":
		var ids []string
		if ids, refused = parseIDs(r); refused == nil {
			answer, refused = h.keys(h.network.dec(h.at, sae, other, ids))
		}
	}
	if refused != nil {
		h.refuse(w, refused)
		return
	}
	body, _ := json.Marshal(answer) // strings, numbers, bytes
	if method != "status" {
		body = h.misbehave(r, body)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(body)
}

// keys is an answer of keys as it is sent.
func (h handler) keys(keys []Key, refused *refusal) (any, *refusal) {
	var c container
	for _, k := range keys {
		c.Keys = append(c.Keys, wireKey{k.ID, k.Value})
	}
	return c, refused
}

// misbehave does what is told after the keys are deleted.
func (h handler) misbehave(r *http.Request, body []byte) []byte {
	h.network.mu.Lock()
	at := h.network.nodes[h.at]
	hang, end := at.behaviour[Hang], at.behaviour[Break]
	body = at.body(body)
	h.network.mu.Unlock()
	if hang {
		<-r.Context().Done() // the client has gone, or Serve ends
	}
	if hang || end {
		panic(http.ErrAbortHandler)
	}
	return body
}

func (h handler) refuse(w http.ResponseWriter, r *refusal) {
	h.network.mu.Lock()
	other := h.network.nodes[h.at].behaviour[OtherStatus]
	h.network.mu.Unlock()
	switch {
	case r.status == http.StatusUnauthorized: // without a body
		w.WriteHeader(r.status)
		return
	case r.status == http.StatusBadRequest && other:
		r = &refusal{http.StatusTeapot, r.message, r.details}
	}
	body, _ := json.Marshal(wireError{r.message, r.details}) // strings
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(r.status)
	w.Write(body)
}

// target reads {SAE ID}/{method} from a path. The ID may hold an escaped
// slash, so the path is split as it was sent.
func target(u *url.URL) (sae, method string, ok bool) {
	rest, ok := strings.CutPrefix(u.EscapedPath(), prefix)
	escaped, method, found := strings.Cut(rest, "/")
	sae, err := url.PathUnescape(escaped)
	known := method == "status" || method == "enc_keys" || method == "dec_keys"
	return sae, method, ok && found && err == nil && sae != "" && known
}

var badFormat = bad("bad request format")

// parseRequest reads a Key request from a body, or from the parameters of GET.
func parseRequest(r *http.Request) (out keyRequest, _ *refusal) {
	if r.Method == http.MethodPost {
		return out, parseBody(r, &out)
	}
	query, refused := parameters(r, "number", "size")
	for name, value := range query {
		n, err := strconv.Atoi(value)
		if err != nil {
			return out, badFormat
		}
		if name == "number" {
			out.Number = &n
		} else {
			out.Size = &n
		}
	}
	return out, refused
}

// parseIDs reads Key IDs from a body, or one from the parameter of GET.
func parseIDs(r *http.Request) (ids []string, _ *refusal) {
	if r.Method == http.MethodPost {
		var body keyIDs
		refused := parseBody(r, &body)
		for _, id := range body.IDs {
			ids = append(ids, strings.ToLower(id.ID))
		}
		return ids, refused
	}
	query, refused := parameters(r, "key_ID")
	if refused == nil && query["key_ID"] == "" {
		refused = badFormat
	}
	return []string{strings.ToLower(query["key_ID"])}, refused
}

// parameters reads a query in which each name is known and there once.
func parameters(r *http.Request, known ...string) (map[string]string, *refusal) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || r.Method != http.MethodGet || r.ContentLength != 0 {
		return nil, badFormat
	}
	out := map[string]string{}
	for name, values := range query {
		if !slices.Contains(known, name) || len(values) != 1 {
			return nil, badFormat
		}
		out[name] = values[0]
	}
	return out, nil
}

func parseBody(r *http.Request, into any) *refusal {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest+1))
	if err != nil || len(body) > maxRequest || r.URL.RawQuery != "" {
		return badFormat
	}
	if len(body) == 0 {
		return nil // "may be empty" (clause 6.2)
	}
	if kind != "application/json" {
		return badFormat
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if d.Decode(into) != nil {
		return badFormat
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return badFormat
	}
	return nil
}
