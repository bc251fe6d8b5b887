package alert

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/keiro-net/keiro/controller/api/resource"
)

const (
	storeWithin = 10 * time.Second
	maxHold     = 24 * time.Hour // of a Retry-After that is believed
	userAgent   = "keiro-controller"
)

// errGone is the answer of an endpoint that wants no more (410).
var errGone = errors.New("it answered 410 Gone and is disabled")

// target is an endpoint at work: a queue, and the goroutines of its attempts.
type target struct {
	Endpoint
	cfg     Config
	url     string
	secrets []Secret
	client  *http.Client
	wake    chan struct{}

	mu    sync.Mutex
	queue queue
	tally resource.Delivery
}

func (t *target) add(d Delivery, stored <-chan struct{}) {
	t.mu.Lock()
	lost := t.queue.add(d, stored)
	t.mu.Unlock()
	if lost != nil {
		t.lose(lost, "too many wait for this endpoint")
	}
	t.rouse()
}

func (t *target) rouse() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

func (t *target) gone() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.tally.Disabled
}

func (t *target) status() resource.Delivery {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := t.tally
	out.Endpoint, out.Pending = t.Name, len(t.queue.items)
	return out
}

// run starts attempts as the queue says, until ctx ends and all have ended.
func (t *target) run(ctx context.Context) {
	var attempts sync.WaitGroup
	defer attempts.Wait()
	repeat := time.NewTicker(amRepeat)
	defer repeat.Stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		t.mu.Lock()
		due, wake := t.queue.start(time.Now())
		t.mu.Unlock()
		for _, i := range due {
			attempts.Go(func() { t.attempt(ctx, i) })
		}
		if !wake.IsZero() {
			timer.Reset(time.Until(wake))
		}
		select {
		case <-ctx.Done():
			return
		case <-t.wake:
		case <-timer.C:
		case <-repeat.C:
			t.repeat(ctx)
		}
	}
}

// repeat tells Alertmanager again what fires. Deliveries that wait go first,
// and the queue stands still meanwhile: an alert that is being resolved is
// not revived.
func (t *target) repeat(ctx context.Context) {
	if t.Kind != Alertmanager || t.cfg.Firing == nil || t.gone() || t.status().Pending > 0 {
		return
	}
	firing := t.cfg.Firing()
	if len(firing) == 0 {
		return
	}
	body, err := alertmanagerBody(firing, time.Now())
	if err == nil {
		_, err = t.post(ctx, "", body)
	}
	if err != nil && ctx.Err() == nil {
		t.cfg.Log.Warn("alerts not repeated", "endpoint", t.Name, "error", err)
	}
}

// attempt sends one delivery once and settles what becomes of it.
func (t *target) attempt(ctx context.Context, i *item) {
	defer t.rouse()
	body, err := t.body(i.Delivery, time.Now())
	var hold time.Time
	if err == nil {
		hold, err = t.post(ctx, i.ID, body)
	}
	if err != nil && ctx.Err() != nil {
		return // we stop; the outbox has it
	}
	now := time.Now()
	lost, disabled := false, false
	t.mu.Lock()
	switch {
	case err == nil:
		t.queue.delivered(i, now)
		t.tally.Delivered++
		t.tally.LastError = ""
	case errors.Is(err, errGone):
		disabled = true
	default:
		lost = t.queue.failed(i, now, hold, random())
		t.tally.Failed++
		t.tally.LastError = err.Error()
	}
	retry := i.next
	t.mu.Unlock()
	switch {
	case disabled:
		t.disable()
	case lost:
		t.lose(i, err.Error())
	case err != nil:
		t.cfg.Log.Warn("alert not delivered", "endpoint", t.Name, "delivery", i.ID, "alert", i.Alert.ID, "error", err, "retry", retry)
	default:
		t.forget(i)
	}
}

// disable gives up all that waits for an endpoint that wants no more.
func (t *target) disable() {
	t.mu.Lock()
	t.tally.Disabled, t.tally.LastError = true, errGone.Error()
	waiting := t.queue.items
	t.queue.items = nil
	t.mu.Unlock()
	for _, i := range waiting {
		t.lose(i, errGone.Error())
	}
}

func (t *target) lose(i *item, why string) {
	t.mu.Lock()
	t.tally.Lost++
	t.mu.Unlock()
	t.cfg.Log.Error("alert lost", "endpoint", t.Name, "delivery", i.ID, "alert", i.Alert.ID, "message", i.Alert.Message, "reason", why)
	t.forget(i)
}

// forget takes a delivery out of the outbox, once it is surely in it. If that
// fails it is sent again after a restart, which receivers know by its id.
func (t *target) forget(i *item) {
	<-i.stored
	ctx, cancel := context.WithTimeout(context.Background(), storeWithin)
	defer cancel()
	if err := t.cfg.Outbox.Delete(ctx, i.ID); err != nil {
		t.cfg.Log.Warn("delivered alert stays in the outbox", "delivery", i.ID, "error", err)
	}
}

// post makes one request. hold is until when the endpoint wants no other.
func (t *target) post(ctx context.Context, id string, body []byte) (hold time.Time, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, bytes.NewReader(body))
	if err != nil {
		return hold, fmt.Errorf("make the request: %w", redact(err))
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", userAgent)
	now := time.Now()
	if t.Kind != Alertmanager {
		sign(r.Header, t.secrets, id, now, body)
	}
	resp, err := t.client.Do(r)
	if err != nil {
		return hold, redact(err)
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 4096) // so that the connection can be used again
	switch status := resp.StatusCode; {
	case status/100 == 2:
		return hold, nil
	case status == http.StatusGone:
		return hold, errGone
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		hold = retryAfter(resp.Header.Get("Retry-After"), now)
	}
	return hold, fmt.Errorf("it answered %s", resp.Status)
}

// redact takes the URL out of an error, for it may hold a secret.
func redact(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// retryAfter reads RFC 9110 section 10.2.3: seconds or a date. The zero time:
// there is none, or none to be believed.
func retryAfter(field string, now time.Time) time.Time {
	at, err := http.ParseTime(field)
	if err != nil {
		seconds, err := strconv.ParseUint(field, 10, 31)
		if err != nil {
			return time.Time{}
		}
		at = now.Add(time.Duration(seconds) * time.Second)
	}
	if limit := now.Add(maxHold); at.After(limit) {
		return limit
	}
	return at
}
