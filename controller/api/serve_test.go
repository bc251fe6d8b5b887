package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/controller/api/feed"
	"github.com/keiro-net/keiro/controller/api/resource"
)

func emptyFeed() *feed.Feed { return feed.New() }

// watch opens a stream; lines ends when the server ends it.
func watch(t *testing.T, url, lastID string) (resp *http.Response, lines *bufio.Scanner) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", url+"/api/v1/watch", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer secret")
	if lastID != "" {
		r.Header.Set("Last-Event-ID", lastID)
	}
	resp, err = http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp, bufio.NewScanner(resp.Body)
}

// read reads one event of a stream.
func read(t *testing.T, lines *bufio.Scanner) (id, event string, change resource.Change) {
	t.Helper()
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), ": ")
		switch key {
		case "id":
			id = value
		case "event":
			event = value
		case "data":
			if err := json.Unmarshal([]byte(value), &change); err != nil {
				t.Fatal(err)
			}
		case "":
			return id, event, change
		}
	}
	t.Fatalf("the stream ended: %v", lines.Err())
	return
}

func TestWatchResumes(t *testing.T) {
	server, backend := newServer(t)
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	apply(t, server)

	resp, lines := watch(t, web.URL, "")
	if got := resp.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("Content-Type %s", got)
	}
	for _, want := range []string{"topology", "intent", "synced"} {
		if _, event, _ := read(t, lines); event != want {
			t.Fatalf("event %s, want %s", event, want)
		}
	}
	backend.Update(func(s *resource.State) { s.Links = []*resource.Link{{Name: "a--b", State: resource.LinkUp}} })
	id, event, change := read(t, lines)
	if event != "link" || change.Op != resource.Added || change.Link.Name != "a--b" || id == "" {
		t.Fatalf("%s %s %+v", id, event, change)
	}
	resp.Body.Close()

	backend.Update(func(s *resource.State) { s.Links = []*resource.Link{{Name: "a--b", State: resource.LinkDown}} },
		resource.Event{Type: "LinkDown", Object: "link:a--b"})
	_, lines = watch(t, web.URL, id)
	if _, _, change := read(t, lines); change.Op != resource.Changed || change.Link.State != resource.LinkDown {
		t.Fatalf("%+v", change)
	}
	if _, _, change := read(t, lines); change.Event == nil || change.Event.Type != "LinkDown" {
		t.Fatalf("%+v", change)
	}
	_, lines = watch(t, web.URL, "another-7")
	if _, event, _ := read(t, lines); event != "resync" {
		t.Fatalf("event %s, want resync", event)
	}
}

func TestWatchesAreBounded(t *testing.T) {
	server, _ := newServer(t)
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	for range 256 {
		_, lines := watch(t, web.URL, "")
		read(t, lines) // it runs
	}
	resp, _ := watch(t, web.URL, "")
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("watch 257: %s", resp.Status)
	}
}

// Serve ends its watches and itself when its context ends.
func TestServeStops(t *testing.T) {
	server, _ := newServer(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, l, nil) }()
	_, lines := watch(t, "http://"+l.Addr().String(), "")
	read(t, lines)
	stop()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("Serve goes on")
	}
	if lines.Scan() {
		t.Errorf("the watch goes on: %s", lines.Text())
	}
}

func TestMetrics(t *testing.T) {
	server, backend := newServer(t)
	apply(t, server)
	backend.Update(func(s *resource.State) {
		s.Nodes = []*resource.Node{{Name: "tyo1", Connected: true, RevisionWanted: 4, RevisionReached: 3, Errors: []nodecfg.ObjectError{{}}}}
		s.Links = []*resource.Link{{Name: "a--b", State: resource.LinkDown}, {Name: "b--c", State: resource.LinkUnknown, Drained: true}}
		s.Alerts = []*resource.Alert{{ID: "1", Status: resource.Firing, Severity: resource.Critical}, {ID: "2", Status: resource.Resolved, Severity: resource.Critical}}
	})
	wantStatus(t, call(t, server, "GET", "/api/v1/wild/path", ""), 404)
	w := call(t, server, "GET", "/metrics", "")
	wantStatus(t, w, 200)
	text := w.Body.String()
	for _, line := range []string{
		`keiro_intents{status="satisfied"} 1`, `keiro_intents{status="unknown"} 0`,
		`keiro_intent_condition{condition="Satisfied",intent="gold"} 1`,
		`keiro_path_round_trip_seconds{headend="tyo1",intent="gold",path="gold/0"} 0.0052`,
		`keiro_path_delay_seconds{direction="there",headend="tyo1",intent="gold",path="gold/0"} 0.0026`,
		`keiro_path_delay_variation_seconds{direction="back",headend="tyo1",intent="gold",path="gold/0"} 9e-05`,
		`keiro_path_loss_ratio{direction="there",headend="tyo1",intent="gold",path="gold/0"} 0.005`,
		`keiro_path_within_bound{bound="delay",headend="tyo1",intent="gold",path="gold/0"} 1`,
		`keiro_path_within_bound{bound="loss",headend="tyo1",intent="gold",path="gold/0"} 0`,
		`keiro_node_wanted_revision{node="tyo1"} 4`, `keiro_node_reached_revision{node="tyo1"} 3`, `keiro_node_errors{node="tyo1"} 1`,
		`keiro_link_up{link="a--b"} 0`, `keiro_link_drained{link="b--c"} 1`,
		`keiro_alerts_firing{severity="critical"} 1`, `keiro_alert_deliveries_total{endpoint="noc"} 3`,
		`keiro_api_requests_total{route="POST /api/v1/apply",status="200"} 1`, `keiro_api_requests_total{route="none",status="404"} 1`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
	if strings.Contains(text, `keiro_link_up{link="b--c"}`) {
		t.Error("a link of unknown state has a sample")
	}
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v %v", problems, err)
	}
}
