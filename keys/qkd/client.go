// Package qkd fetches keys of a QKD system from its key management entity
// (KME), as ETSI GS QKD 014 V1.1.1 says: status, enc_keys, dec_keys over HTTPS
// with mutual TLS. It believes nothing that a KME says: an answer is bounded,
// decoded strictly and checked against the question, and a key is handed out
// once. It never asks a second time by itself, since a KME deletes a key when
// it sends it; a question without an answer is a spent key (ErrSpent). It
// never prints a key and mixes none into anything. The agent's keying calls
// it; "clause" means a clause of the standard.
package qkd

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/keiro-net/keiro/keys/secret"
)

const (
	// Bits is the size of every key: what secret.Key holds. A KME whose
	// key_size is another is asked for this one.
	Bits = 8 * secret.Size
	// MaxKeys is how many keys one request may be for.
	MaxKeys = 128

	maxSAE         = 64  // additional slaves and extensions of one request
	maxName        = 256 // bytes of an SAE or KME id
	defaultTimeout = 5 * time.Second
)

// Config is a KME and who asks it.
type Config struct {
	URL     string        // https://HOST[:PORT] of the KME
	KME     string        // its KME ID, which its certificate must carry (clause 5.1)
	SAE     string        // our SAE ID, which our certificate carries
	TLS     *tls.Config   // our certificate and the authorities that vouch for the KME; both must be there
	Timeout time.Duration // of a request, connection included, beside the caller's context; 0: 5 s
	GET     bool          // use GET for what the clauses 6.2 and 6.4 call simple; else POST for all
}

// Client asks one KME. It may be used by several goroutines.
type Client struct {
	kme, sae string
	base     string
	timeout  time.Duration
	get      bool
	http     *http.Client
	seen     *seen
	faults   [faults]atomic.Uint64
}

// New makes a client and connects to nothing yet.
func New(c Config) (*Client, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || (u.Path != "" && u.Path != "/") {
		return nil, errors.New("qkd: bad URL of the KME: want https://host[:port]")
	}
	if err := errors.Join(checkName("KME", c.KME), checkName("SAE", c.SAE)); err != nil {
		return nil, err
	}
	conf, err := tlsConfig(c.TLS, u.Hostname(), c.KME)
	if err != nil {
		return nil, err
	}
	client := &Client{
		kme: c.KME, sae: c.SAE, base: "https://" + u.Host + "/api/v1/keys/",
		timeout: c.Timeout, get: c.GET, seen: newSeen(maxSeen),
	}
	if client.timeout == 0 {
		client.timeout = defaultTimeout
	}
	client.http = &http.Client{
		Transport: &http.Transport{
			TLSClientConfig: conf,
			// On a connection that was used before, net/http sends a GET
			// again when the other end closes it. That would be a second key.
			DisableKeepAlives:      true,
			DisableCompression:     true, // an answer is as long as it is
			MaxResponseHeaderBytes: maxHeader,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return client, nil
}

// checkName refuses ids that no URL can carry safely: servers take a dot
// segment out of a path even when it is escaped.
func checkName(what, id string) error {
	if id == "" || id == "." || id == ".." || len(id) > maxName || !utf8.ValidString(id) {
		return fmt.Errorf("qkd: bad %s ID %.40q: want UTF-8 of 1 to %d bytes, no dot segment", what, id, maxName)
	}
	return nil
}

// Key is a key and the name that both ends know it by.
type Key struct {
	ID     ID
	Secret secret.Key
}

// Extension is a vendor's parameter. Its name has the vendor's prefix, as in
// abc_max_age (clause 6.2).
type Extension struct {
	Name  string
	Value any // what encoding/json can write
}

// Request is what EncKeys asks for. The zero value asks for one key.
type Request struct {
	Number     int         // of keys, up to MaxKeys; 0: 1
	Additional []string    // further SAEs that may fetch the same keys
	Mandatory  []Extension // the KME obeys them or refuses
	Optional   []Extension // it may ignore them
}

func (r Request) check() error {
	if r.Number < 0 || r.Number > MaxKeys {
		return fmt.Errorf("qkd: %d keys in a request: want 1 to %d", r.Number, MaxKeys)
	}
	if len(r.Additional) > maxSAE || len(r.Mandatory) > maxSAE || len(r.Optional) > maxSAE {
		return fmt.Errorf("qkd: more than %d additional SAEs or extensions in a request", maxSAE)
	}
	for i, sae := range r.Additional {
		if err := checkName("SAE", sae); err != nil {
			return err
		}
		if slices.Contains(r.Additional[:i], sae) {
			return fmt.Errorf("qkd: additional SAE %q is given twice", sae)
		}
	}
	return nil
}

func (r Request) simple() bool {
	return len(r.Additional)+len(r.Mandatory)+len(r.Optional) == 0
}

// Status asks how many keys the KME has for us and a slave (clause 5.2).
func (c *Client) Status(ctx context.Context, slave string) (Status, error) {
	if err := checkName("SAE", slave); err != nil {
		return Status{}, err
	}
	body, err := c.call(ctx, question{op: opStatus, sae: slave})
	if err != nil {
		return Status{}, err
	}
	s, fault, why := decodeStatus(body)
	if why == "" {
		fault, why = Foreign, s.foreign(c.kme, c.sae, slave)
	}
	if why != "" {
		return Status{}, c.fail(&Error{Op: opStatus, Fault: fault, reason: why})
	}
	return s, nil
}

// EncKeys asks for new keys that the slave can then fetch with DecKeys at its
// own KME (clause 5.3). With ErrSpent, keys were lost: ask for others.
func (c *Client) EncKeys(ctx context.Context, slave string, r Request) ([]Key, error) {
	if err := errors.Join(checkName("SAE", slave), r.check()); err != nil {
		return nil, err
	}
	number := max(r.Number, 1)
	q := question{op: opEnc, sae: slave}
	if c.get && r.simple() {
		q.query = url.Values{"number": {strconv.Itoa(number)}, "size": {strconv.Itoa(Bits)}}
	} else {
		var err error
		if q.body, err = json.Marshal(keyRequest{number, Bits, r.Additional, list(r.Mandatory), list(r.Optional)}); err != nil {
			return nil, fmt.Errorf("qkd: encode the extensions: %w", err)
		}
	}
	keys, err := c.fetch(ctx, q, number)
	if err != nil {
		return nil, err
	}
	if why := c.seen.add(keys); why != "" {
		erase(keys)
		return nil, c.fail(&Error{Op: q.op, Fault: Repeated, Spent: true, reason: why})
	}
	return keys, nil
}

// DecKeys fetches the keys that a master got from EncKeys and named to us, in
// the order of the ids (clause 5.4). An id that was asked for or handed out
// before is refused without asking. With ErrSpent the ids are gone; with any
// other error they may be asked for again.
func (c *Client) DecKeys(ctx context.Context, master string, ids []ID) ([]Key, error) {
	if err := checkName("SAE", master); err != nil {
		return nil, err
	}
	if len(ids) < 1 || len(ids) > MaxKeys {
		return nil, fmt.Errorf("qkd: %d key ids in a request: want 1 to %d", len(ids), MaxKeys)
	}
	q := question{op: opDec, sae: master}
	if c.get && len(ids) == 1 {
		q.query = url.Values{"key_ID": {ids[0].String()}}
	} else {
		var err error
		if q.body, err = json.Marshal(keyIDs(ids)); err != nil {
			return nil, fmt.Errorf("qkd: encode the key ids: %w", err)
		}
	}
	if why := c.seen.reserve(ids); why != "" {
		return nil, c.fail(&Error{Op: q.op, Fault: Repeated, Spent: true, reason: why})
	}
	keys, err := c.fetch(ctx, q, len(ids))
	if err != nil {
		if !errors.Is(err, ErrSpent) {
			c.seen.release(ids)
		}
		return nil, err
	}
	fault, why := Foreign, inOrder(keys, ids)
	if why == "" {
		fault, why = Repeated, c.seen.addSecrets(keys)
	}
	if why != "" {
		erase(keys)
		return nil, c.fail(&Error{Op: q.op, Fault: fault, Spent: true, reason: why})
	}
	return keys, nil
}

// fetch asks for so many keys and checks each by itself.
func (c *Client) fetch(ctx context.Context, q question, number int) ([]Key, error) {
	body, err := c.call(ctx, q)
	if err != nil {
		return nil, err
	}
	defer clear(body)
	keys, fault, why := decodeContainer(body, number)
	if why != "" {
		return nil, c.fail(&Error{Op: q.op, Fault: fault, Spent: true, reason: why})
	}
	return keys, nil
}

// inOrder sorts the keys as the ids are, and says why that fails.
func inOrder(keys []Key, ids []ID) string {
	for i, id := range ids {
		at := slices.IndexFunc(keys[i:], func(k Key) bool { return k.ID == id })
		if at < 0 {
			return fmt.Sprintf("the key %v is not in the answer, another is", id)
		}
		keys[i], keys[i+at] = keys[i+at], keys[i]
	}
	return ""
}

func erase(keys []Key) {
	for _, k := range keys {
		k.Secret.Zero()
	}
}

// Faults counts the failed requests by what was wrong, since New.
func (c *Client) Faults() map[Fault]uint64 {
	out := make(map[Fault]uint64)
	for f := range c.faults {
		if n := c.faults[f].Load(); n > 0 {
			out[Fault(f)] = n
		}
	}
	return out
}

func (c *Client) fail(e *Error) error {
	e.KME = c.kme
	c.faults[e.Fault].Add(1)
	return e
}
