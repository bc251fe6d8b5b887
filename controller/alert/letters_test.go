package alert

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/controller/alert/webhook"
	"github.com/keiro-net/keiro/controller/api/resource"
)

// TestDeadLettersAreReplayed: what is given up is kept over a restart, and
// replayed once its receiver is back, with the same id.
func TestDeadLettersAreReplayed(t *testing.T) {
	url, got := receiver(t, 410)
	outbox := &memory{}
	endpoint := Endpoint{Name: "noc", Kind: Webhook, URL: url}
	s, stop := start(t, outbox, endpoint)
	send(t, s, firing("1"))
	first := receive(t, got)
	until(t, "dead", func() bool { letters, _ := outbox.Letters(t.Context()); return len(letters) == 1 })
	if d := s.Deliveries()[0]; !d.Disabled || d.Lost != 1 || d.Dead != 1 || d.Pending != 0 || outbox.size() != 0 {
		t.Errorf("%+v", d)
	}
	stop()
	s, _ = start(t, outbox, endpoint)
	letters := s.DeadLetters()
	if len(letters) != 1 || letters[0].ID != first.header.Get(webhook.HeaderID) || letters[0].Endpoint != "noc" ||
		!strings.Contains(letters[0].Reason, "410") || letters[0].Alert.ID != "1" || letters[0].GivenUp.IsZero() {
		t.Fatalf("%+v", letters)
	}
	var refusal *resource.Error
	if _, err := s.Replay(t.Context(), []string{"msg_unknown"}); !errors.As(err, &refusal) || refusal.Kind != resource.NotFound {
		t.Error(err)
	}
	if replayed, err := s.Replay(t.Context(), []string{letters[0].ID, letters[0].ID}); err != nil || len(replayed) != 1 {
		t.Fatal(replayed, err)
	}
	again := receive(t, got)
	if again.header.Get(webhook.HeaderID) != letters[0].ID || string(again.body) != string(first.body) {
		t.Error("another message came")
	}
	until(t, "settled", func() bool { return outbox.size() == 0 && s.Deliveries()[0].Delivered == 1 })
	if d := s.Deliveries()[0]; d.Dead != 0 || len(s.DeadLetters()) != 0 || len(outbox.dead) != 0 {
		t.Errorf("%+v", d)
	}
}

// TestReplayEnables: an endpoint that answered 410 is asked again.
func TestReplayEnables(t *testing.T) {
	url, got := receiver(t, 410)
	s, _ := start(t, &memory{}, Endpoint{Name: "noc", Kind: Webhook, URL: url})
	send(t, s, firing("1"))
	receive(t, got)
	until(t, "dead", func() bool { return len(s.DeadLetters()) == 1 })
	if _, err := s.Replay(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	receive(t, got)
	send(t, s, firing("2"))
	receive(t, got)
}

// TestRemovedEndpoint: what waited for it is dead, not gone.
func TestRemovedEndpoint(t *testing.T) {
	outbox := &memory{items: map[string]Delivery{}}
	d := newDelivery(firing("1"), "old")
	outbox.items[d.ID] = d
	s, _ := start(t, outbox)
	letters := s.DeadLetters()
	if len(letters) != 1 || !strings.Contains(letters[0].Reason, "configured no more") || outbox.size() != 0 {
		t.Fatalf("%+v", letters)
	}
	var refusal *resource.Error
	if _, err := s.Replay(t.Context(), []string{d.ID}); !errors.As(err, &refusal) || refusal.Kind != resource.Conflict {
		t.Error(err)
	}
	if replayed, err := s.Replay(t.Context(), nil); err != nil || len(replayed) != 0 || len(s.DeadLetters()) != 1 {
		t.Error(replayed, err)
	}
}

func TestDeadLettersAreBounded(t *testing.T) {
	outbox := &memory{items: map[string]Delivery{}}
	l := &letters{outbox: outbox}
	if err := l.load(t.Context()); err != nil {
		t.Fatal(err)
	}
	bury := func(n int, message string) {
		d := delivery(n, time.Now())
		d.Endpoint, d.Alert.Message = "noc", message
		if err := l.bury(context.Background(), Letter{Delivery: d, GivenUp: time.Now(), Reason: "test"}); err != nil {
			t.Fatal(err)
		}
	}
	for n := range maxLetters + 5 {
		bury(n, "")
	}
	if dead, dropped := l.count("noc"); dead != maxLetters || dropped != 5 || len(outbox.dead) != maxLetters {
		t.Errorf("%d letters, %d in the store, %d dropped", dead, len(outbox.dead), dropped)
	}
	if _, there := outbox.dead["4"]; there {
		t.Error("not the oldest were dropped")
	}
	bury(maxLetters, "dead twice") // in its own place
	if dead, dropped := l.count("noc"); dead != maxLetters || dropped != 5 {
		t.Errorf("%d letters, %d dropped", dead, dropped)
	}
	for n := range 600 {
		bury(10_000+n, strings.Repeat("x", 19_000))
	}
	sum := 0
	for _, letter := range outbox.dead {
		sum += letter.size()
	}
	if sum > maxLetterBytes || l.bytes != sum || len(outbox.dead) < 400 {
		t.Errorf("%d letters of %d bytes, counted %d", len(outbox.dead), sum, l.bytes)
	}
}

// TestOrderOverRestart: what an earlier life left goes out in the order in
// which it was told, whatever the store's.
func TestOrderOverRestart(t *testing.T) {
	url, got := receiver(t)
	outbox := &memory{items: map[string]Delivery{}}
	at := time.Now()
	for n, a := range []resource.Alert{firing("1"), resolved("1")} {
		d := newDelivery(a, "noc")
		d.ID, d.Created = fmt.Sprint(9-n), at.Add(time.Duration(n)*time.Second) // sorted by id it were the other way round
		outbox.items[d.ID] = d
	}
	start(t, byID{outbox}, Endpoint{Name: "noc", Kind: Webhook, URL: url})
	if a, b := receive(t, got), receive(t, got); !strings.Contains(string(a.body), Fired) || !strings.Contains(string(b.body), Resolved) {
		t.Errorf("%s before %s", a.body, b.body)
	}
}

// byID lists as the controller's store does.
type byID struct{ *memory }

func (b byID) List(ctx context.Context) ([]Delivery, error) {
	all, err := b.memory.List(ctx)
	for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
		all[i], all[j] = all[j], all[i]
	}
	return all, err
}

// TestOverflowIsDead: what does not fit any more becomes dead letters, and
// whoever sends does not wait for that.
func TestOverflowIsDead(t *testing.T) {
	outbox := &memory{}
	target, err := newTarget(Endpoint{Name: "am", Kind: Alertmanager, URL: "https://am.example"}, Config{Outbox: outbox, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	target.letters = &letters{outbox: outbox, dropped: map[string]uint64{}}
	stored := make(chan struct{})
	close(stored)
	a := firing("1")
	a.Message = strings.Repeat("x", 19_000)
	const sent = 1000
	for n := range sent {
		a.ID = fmt.Sprint(n)
		target.add(newDelivery(a, "am"), stored)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { target.bury(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	lost := int(target.status().Lost)
	until(t, "dead", func() bool { letters, _ := outbox.Letters(ctx); return len(letters) == lost })
	d := target.status()
	if d.PendingBytes > maxPendingBytes || lost == 0 || d.Pending+lost != sent || d.Dead != lost {
		t.Errorf("%+v", d)
	}
}
