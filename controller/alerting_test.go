package controller

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/controller/alert"
	"github.com/keiro-net/keiro/controller/core"
	"github.com/keiro-net/keiro/controller/history"
	"github.com/keiro-net/keiro/controller/show"
	"github.com/keiro-net/keiro/controller/store"
)

func TestParseAlerting(t *testing.T) {
	const text = `apiVersion: keiro/v1
kind: Alerting
spec:
  endpoints:
    - {name: ops, kind: webhook, url: "https://ops.example.net/keiro", secretsFile: ops.secret}
    - {name: am, kind: alertmanager, url: "http://127.0.0.1:9093", timeout: 5s}
`
	got, err := parseAlerting("/etc/keiro/alerting.yaml", []byte(text))
	want := []alert.Endpoint{
		{Name: "ops", Kind: alert.Webhook, URL: "https://ops.example.net/keiro", SecretsFile: "/etc/keiro/ops.secret"},
		{Name: "am", Kind: alert.Alertmanager, URL: "http://127.0.0.1:9093", Timeout: 5 * time.Second},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, bad := range []struct{ from, to, want string }{
		{"secretsFile", "secretFile", "alerting.yaml:5: spec.endpoints[0].secretFile"},
		{"name: am, ", "", "name"},
		{"kind: Alerting", "kind: Alarming", "Alarming"},
	} {
		if _, err := parseAlerting("alerting.yaml", []byte(strings.Replace(text, bad.from, bad.to, 1))); err == nil || !strings.Contains(err.Error(), bad.want) {
			t.Errorf("%s -> %s: error %v, want %q", bad.from, bad.to, err, bad.want)
		}
	}
}

func TestOutbox(t *testing.T) {
	ctx := context.Background()
	o := outbox{store.Memory()}
	a := alert.Delivery{ID: "msg_1", Endpoint: "ops", Alert: show.Alert(core.Alarm{Key: "k", Firing: true, Intents: []string{"gold"}})}
	if err := o.Put(ctx, []alert.Delivery{a}); err != nil {
		t.Fatal(err)
	}
	left, err := o.List(ctx)
	if err != nil || len(left) != 1 || left[0].ID != "msg_1" || left[0].Alert.Intent != "gold" {
		t.Errorf("list: %+v, %v", left, err)
	}
	if err := o.Delete(ctx, "msg_1"); err != nil {
		t.Fatal(err)
	}
	if left, err := o.List(ctx); err != nil || len(left) != 0 {
		t.Errorf("after delete: %+v, %v", left, err)
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
