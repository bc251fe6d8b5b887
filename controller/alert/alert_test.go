package alert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/controller/alert/webhook"
	"github.com/keiro-net/keiro/controller/api/resource"
)

func TestWebhook(t *testing.T) {
	url, got := receiver(t, 500)
	outbox := &memory{}
	s, _ := start(t, outbox, Endpoint{Name: "noc", Kind: Webhook, URL: url})
	send(t, s, firing("1"))
	first, second := receive(t, got), receive(t, got)
	if a, b := first.header.Get(webhook.HeaderID), second.header.Get(webhook.HeaderID); a != b || !strings.HasPrefix(a, "msg_") {
		t.Errorf("ids %s and %s", a, b)
	}
	for _, r := range []request{first, second} {
		if err := webhook.Verify(trusted(t), r.header, r.body, time.Now()); err != nil {
			t.Error(err)
		}
	}
	var m Message
	if err := json.Unmarshal(second.body, &m); err != nil || m.Type != Fired || m.Data.Cause.Object != "srlg:keihan-duct" {
		t.Errorf("%v: %s", err, second.body)
	}
	until(t, "outbox empty", func() bool { return outbox.size() == 0 })
	if d := s.Deliveries()[0]; d.Delivered != 1 || d.Failed != 1 || d.Lost != 0 || d.Pending != 0 || d.LastError != "" {
		t.Errorf("%+v", d)
	}
	// Handed over again it is the same message; another status is another.
	send(t, s, firing("1"))
	send(t, s, resolved("1"))
	again, other := receive(t, got), receive(t, got)
	if again.header.Get(webhook.HeaderID) != first.header.Get(webhook.HeaderID) || other.header.Get(webhook.HeaderID) == first.header.Get(webhook.HeaderID) {
		t.Error("ids do not follow from what is told")
	}
}

// What was handed over is sent after a restart, with the same id.
func TestRestart(t *testing.T) {
	url, got := receiver(t, 503)
	outbox := &memory{}
	s, stop := start(t, outbox, Endpoint{Name: "noc", Kind: Webhook, URL: url})
	send(t, s, firing("1"))
	first := receive(t, got)
	stop()
	if outbox.size() != 1 {
		t.Fatalf("outbox holds %d", outbox.size())
	}
	outbox.items["msg_old"] = Delivery{ID: "msg_old", Endpoint: "gone"}
	start(t, outbox, Endpoint{Name: "noc", Kind: Webhook, URL: url})
	if second := receive(t, got); second.header.Get(webhook.HeaderID) != first.header.Get(webhook.HeaderID) {
		t.Error("another id after the restart")
	}
	until(t, "outbox empty", func() bool { return outbox.size() == 0 })
}

func TestOrderIsKept(t *testing.T) {
	url, got := receiver(t, 500)
	s, _ := start(t, &memory{}, Endpoint{Name: "noc", Kind: Receiver, URL: url})
	send(t, s, firing("1"))
	send(t, s, resolved("1"))
	var seen []string
	for range 3 {
		var p struct{ Status, Version string }
		if err := json.Unmarshal(receive(t, got).body, &p); err != nil || p.Version != "4" {
			t.Fatal(err, p)
		}
		seen = append(seen, p.Status)
	}
	if want := []string{"firing", "firing", "resolved"}; !slices.Equal(seen, want) {
		t.Errorf("%v, want %v", seen, want)
	}
}

func TestGoneDisables(t *testing.T) {
	url, got := receiver(t, 410)
	outbox := &memory{}
	s, _ := start(t, outbox, Endpoint{Name: "noc", Kind: Webhook, URL: url})
	send(t, s, firing("1"))
	receive(t, got)
	until(t, "disabled", func() bool { return s.Deliveries()[0].Disabled })
	send(t, s, firing("2"))
	until(t, "outbox empty", func() bool { return outbox.size() == 0 })
	if d := s.Deliveries()[0]; d.Lost != 1 || len(got) != 0 {
		t.Errorf("%+v, %d more requests", d, len(got))
	}
}

func TestRedirectsAreFailures(t *testing.T) {
	url, got := receiver(t, 302)
	s, _ := start(t, &memory{}, Endpoint{Name: "noc", Kind: Webhook, URL: url})
	send(t, s, firing("1"))
	if a, b := receive(t, got), receive(t, got); a.path != "/hook" || b.path != "/hook" {
		t.Errorf("%s then %s", a.path, b.path)
	}
	if d := s.Deliveries()[0]; d.Failed != 1 {
		t.Errorf("%+v", d)
	}
}

// One endpoint that hangs, and a store that does, hold up no other.
func TestNothingHoldsUpAnother(t *testing.T) {
	hang := make(chan struct{})
	stuck := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	t.Cleanup(stuck.Close)
	t.Cleanup(func() { close(hang) })
	url, got := receiver(t)
	s, _ := start(t, &memory{fail: true},
		Endpoint{Name: "stuck", Kind: Webhook, URL: stuck.URL}, Endpoint{Name: "noc", Kind: Webhook, URL: url})
	if err := s.Send(context.Background(), firing("1")); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("a broken store: %v", err)
	}
	receive(t, got)
}

func TestAlertmanager(t *testing.T) {
	url, got := receiver(t)
	s, _ := start(t, &memory{}, Endpoint{Name: "am", Kind: Alertmanager, URL: strings.TrimSuffix(url, "/hook")})
	send(t, s, firing("1"))
	send(t, s, resolved("1"))
	a, b := receive(t, got), receive(t, got)
	var first, second []amAlert
	if err := errors.Join(json.Unmarshal(a.body, &first), json.Unmarshal(b.body, &second)); err != nil || a.path != "/api/v2/alerts" {
		t.Fatal(err, a.path)
	}
	if fmt.Sprint(first[0].Labels) != fmt.Sprint(second[0].Labels) || first[0].Labels["alertname"] != "DegradedPath" {
		t.Errorf("labels %v and %v", first[0].Labels, second[0].Labels)
	}
	if !first[0].EndsAt.After(time.Now()) || !second[0].EndsAt.Equal(resolved("1").ResolvedAt) {
		t.Errorf("ends %s and %s", first[0].EndsAt, second[0].EndsAt)
	}
	if first[0].Annotations["detected_after"] != "3ms" {
		t.Errorf("annotations %v", first[0].Annotations)
	}
}

func TestRepeat(t *testing.T) {
	url, got := receiver(t)
	one := firing("1")
	target, err := newTarget(Endpoint{Name: "am", Kind: Alertmanager, URL: url, Allow: loopback}, Config{
		Log: slog.New(slog.DiscardHandler), Firing: func() []*resource.Alert { return []*resource.Alert{&one} },
	})
	if err != nil {
		t.Fatal(err)
	}
	target.letters = &letters{}
	target.queue.add(newDelivery(resolved("1"), "am"), 1, nil)
	target.repeat(t.Context()) // something waits: not now
	target.queue.items = nil
	target.repeat(t.Context())
	if r := receive(t, got); !strings.Contains(string(r.body), `"alert_id":"1"`) || len(got) != 0 {
		t.Errorf("%s", r.body)
	}
}

func TestMessagesStaySmall(t *testing.T) {
	a := firing("1")
	a.Message, a.Before = strings.Repeat("経", 30000), strings.Repeat("x", 30000)
	for n := range 5000 {
		a.IntentsHit = append(a.IntentsHit, fmt.Sprint("intent", n))
	}
	body, err := webhookBody(fit(a))
	var m Message
	if err != nil || json.Unmarshal(body, &m) != nil || len(body) >= maxMessage {
		t.Fatal(len(body), err)
	}
	if m.Data.IntentsOmitted+len(m.Data.IntentsHit) != 5002 || len(m.Data.IntentsHit) < 100 {
		t.Errorf("%d intents, %d omitted", len(m.Data.IntentsHit), m.Data.IntentsOmitted)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	for field, want := range map[string]time.Duration{
		"120": 2 * time.Minute, "Mon, 23 Nov 2026 09:00:30 GMT": 30 * time.Second, "999999999": maxHold,
	} {
		if got := retryAfter(field, now); got.Sub(now) != want {
			t.Errorf("%q: %s", field, got.Sub(now))
		}
	}
	for _, field := range []string{"", "-1", "soon", "99999999999999999999"} {
		if got := retryAfter(field, now); !got.IsZero() {
			t.Errorf("%q: %s", field, got)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for want, e := range map[string]Endpoint{
		"bad URL":                 {Kind: Webhook, URL: "noc.example/hook?key=SECRET"},
		"needs keys to sign with": {Kind: Webhook, URL: "https://noc.example"},
		"unknown kind \"mail\"":   {Kind: "mail", URL: "https://noc.example"},
		"read its CA":             {Kind: Receiver, URL: "https://noc.example", CAFile: "/nonexistent"},
	} {
		_, err := New(context.Background(), Config{Endpoints: []Endpoint{e}, Outbox: &memory{}, Log: slog.New(slog.DiscardHandler)})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%v, want %s", err, want)
		}
	}
	e := Endpoint{Name: "am", Kind: Alertmanager, URL: "https://am.example"}
	if _, err := New(context.Background(), Config{Endpoints: []Endpoint{e, e}, Outbox: &memory{}, Log: slog.New(slog.DiscardHandler)}); err == nil {
		t.Error("a name used twice is accepted")
	}
}

// From Send to the arrival at the receiver, over a warm connection.
func BenchmarkFirstDelivery(b *testing.B) {
	for _, delay := range []time.Duration{0, 2 * time.Millisecond, 100 * time.Millisecond} {
		b.Run(fmt.Sprint("store takes ", delay), func(b *testing.B) {
			url, got := receiver(b)
			s, _ := start(b, &memory{delay: delay}, Endpoint{Name: "noc", Kind: Webhook, URL: url})
			send(b, s, firing("warm"))
			receive(b, got)
			var worst, sum time.Duration
			n := 0
			for b.Loop() {
				began, sent := time.Now(), make(chan error, 1)
				go func() { sent <- s.Send(context.Background(), firing(fmt.Sprint(n))) }()
				receive(b, got)
				took := time.Since(began)
				worst, sum, n = max(worst, took), sum+took, n+1
				if err := <-sent; err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(sum.Microseconds())/float64(n), "us/delivery")
			b.ReportMetric(float64(worst.Microseconds()), "us-worst")
		})
	}
}

// A text may be anything that a node says.
func TestCutNoText(t *testing.T) {
	text := strings.Repeat("\x80", 20)
	if cut(&text, 10); text != "…" {
		t.Errorf("%q", text)
	}
}
