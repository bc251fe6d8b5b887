package api_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/controller/api"
	"github.com/keiro-net/keiro/controller/api/apitest"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/internal/plays"
)

const stream = `apiVersion: keiro/v1
kind: Topology
metadata: {name: jp-core}
spec: {nodes: [{name: tyo1}, {name: osa1}]}
---
apiVersion: keiro/v1
kind: PathIntent
metadata: {name: gold}
spec: {from: tyo1, to: osa1}
`

func newServer(t testing.TB) (*api.Server, *apitest.Backend) {
	t.Helper()
	backend := apitest.New()
	server, err := api.New(api.Config{
		Backend: backend, Auth: apitest.Tokens{"secret": "alice"}, Log: slog.New(slog.DiscardHandler),
		Version: resource.Version{Version: "v0.0.0-test", Go: "go"}, Alerts: &apitest.Alerts{},
	})
	if err != nil {
		t.Fatal(err)
	}
	return server, backend
}

// call makes one request; headers are pairs.
func call(t testing.TB, h http.Handler, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer secret")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func wantStatus(t testing.TB, w *httptest.ResponseRecorder, status int) {
	t.Helper()
	if w.Code != status {
		t.Fatalf("status %d, want %d: %s", w.Code, status, w.Body)
	}
	if status >= 400 {
		var p struct {
			Status int
			Detail string
		}
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Status != status || p.Detail == "" ||
			w.Header().Get("Content-Type") != "application/problem+json" {
			t.Fatalf("no problem of RFC 9457: %s %s", w.Header().Get("Content-Type"), w.Body)
		}
	}
}

func apply(t testing.TB, h http.Handler) {
	t.Helper()
	wantStatus(t, call(t, h, "POST", "/api/v1/apply", stream, "Content-Type", "application/yaml"), 200)
}

func TestOpenAPI(t *testing.T) {
	server, _ := newServer(t)
	const golden = "testdata/openapi.json"
	got := append(server.OpenAPI(), '\n')
	if plays.Update() {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the OpenAPI document is not as in %s: look at the difference after go test -run TestOpenAPI -update", golden)
	}
	if w := call(t, server, "GET", "/openapi.json", ""); !bytes.Equal(w.Body.Bytes(), server.OpenAPI()) {
		t.Error("/openapi.json serves something else")
	}
}

func TestAuthentication(t *testing.T) {
	server, _ := newServer(t)
	for _, path := range []string{"/api/v1/intents", "/api/v1/watch", "/metrics", "/openapi.json", "/nowhere"} {
		for _, header := range []string{"", "Bearer", "Bearer ", "Bearer wrong", "Basic secret", "secret"} {
			w := call(t, server, "GET", path, "", "Authorization", header)
			wantStatus(t, w, 401)
			if !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Bearer") {
				t.Errorf("%s %q: no WWW-Authenticate", path, header)
			}
		}
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		wantStatus(t, call(t, server, "GET", path, "", "Authorization", ""), 200)
	}
	wantStatus(t, call(t, server, "GET", "/api/v1/version", "", "Authorization", "bearer secret"), 200)
}

func TestApplyAndRead(t *testing.T) {
	server, _ := newServer(t)
	yaml := []string{"Content-Type", "application/yaml"}
	steps := []struct {
		method, path, body string
		headers            []string
		status             int
		has                string
	}{
		{"GET", "/api/v1/topology", "", nil, 404, "there is no topology yet"},
		{"GET", "/api/v1/solution", "", nil, 404, "nothing is solved yet"},
		{"GET", "/api/v1/intents", "", nil, 200, `"items":[]`},
		{"POST", "/api/v1/diff", stream, yaml, 200, `"pending":true`},
		{"POST", "/api/v1/apply?dryRun=true", stream, yaml, 200, `{"generation":0,"dryRun":true,"objects":[{"kind":"Topology","name":"jp-core","action":"created"}`},
		{"GET", "/api/v1/intents/gold", "", nil, 404, "there is no intent gold"},
		{"POST", "/api/v1/apply", stream, yaml, 200, `{"generation":1,"dryRun":false`},
		{"POST", "/api/v1/apply", stream, yaml, 200, `{"generation":1,"dryRun":false,"objects":[{"kind":"Topology","name":"jp-core","action":"unchanged"}`},
		{"POST", "/api/v1/diff", stream, yaml, 200, `"pending":false`},
		{"POST", "/api/v1/apply", stream, append(yaml, "If-Match", `"7"`), 412, "generation 1, not 7"},
		{"POST", "/api/v1/apply", stream, append(yaml, "If-Match", `"x"`), 400, "bad If-Match"},
		{"POST", "/api/v1/apply", `{"apiVersion":"keiro/v1","kind":"PathIntent","metadata":{"name":"tin"},"spec":{"from":"osa1","to":"tyo1"}}`,
			[]string{"Content-Type", "application/json", "If-Match", `"1"`}, 200, `"generation":2`},
		{"POST", "/api/v1/apply", "apiVersion: keiro/v1\nkind: Nonsense\n---\nkind: PathIntent\n", yaml, 422,
			`"location":"body:2: kind"}`},
		{"POST", "/api/v1/apply", "a=b", []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "want application/yaml"},
		{"POST", "/api/v1/apply", "x", []string{"Content-Type", "///"}, 400, "bad Content-Type"},
		{"POST", "/api/v1/apply", "", yaml, 400, "body is required"},
		{"POST", "/api/v1/apply?dryrun=true", stream, yaml, 422, "unknown query parameter"},
		{"GET", "/api/v1/intents/gold", "", nil, 200, `"rtt_us":5200`},
		{"GET", "/api/v1/intents/gold/explain", "", nil, 200, `"lines":["gold is satisfied"]`},
		{"GET", "/api/v1/intents/lead/explain", "", nil, 404, "there is no intent lead"},
		{"POST", "/api/v1/intents/gold/trace", "", nil, 200, `"hops":[{"want":"osa1","seen":"osa1"`},
		{"DELETE", "/api/v1/intents/gold", "", []string{"If-Match", `"9"`}, 412, "generation 1, not 9"},
		{"DELETE", "/api/v1/intents/gold", "", []string{"If-Match", `"1"`}, 200, `"action":"deleted"`},
		{"DELETE", "/api/v1/intents/gold", "", nil, 404, "no intent gold"},
		{"GET", "/api/v1/events?after=2&limit=1", "", nil, 200, `{"generation":3,"items":[{"id":3,`},
		{"GET", "/api/v1/events?limit=0", "", nil, 422, "limit"},
		{"GET", "/api/v1/nodes", "", nil, 200, `"items":[]`},
		{"GET", "/api/v1/links", "", nil, 200, `"items":[]`},
		{"GET", "/api/v1/alerts", "", nil, 200, `"items":[]`},
		{"GET", "/api/v1/version", "", nil, 200, `"version":"v0.0.0-test"`},
		{"GET", "/api/v1/nowhere", "", nil, 404, "see /openapi.json"},
		{"PUT", "/api/v1/intents", "", nil, 405, "knows only GET"},
	}
	for _, s := range steps {
		w := call(t, server, s.method, s.path, s.body, s.headers...)
		if w.Code != s.status || !strings.Contains(w.Body.String(), s.has) {
			t.Fatalf("%s %s: status %d, want %d with %s: %s", s.method, s.path, w.Code, s.status, s.has, w.Body)
		}
		wantStatus(t, w, s.status)
	}
}

func TestMultipart(t *testing.T) {
	server, _ := newServer(t)
	form := "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"nets/jp.yaml\"\r\n\r\nkind: Nonsense\n\r\n" +
		"--B\r\nContent-Disposition: form-data; name=\"file\"; filename*=UTF-8''a%1b%5b2Jb\r\n\r\n\nkind: Worse\n\r\n--B--\r\n"
	w := call(t, server, "POST", "/api/v1/apply", form, "Content-Type", "multipart/form-data; boundary=B")
	wantStatus(t, w, 422)
	for _, where := range []string{`"location":"nets/jp.yaml:1: apiVersion"`, `"location":"a[2Jb:2: apiVersion"`} {
		if !strings.Contains(w.Body.String(), where) {
			t.Errorf("no %s in %s", where, w.Body)
		}
	}
	for _, broken := range []string{"--B--\r\n", "nothing", form[:60]} {
		wantStatus(t, call(t, server, "POST", "/api/v1/apply", broken, "Content-Type", "multipart/form-data; boundary=B"), 400)
	}
	many := strings.Repeat("--B\r\n\r\n\r\n", 1001) + "--B--"
	wantStatus(t, call(t, server, "POST", "/api/v1/apply", many, "Content-Type", "multipart/form-data; boundary=B"), 400)
}

func TestTopologyForms(t *testing.T) {
	server, _ := newServer(t)
	apply(t, server)
	asJSON := call(t, server, "GET", "/api/v1/topology", "")
	wantStatus(t, asJSON, 200)
	asYAML := call(t, server, "GET", "/api/v1/topology", "", "Accept", "application/yaml")
	wantStatus(t, asYAML, 200)
	if !json.Valid(asJSON.Body.Bytes()) || !strings.Contains(asYAML.Body.String(), "\nmetadata:\n  name: jp-core\n") {
		t.Errorf("JSON: %s\nYAML: %s", asJSON.Body, asYAML.Body)
	}
	if a, b := asJSON.Header().Get("ETag"), asYAML.Header().Get("ETag"); a != `"1"` || b != `"1-yaml"` {
		t.Errorf("ETags %s and %s", a, b)
	}
	w := call(t, server, "GET", "/api/v1/topology", "", "If-None-Match", `"1"`)
	if w.Code != http.StatusNotModified || w.Body.Len() != 0 {
		t.Errorf("If-None-Match: %d %q", w.Code, w.Body)
	}
	wantStatus(t, call(t, server, "POST", "/api/v1/apply", stream, "Content-Type", "text/yaml", "If-Match", `"1-yaml"`), 200)
}

func TestOperate(t *testing.T) {
	server, backend := newServer(t)
	apply(t, server)
	backend.Update(lanes)
	steps := []struct {
		method, path, body string
		status             int
		has                string
	}{
		{"POST", "/api/v1/drains", `{"kind":"link","name":"a/b--c#2","reason":"splice"}`, 200, `"by":"alice"`},
		{"POST", "/api/v1/drains", `{"kind":"cable","name":"x"}`, 422, "expected value to be one of"},
		{"POST", "/api/v1/drains", `{"kind":"node","name":"nothing"}`, 404, "there is no node nothing"},
		{"POST", "/api/v1/drains", `{"kind":"node","name":"x","extra":1}`, 422, "unexpected property"},
		{"GET", "/api/v1/drains", "", 200, `"reason":"splice"`},
		{"DELETE", "/api/v1/drains/link/a%2Fb--c%232", "", 204, ""},
		{"DELETE", "/api/v1/drains/link/a%2Fb--c%232", "", 404, "is not drained"},
		{"POST", "/api/v1/tokens", `{"node":"tyo1"}`, 200, `"expires":"2026-11-23T10:00:00Z"`},
		{"POST", "/api/v1/tokens", `{"node":"tyo1","ttl":"24h"}`, 200, `"expires":"2026-11-24T09:00:00Z"`},
		{"POST", "/api/v1/tokens", `{"node":"tyo1","ttl":"1y"}`, 422, "bad ttl"},
		{"POST", "/api/v1/tokens", `{"node":"tyo1","ttl":"1000h"}`, 422, "bad ttl"},
		{"POST", "/api/v1/tokens", `{"node":""}`, 422, "node"},
		{"GET", "/api/v1/lanes", "", 200, `"items":[{"name":"gold/0","intent":"gold","index":0,"encryption":"pq"`},
		{"GET", "/api/v1/lanes?intent=gold&node=osa1", "", 200, `"state":"draining","reason":"the key gets too old","level":"pq","epoch":17`},
		{"GET", "/api/v1/lanes?intent=silver", "", 200, `"items":[]`},
		{"GET", "/api/v1/lanes?node=nag1", "", 200, `"items":[]`},
		{"GET", "/api/v1/keying", "", 200, `"stores":[{"peer":"osa1","state":"low","known":true,"keys":12,"lasts_us":40000000`},
		{"POST", "/api/v1/intents/gold/rotate", "", 200, `{"intent":"gold","pairs":1,"told":["osa1"]}`},
		{"GET", "/api/v1/lanes", "", 200, `"epoch":19`},
		{"POST", "/api/v1/intents/silver/rotate", "", 404, "there is no intent silver"},
		{"POST", "/api/v1/nodes/tyo1/rekey", `{"within":"10s"}`, 200, `"node":"tyo1","pairs":1,"told":["osa1","tyo1"]`},
		{"POST", "/api/v1/nodes/tyo1/rekey", `{}`, 200, `"pairs":1`},
		{"POST", "/api/v1/nodes/tyo1/rekey", `{"within":"-1s"}`, 422, "bad within"},
		{"POST", "/api/v1/nodes/tyo1/rekey", `{"within":"2h"}`, 422, "bad within"},
		{"POST", "/api/v1/nodes/nag1/rekey", `{}`, 409, "node nag1 has no lanes"},
		{"POST", "/api/v1/nodes/tyo1/revoke", "", 200, `{"node":"tyo1","intents":["gold"]}`},
		{"GET", "/api/v1/nodes", "", 200, `"revoked":true`},
		{"POST", "/api/v1/nodes/nowhere/revoke", "", 404, "nothing to revoke"},
		{"POST", "/api/v1/tokens", strings.Repeat(" ", 64<<10), 413, "too large"},
	}
	for _, s := range steps {
		w := call(t, server, s.method, s.path, s.body, "Content-Type", "application/json")
		if w.Code != s.status || !strings.Contains(w.Body.String(), s.has) {
			t.Fatalf("%s %s %s: status %d, want %d with %s: %s", s.method, s.path, s.body, w.Code, s.status, s.has, w.Body)
		}
	}
	if d := backend.State().Drains; len(d) != 0 {
		t.Errorf("drains left: %v", d)
	}
}

func TestNotReady(t *testing.T) {
	server, backend := newServer(t)
	backend.Feed = emptyFeed()
	wantStatus(t, call(t, server, "GET", "/readyz", ""), 503)
	w := call(t, server, "GET", "/api/v1/intents", "")
	wantStatus(t, w, 503)
	if w.Header().Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	wantStatus(t, call(t, server, "GET", "/metrics", ""), 200)
}

// Random requests never make a handler fail: no panic, no 500.
func FuzzHandlers(f *testing.F) {
	server, _ := newServer(f)
	apply(f, server)
	f.Add("POST", "apply", "application/yaml", `"1"`, stream)
	f.Add("POST", "diff", "multipart/form-data; boundary=B", "", "--B\r\nContent-Disposition: form-data; filename=x\r\n\r\na: [\r\n--B--")
	f.Add("POST", "tokens", "application/json", "", `{"node":"a","ttl":"1h"}`)
	f.Add("POST", "drains", "application/json", "", `{"kind":"srlg","name":"d"}`)
	f.Add("GET", "intents/gold", "", "", "")
	f.Add("GET", "lanes?intent=gold", "", "", "")
	f.Add("GET", "peers/rr1", "", "", "")
	f.Add("GET", "links/a%2Fb--c%232", "", "", "")
	f.Add("GET", "topology/learned?name=..", "application/yaml", "", "")
	f.Add("POST", "intents/gold/rotate", "", "", "")
	f.Add("POST", "nodes/tyo1/rekey", "application/json", "", `{"within":"1s"}`)
	f.Add("POST", "nodes/%2e%2e/revoke", "", "", "")
	f.Add("DELETE", "intents/%00", "x/y", `"0"`, "")
	f.Add("GET", "events?since=1&limit=3", "", "", "")
	f.Add("DELETE", "drains/node/%2e%2e", "", "", "")
	f.Fuzz(func(t *testing.T, method, path, contentType, match, body string) {
		r, err := http.NewRequest(method, "http://keiro/api/v1/"+path, strings.NewReader(body))
		if err != nil || strings.HasPrefix(r.URL.Path, "/api/v1/watch") {
			return // watch goes on until the client leaves
		}
		r.Header.Set("Authorization", "Bearer secret")
		r.Header["Content-Type"], r.Header["If-Match"] = []string{contentType}, []string{match}
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Errorf("%s %s: %d %s", method, path, w.Code, w.Body)
		}
		if _, err := io.ReadAll(w.Body); err != nil {
			t.Error(err)
		}
	})
}
