package controller

import (
	"context"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/controller/alert"
	"github.com/keiro-net/keiro/controller/core"
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

func TestEventLog(t *testing.T) {
	start := time.UnixMicro(1000)
	l := newEventLog(start)
	for n := range maxEvents + 10 {
		l.add(core.Entry{Time: start, Type: "T", Object: "o", Message: string(rune('a' + n%26))})
	}
	newest := l.after(0, 3)
	if len(newest) != 3 || newest[2].ID != uint64(1000+maxEvents+10) {
		t.Errorf("newest: %+v", newest)
	}
	if next := l.after(newest[0].ID, 1); len(next) != 1 || next[0].ID != newest[1].ID {
		t.Errorf("after %d: %+v", newest[0].ID, next)
	}
	if len(l.take()) != maxEvents+10 || len(l.take()) != 0 {
		t.Error("take gives each event once")
	}
	if l.after(newest[2].ID, 5) == nil {
		t.Error("no events is an empty list, not null")
	}
}
