package client

import (
	"bufio"
	"context"
	"encoding/pem"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/controller/api"
	"github.com/keiro-net/keiro/controller/api/apitest"
	"github.com/keiro-net/keiro/controller/api/resource"
)

func write(t testing.TB, name, text string) string {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// dial starts a controller behind TLS and returns a client of it.
func dial(t *testing.T) (*Client, *apitest.Backend, *httptest.Server) {
	t.Helper()
	backend := apitest.New()
	server, err := api.New(api.Config{Backend: backend, Auth: apitest.Tokens{"secret": "alice"}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewUnstartedServer(server)
	web.EnableHTTP2 = true
	web.StartTLS()
	t.Cleanup(func() { web.CloseClientConnections(); web.Close() })
	dir := t.TempDir()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw})
	c, err := New(Config{Server: web.URL, CA: write(t, dir+"/ca.pem", string(ca)), TokenFile: write(t, dir+"/token", "secret\n")})
	if err != nil {
		t.Fatal(err)
	}
	return c, backend, web
}

func document(text string) []resource.Document {
	return []resource.Document{{Name: "nets/jp.yaml", Data: []byte(text)}}
}

const gold = "apiVersion: keiro/v1\nkind: PathIntent\nmetadata: {name: gold}\nspec: {from: a, to: b}\n"

func TestCalls(t *testing.T) {
	c, backend, _ := dial(t)
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	diff, err := c.Diff(ctx, document(gold))
	must(err)
	applied, err := c.Apply(ctx, resource.Apply{Documents: document(gold), DryRun: true})
	must(err)
	if !diff.Pending || applied.Generation != 0 {
		t.Errorf("diff %+v, dry run %+v", diff, applied)
	}
	_, err = c.Apply(ctx, resource.Apply{Documents: append(document(gold), document("apiVersion: keiro/v1\nkind: Topology\nmetadata: {name: jp}\nspec: {nodes: [{name: a}]}\n")...)})
	must(err)
	text, err := c.Topology(ctx, true)
	must(err)
	if !strings.Contains(string(text), "name: jp\n") {
		t.Errorf("topology %s", text)
	}
	intents, err := c.Intents(ctx)
	must(err)
	one, err := c.Intent(ctx, "gold")
	must(err)
	if len(intents) != 1 || !reflect.DeepEqual(intents[0], *one) || one.Status.Paths[0].RTTUS != 5200 {
		t.Errorf("intents %+v, intent %+v", intents, one)
	}
	_, err = c.Explain(ctx, "gold")
	must(err)
	trace, err := c.Trace(ctx, "gold")
	must(err)
	if trace.Paths[0].Hops[0].Seen != "osa1" {
		t.Errorf("trace %+v", trace)
	}
	_, err = c.Drain(ctx, "link", "a/b#2", "splice")
	must(err)
	drains, err := c.Drains(ctx)
	must(err)
	if len(drains) != 1 || drains[0].By != "alice" || drains[0].Reason != "splice" {
		t.Errorf("drains %+v", drains)
	}
	must(c.Undrain(ctx, "link", "a/b#2"))
	events, err := c.Events(ctx, 0, 10)
	must(err)
	if len(events) != 2 || events[0].Type != "Applied" {
		t.Errorf("events %+v", events)
	}
	token, err := c.CreateToken(ctx, "tyo1", time.Hour)
	must(err)
	if !token.Expires.Equal(apitest.Now.Add(time.Hour)) {
		t.Errorf("token %+v", token)
	}
	for _, list := range []func() error{
		func() error { _, err := c.Nodes(ctx); return err },
		func() error { _, err := c.Keying(ctx); return err },
		func() error { _, err := c.Links(ctx); return err },
		func() error { _, err := c.Alerts(ctx); return err },
		func() error { _, err := c.Version(ctx); return err },
		func() error { _, err := c.Peers(ctx); return err },
	} {
		must(list())
	}
	backend.Update(func(s *resource.State) {
		s.Nodes = []*resource.Node{{Name: "a/b"}}
		s.Lanes = []*resource.Lane{{Name: "gold/0", Intent: "gold", Ends: []resource.LaneEnd{{Node: "a/b", Epoch: 3}, {Node: "c", Epoch: 3}}}}
	})
	rotation, err := c.Rotate(ctx, "gold")
	must(err)
	rekeyed, err := c.Rekey(ctx, "a/b", time.Minute)
	must(err)
	revoked, err := c.Revoke(ctx, "a/b")
	must(err)
	lanes, err := c.Lanes(ctx, "gold", "a/b")
	must(err)
	if rotation.Pairs != 1 || rekeyed.Node != "a/b" || revoked.Node != "a/b" || len(lanes) != 1 || lanes[0].Ends[1].Epoch != 5 {
		t.Errorf("rotation %+v, rekeyed %+v, revoked %+v, lanes %+v", rotation, rekeyed, revoked, lanes)
	}
	_, err = c.DeleteIntent(ctx, "gold", one.Metadata.Generation)
	must(err)
}

func TestRefusals(t *testing.T) {
	c, _, _ := dial(t)
	ctx := t.Context()
	kind := func(err error, want resource.ErrorKind, has string) {
		t.Helper()
		var e *resource.Error
		if !errors.As(err, &e) || e.Kind != want || !strings.Contains(err.Error(), has) {
			t.Errorf("error %v, want %s with %s", err, want, has)
		}
	}
	_, err := c.Apply(ctx, resource.Apply{Documents: document("apiVersion: keiro/v1\nkind: Nonsense\n")})
	kind(err, resource.Invalid, "nothing was changed\nnets/jp.yaml:2: kind: ")
	_, err = c.Apply(ctx, resource.Apply{Documents: document(gold), IfGeneration: 9})
	kind(err, resource.Stale, "not 9")
	_, err = c.Intent(ctx, "../nodes")
	kind(err, resource.NotFound, "there is no intent ../nodes")
	_, err = c.Solution(ctx)
	kind(err, resource.NotFound, "nothing is solved yet")
	c.token = "wrong"
	_, err = c.Nodes(ctx)
	kind(err, resource.Unauthenticated, "token")
	for _, err := range c.Watch(ctx) {
		kind(err, resource.Unauthenticated, "token")
	}
}

func TestNotAController(t *testing.T) {
	for _, answer := range []string{"", "<html>", "{", `{"detail":`} {
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
			_, _ = w.Write([]byte(answer))
		}))
		c, err := New(Config{Server: web.URL, TokenFile: write(t, filepath.Join(t.TempDir(), "token"), "x")})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Nodes(t.Context())
		if want := "the controller answered 502 Bad Gateway"; err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", answer, err, want)
		}
		web.Close()
		if _, err = c.Nodes(t.Context()); err == nil || !strings.Contains(err.Error(), "reach the controller at "+web.URL) {
			t.Errorf("%v", err)
		}
		for _, err := range c.Watch(t.Context()) {
			if err == nil {
				t.Error("a watch of nobody")
			}
		}
	}
}

func TestWatchResumes(t *testing.T) {
	c, backend, web := dial(t)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	link := func(state resource.LinkState) {
		backend.Update(func(s *resource.State) { s.Links = []*resource.Link{{Name: "a--b", State: state}} })
	}
	var seen []string
	for change, err := range c.Watch(ctx) {
		if err != nil {
			t.Fatal(err, seen)
		}
		seen = append(seen, strings.TrimSpace(string(change.Kind)+" "+string(change.Op)))
		switch len(seen) {
		case 1: // synced
			web.CloseClientConnections()
			link(resource.LinkUp)
		case 2:
			web.CloseClientConnections()
			link(resource.LinkDown)
		}
		if change.Link != nil && change.Link.State == resource.LinkDown {
			break
		}
	}
	if got, want := strings.Join(seen, ", "), "synced, link added, link changed"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	file := write(t, dir+"/client.json", `{"server":"https://c:7443","ca":"ca.pem","tokenFile":"/t"}`)
	env := map[string]string{EnvConfig: file, EnvTokenFile: "/mine"}
	getenv := func(name string) string { return env[name] }
	got, err := Find(getenv)
	if want := (Config{"https://c:7443", dir + "/ca.pem", "/mine"}); err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	copied := dir + "/copy.json"
	if err := got.Write(copied); err != nil {
		t.Fatal(err)
	}
	if back, err := ReadConfig(copied); err != nil || back != got {
		t.Errorf("%+v, %v, want %+v", back, err, got)
	}
	env[EnvConfig] = dir + "/none"
	if _, err := Find(getenv); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	t.Setenv("XDG_CONFIG_HOME", dir)
	env = map[string]string{}
	if _, err := Find(getenv); err == nil || !strings.Contains(err.Error(), EnvConfig) {
		t.Errorf("nothing set: %v", err)
	}
	env[EnvServer] = "https://d"
	if got, err := Find(getenv); err != nil || got.Server != "https://d" {
		t.Errorf("%+v, %v", got, err)
	}
	for _, text := range []string{"", "{", `{"sever":""}`, `[]`} {
		if _, err := ReadConfig(write(t, file, text)); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	dir := t.TempDir()
	token := write(t, dir+"/token", "x")
	for want, cfg := range map[string]Config{
		"bad server":               {Server: "c:7443", TokenFile: token},
		"no token":                 {Server: "https://c"},
		"does not hold one token":  {Server: "https://c", TokenFile: write(t, dir+"/two", "a b")},
		"holds no PEM certificate": {Server: "https://c", TokenFile: token, CA: token},
		"read the controller's CA": {Server: "https://c", TokenFile: token, CA: dir + "/none"},
		"larger than 1 MiB":        {Server: "https://c", TokenFile: write(t, dir+"/big", strings.Repeat("x", 1<<20+1))},
	} {
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", cfg, err, want)
		}
	}
}

func FuzzReadEvent(f *testing.F) {
	f.Add("id: a-1\nevent: link\ndata: {\"kind\":\"link\"}\n\n:\n\ndata:{}\n\n")
	f.Fuzz(func(t *testing.T, stream string) {
		lines := bufio.NewScanner(strings.NewReader(stream))
		for range len(stream) + 1 {
			if _, err := readEvent(lines, func() {}); err != nil {
				return
			}
		}
		t.Error("more events than bytes")
	})
}
