package controller

import (
	"context"
	"log/slog"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/controller/alert"
	"github.com/keiro-net/keiro/controller/history"
	"github.com/keiro-net/keiro/controller/store"
)

func TestParseAlerting(t *testing.T) {
	const text = `apiVersion: keiro/v1
kind: Alerting
spec:
  endpoints:
    - {name: ops, kind: webhook, url: "https://ops.example.net/keiro", secretsFile: ops.secret, signingKeyFiles: [a.key, /b.key], proxy: "http://proxy:3128"}
    - {name: am, kind: alertmanager, url: "http://127.0.0.1:9093", timeout: 5s, allow: [127.0.0.1, 10.0.0.0/8]}
`
	got, err := parseAlerting("/etc/keiro/alerting.yaml", []byte(text))
	want := []alert.Endpoint{
		{Name: "ops", Kind: alert.Webhook, URL: "https://ops.example.net/keiro", SecretsFile: "/etc/keiro/ops.secret",
			KeyFiles: []string{"/etc/keiro/a.key", "/b.key"}, Proxy: "http://proxy:3128"},
		{Name: "am", Kind: alert.Alertmanager, URL: "http://127.0.0.1:9093", Timeout: 5 * time.Second,
			Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("10.0.0.0/8")}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, bad := range []struct{ from, to, want string }{
		{"secretsFile", "secretFile", "alerting.yaml:5: spec.endpoints[0].secretFile"},
		{"name: am, ", "", "name"},
		{"127.0.0.1,", "localhost,", "endpoint am: allow"},
		{"kind: Alerting", "kind: Alarming", "Alarming"},
	} {
		if _, err := parseAlerting("alerting.yaml", []byte(strings.Replace(text, bad.from, bad.to, 1))); err == nil || !strings.Contains(err.Error(), bad.want) {
			t.Errorf("%s -> %s: error %v, want %q", bad.from, bad.to, err, bad.want)
		}
	}
}

func TestQueueKeepsOrderAndFinishes(t *testing.T) {
	var done []int
	q := newQueue(func(_ context.Context, n int) { done = append(done, n) })
	for n := range 100 {
		q.add(n)
	}
	ended := make(chan struct{})
	close(ended)
	q.run(ended) // returns as nothing is added any more, with the work done
	if len(done) != 100 || !slices.IsSorted(done) {
		t.Errorf("done: %v", done)
	}
}

// noEvents is an event log that nobody writes.
func noEvents(t *testing.T) *history.Log {
	t.Helper()
	l, err := history.Open(t.Context(), store.Memory(), time.Now(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return l
}
