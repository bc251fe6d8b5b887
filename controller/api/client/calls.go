package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"time"

	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/pathspec/gate"
)

const v1 = "/api/v1/"

// Apply declares all objects of the documents, or none.
func (c *Client) Apply(ctx context.Context, a resource.Apply) (*resource.Applied, error) {
	query := url.Values{}
	if a.DryRun {
		query.Set("dryRun", "true")
	}
	if a.Confirm != 0 {
		query.Set("confirm", a.Confirm.String())
	}
	path := v1 + "apply"
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	r, err := c.upload(ctx, path, a.Documents)
	if err != nil {
		return nil, err
	}
	if a.IfGeneration != 0 {
		r.Header.Set("If-Match", etag(a.IfGeneration))
	}
	return decode[*resource.Applied](c, r)
}

// Diff says what Apply would change.
func (c *Client) Diff(ctx context.Context, documents []resource.Document) (*resource.Diff, error) {
	r, err := c.upload(ctx, v1+"diff", documents)
	if err != nil {
		return nil, err
	}
	return decode[*resource.Diff](c, r)
}

// Changes says what a change would do to each intent.
func (c *Client) Changes(ctx context.Context, q resource.Changes) (*gate.Plan, error) {
	query := url.Values{"remove": q.Remove, "drain": q.Drain, "undrain": q.Undrain}
	if q.Failures != "" {
		query.Set("failures", q.Failures)
	}
	if q.Reserve {
		query.Set("reserve", "true")
	}
	path := v1 + "changes?" + query.Encode()
	if len(q.Documents) == 0 {
		// A stream without a document: nothing is to be declared.
		r, err := c.request(ctx, http.MethodPost, path, "application/yaml", []byte("# none\n"))
		if err != nil {
			return nil, err
		}
		return decode[*gate.Plan](c, r)
	}
	r, err := c.upload(ctx, path, q.Documents)
	if err != nil {
		return nil, err
	}
	return decode[*gate.Plan](c, r)
}

// upload makes a form of the documents, so that errors name their files.
func (c *Client) upload(ctx context.Context, path string, documents []resource.Document) (*http.Request, error) {
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	for _, d := range documents {
		part, err := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {
			mime.FormatMediaType("form-data", map[string]string{"name": "file", "filename": d.Name}),
		}})
		if err == nil {
			_, err = part.Write(d.Data)
		}
		if err != nil {
			return nil, fmt.Errorf("send %s: %w", d.Name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("send the documents: %w", err)
	}
	return c.request(ctx, http.MethodPost, path, w.FormDataContentType(), form.Bytes())
}

func etag(generation uint64) string { return `"` + strconv.FormatUint(generation, 10) + `"` }

// Topology returns the topology document in force, as JSON or as YAML.
func (c *Client) Topology(ctx context.Context, asYAML bool) ([]byte, error) {
	return c.document(ctx, "topology", asYAML)
}

// Solution returns the answers to all intents.
func (c *Client) Solution(ctx context.Context) (*resource.Solution, error) {
	return call[*resource.Solution](ctx, c, http.MethodGet, v1+"solution", nil)
}

// Intents lists all intents.
func (c *Client) Intents(ctx context.Context) ([]resource.Intent, error) {
	return items[resource.Intent](ctx, c, "intents")
}

// Intent returns one intent.
func (c *Client) Intent(ctx context.Context, name string) (*resource.Intent, error) {
	return call[*resource.Intent](ctx, c, http.MethodGet, intentPath(name), nil)
}

// DeleteIntent takes an intent back, if its generation is the one given; 0:
// any.
func (c *Client) DeleteIntent(ctx context.Context, name string, ifGeneration uint64) (*resource.Applied, error) {
	return call[*resource.Applied](ctx, c, http.MethodDelete, intentPath(name), nil, match(ifGeneration)...)
}

// match is the header that demands a generation; 0: any.
func match(generation uint64) []string {
	if generation == 0 {
		return nil
	}
	return []string{"If-Match", etag(generation)}
}

// Pending is the change that is taken back unless it is confirmed.
func (c *Client) Pending(ctx context.Context) (*resource.Pending, error) {
	return call[*resource.Pending](ctx, c, http.MethodGet, v1+"pending", nil)
}

// Confirm keeps the change that awaits it, if it made the generation given; 0:
// any.
func (c *Client) Confirm(ctx context.Context, change uint64) (*resource.Applied, error) {
	return call[*resource.Applied](ctx, c, http.MethodPost, v1+"confirm", nil, match(change)...)
}

// Rollback takes it back.
func (c *Client) Rollback(ctx context.Context, change uint64) (*resource.Applied, error) {
	return call[*resource.Applied](ctx, c, http.MethodPost, v1+"rollback", nil, match(change)...)
}

// Explain says why an intent has its answer.
func (c *Client) Explain(ctx context.Context, intent string) (*resource.Explanation, error) {
	return call[*resource.Explanation](ctx, c, http.MethodGet, intentPath(intent)+"/explain", nil)
}

// Trace sends packets down every path of an intent.
func (c *Client) Trace(ctx context.Context, intent string) (*resource.Trace, error) {
	return call[*resource.Trace](ctx, c, http.MethodPost, intentPath(intent)+"/trace", nil)
}

// Rotate has the agents agree on new keys for the lanes of an intent. It does
// not wait for them.
func (c *Client) Rotate(ctx context.Context, intent string) (*resource.Rotation, error) {
	return call[*resource.Rotation](ctx, c, http.MethodPost, intentPath(intent)+"/rotate", nil)
}

// Rekey replaces, spread over within, all keys of a node's lanes, which are
// known to others.
func (c *Client) Rekey(ctx context.Context, node string, within time.Duration) (*resource.Rotation, error) {
	in := map[string]string{"within": within.String()}
	return call[*resource.Rotation](ctx, c, http.MethodPost, nodePath(node)+"/rekey", in)
}

// Revoke believes the agent of a node no more.
func (c *Client) Revoke(ctx context.Context, node string) (*resource.Revocation, error) {
	return call[*resource.Revocation](ctx, c, http.MethodPost, nodePath(node)+"/revoke", nil)
}

// Lanes lists the lanes of an intent, or those that end at a node; "" is any.
func (c *Client) Lanes(ctx context.Context, intent, node string) ([]resource.Lane, error) {
	query := url.Values{}
	for key, value := range map[string]string{"intent": intent, "node": node} {
		if value != "" {
			query.Set(key, value)
		}
	}
	return items[resource.Lane](ctx, c, "lanes?"+query.Encode())
}

// Keying lists what the nodes say of their keys.
func (c *Client) Keying(ctx context.Context) ([]resource.Keying, error) {
	return items[resource.Keying](ctx, c, "keying")
}

func nodePath(name string) string { return v1 + "nodes/" + url.PathEscape(name) }

func intentPath(name string) string { return v1 + "intents/" + url.PathEscape(name) }

// Nodes lists all nodes.
func (c *Client) Nodes(ctx context.Context) ([]resource.Node, error) {
	return items[resource.Node](ctx, c, "nodes")
}

// Links lists all links.
func (c *Client) Links(ctx context.Context) ([]resource.Link, error) {
	return items[resource.Link](ctx, c, "links")
}

// Drains lists what is taken out of use on purpose.
func (c *Client) Drains(ctx context.Context) ([]resource.Drain, error) {
	return items[resource.Drain](ctx, c, "drains")
}

// Drain takes a node, a link or an SRLG out of use.
func (c *Client) Drain(ctx context.Context, kind, name, reason string) (*resource.Drain, error) {
	in := map[string]string{"kind": kind, "name": name, "reason": reason}
	return call[*resource.Drain](ctx, c, http.MethodPost, v1+"drains", in)
}

// Undrain puts it back.
func (c *Client) Undrain(ctx context.Context, kind, name string) error {
	path := v1 + "drains/" + url.PathEscape(kind) + "/" + url.PathEscape(name)
	_, err := call[json.RawMessage](ctx, c, http.MethodDelete, path, nil)
	return err
}

// Events returns at most limit events after the one with that id, the oldest
// first; with 0 the newest.
func (c *Client) Events(ctx context.Context, after uint64, limit int) ([]resource.Event, error) {
	return c.History(ctx, resource.EventQuery{After: after, Limit: limit})
}

// History returns the events that a query picks.
func (c *Client) History(ctx context.Context, q resource.EventQuery) ([]resource.Event, error) {
	v := url.Values{"limit": {strconv.Itoa(q.Limit)}}
	if q.After > 0 {
		v.Set("after", strconv.FormatUint(q.After, 10))
	}
	for name, at := range map[string]time.Time{"since": q.Since, "until": q.Until} {
		if !at.IsZero() {
			v.Set(name, at.UTC().Format(time.RFC3339Nano))
		}
	}
	for name, is := range map[string]string{"intent": q.Intent, "object": q.Object} {
		if is != "" {
			v.Set(name, is)
		}
	}
	return items[resource.Event](ctx, c, "events?"+v.Encode())
}

// Compliance is what is remembered of the characteristics of all intents.
func (c *Client) Compliance(ctx context.Context) ([]resource.Compliance, error) {
	return items[resource.Compliance](ctx, c, "compliance")
}

// ComplianceOf is the same of one intent.
func (c *Client) ComplianceOf(ctx context.Context, intent string) (*resource.Compliance, error) {
	return call[*resource.Compliance](ctx, c, http.MethodGet, v1+"intents/"+url.PathEscape(intent)+"/compliance", nil)
}

// Alerts lists what an operator must know.
func (c *Client) Alerts(ctx context.Context) ([]resource.Alert, error) {
	return items[resource.Alert](ctx, c, "alerts")
}

// DeadAlerts lists the alerts that were given up, the longest dead first.
func (c *Client) DeadAlerts(ctx context.Context) ([]resource.DeadLetter, error) {
	return items[resource.DeadLetter](ctx, c, "alerts/dead")
}

// ReplayAlerts sends dead letters again and returns them; no ids: all.
func (c *Client) ReplayAlerts(ctx context.Context, ids []string) ([]resource.DeadLetter, error) {
	in := map[string]any{"ids": ids}
	if len(ids) == 0 {
		in = map[string]any{"all": true}
	}
	list, err := call[resource.List[resource.DeadLetter]](ctx, c, http.MethodPost, v1+"alerts/replay", in)
	return list.Items, err
}

// CreateToken lets the agent of a node enrol, once.
func (c *Client) CreateToken(ctx context.Context, node string, ttl time.Duration) (*resource.Token, error) {
	in := map[string]string{"node": node, "ttl": ttl.String()}
	return call[*resource.Token](ctx, c, http.MethodPost, v1+"tokens", in)
}

// Version says what the controller is.
func (c *Client) Version(ctx context.Context) (*resource.Version, error) {
	return call[*resource.Version](ctx, c, http.MethodGet, v1+"version", nil)
}

func items[T any](ctx context.Context, c *Client, path string) ([]T, error) {
	list, err := call[resource.List[T]](ctx, c, http.MethodGet, v1+path, nil)
	return list.Items, err
}

// Waive hands in waivers that an operator signed.
func (c *Client) Waive(ctx context.Context, document []byte) ([]resource.Waiver, error) {
	r, err := c.request(ctx, http.MethodPost, v1+"waivers", "application/yaml", document)
	if err != nil {
		return nil, err
	}
	list, err := decode[resource.List[resource.Waiver]](c, r)
	return list.Items, err
}

// Waivers lists what operators allowed to be lost.
func (c *Client) Waivers(ctx context.Context) ([]resource.Waiver, error) {
	return items[resource.Waiver](ctx, c, "waivers")
}

// Unwaive ends a waiver early.
func (c *Client) Unwaive(ctx context.Context, intent, characteristic string) error {
	path := v1 + "waivers/" + url.PathEscape(intent) + "/" + url.PathEscape(characteristic)
	_, err := call[json.RawMessage](ctx, c, http.MethodDelete, path, nil)
	return err
}
