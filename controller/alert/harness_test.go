package alert

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/keiro-net/keiro/controller/alert/webhook"
	"github.com/keiro-net/keiro/controller/api/resource"
)

// memory is an Outbox that outlives a Sender.
type memory struct {
	mu    sync.Mutex
	items map[string]Delivery
	dead  map[string]Letter
	delay time.Duration // of a Put
	fail  bool
}

func (m *memory) Put(_ context.Context, deliveries []Delivery) error {
	time.Sleep(m.delay)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail {
		return errors.New("disk full")
	}
	if m.items == nil {
		m.items = map[string]Delivery{}
	}
	for _, d := range deliveries {
		m.items[d.ID] = d
	}
	return nil
}

func (m *memory) Delete(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.items, id)
	return nil
}

func (m *memory) List(context.Context) ([]Delivery, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Delivery
	for _, d := range m.items {
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b Delivery) int { return a.Created.Compare(b.Created) })
	return out, nil
}

func (m *memory) Bury(_ context.Context, letter Letter, dropped []string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead == nil {
		m.dead = map[string]Letter{}
	}
	delete(m.items, letter.ID)
	m.dead[letter.ID] = letter
	for _, id := range dropped {
		delete(m.dead, id)
	}
	return nil
}

func (m *memory) Letters(context.Context) ([]Letter, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Values(m.dead)), nil
}

func (m *memory) Revive(_ context.Context, d Delivery) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.dead, d.ID)
	m.items[d.ID] = d
	return nil
}

func (m *memory) size() int { l, _ := m.List(context.Background()); return len(l) }

type request struct {
	path   string
	header http.Header
	body   []byte
}

// receiver is an HTTP server that answers as told, 200 when nothing is left
// to be told.
func receiver(t testing.TB, answers ...int) (url string, got <-chan request) {
	t.Helper()
	ch := make(chan request, 1000)
	var mu sync.Mutex
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		status := http.StatusOK
		if len(answers) > 0 {
			status, answers = answers[0], answers[1:]
		}
		mu.Unlock()
		if status/100 == 3 {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(status)
		ch <- request{r.URL.Path, r.Header, body}
	}))
	t.Cleanup(web.Close)
	return web.URL + "/hook", ch
}

const secretA = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

func trusted(t testing.TB) []webhook.Verifier {
	t.Helper()
	v, err := webhook.ParseVerifier(secretA)
	if err != nil {
		t.Fatal(err)
	}
	return []webhook.Verifier{v}
}

// start runs a Sender until stop or the end of the test.
func start(t testing.TB, outbox Outbox, endpoints ...Endpoint) (s *Sender, stop func()) {
	t.Helper()
	secrets := t.TempDir() + "/secrets"
	if err := os.WriteFile(secrets, []byte(secretA), 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range endpoints {
		endpoints[i].Allow = append(endpoints[i].Allow, loopback...)
		if endpoints[i].Kind != Alertmanager {
			endpoints[i].SecretsFile = secrets
		}
	}
	s, err := New(context.Background(), Config{Endpoints: endpoints, Outbox: outbox, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { s.Run(ctx); close(done) }()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return s, stop
}

func receive(t testing.TB, got <-chan request) request {
	t.Helper()
	select {
	case r := <-got:
		return r
	case <-time.After(20 * time.Second):
		t.Fatal("nothing was received")
		return request{}
	}
}

func until(t testing.TB, what string, yes func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !yes(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("never: " + what)
		}
	}
}

func firing(id string) resource.Alert {
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	return resource.Alert{
		ID: id, Name: resource.DegradedPath, Intent: "gold", Severity: resource.Critical, Status: resource.Firing,
		Before: "2 of 2 paths", After: "1 of 2 paths", Cause: resource.Cause{Text: "duct cut", Object: "srlg:keihan-duct"},
		IntentsHit: []string{"gold", "iron"}, CausedAt: at, DetectedAt: at.Add(3 * time.Millisecond), DetectionDelayUS: 3000, Message: "gold has lost a path",
	}
}

func resolved(id string) resource.Alert {
	a := firing(id)
	a.Status, a.ResolvedAt = resource.Resolved, a.DetectedAt.Add(time.Minute)
	return a
}

func send(t testing.TB, s *Sender, a resource.Alert) {
	t.Helper()
	if err := s.Send(context.Background(), a); err != nil {
		t.Fatal(err)
	}
}
