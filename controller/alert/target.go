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
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/keiro-net/keiro/controller/alert/webhook"
	"github.com/keiro-net/keiro/controller/api/resource"
)

const (
	storeWithin = 10 * time.Second
	drainWithin = time.Second
	maxDrain    = 4096           // bytes
	maxHold     = 24 * time.Hour // of a Retry-After that is believed
	userAgent   = "keiro-controller"
)

// errGone is the answer of an endpoint that wants no more (410).
var errGone = errors.New("it answered 410 Gone and is disabled")

// target is an endpoint at work: a queue, and the goroutines of its attempts.
type target struct {
	Endpoint
	cfg     Config
	letters *letters
	url     string
	keys    []webhook.Key
	client  *http.Client
	wake    chan struct{}
	grave   chan struct{}

	mu    sync.Mutex
	queue queue
	tally resource.Delivery
	ended []ended // done with, and to be taken out of the outbox
}

// ended is a delivery that is done with: stale, or given up for a reason.
type ended struct {
	*item
	why string // "": stale
}

func (t *target) add(d Delivery, stored <-chan struct{}) {
	size := d.size()
	t.mu.Lock()
	stale, lost := t.queue.add(d, size, stored)
	if stale != nil {
		t.ended = append(t.ended, ended{item: stale})
	}
	t.mu.Unlock()
	for _, i := range lost {
		t.lose(i, "too much waits for this endpoint")
	}
	rouse(t.wake)
	rouse(t.grave)
}

func rouse(wake chan struct{}) {
	select {
	case wake <- struct{}{}:
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
	out.Endpoint, out.Pending, out.PendingBytes = t.Name, len(t.queue.items), t.queue.bytes
	out.Dead, out.DeadDropped = t.letters.count(t.Name)
	return out
}

// run starts attempts as the queue says, until ctx ends and all have ended.
func (t *target) run(ctx context.Context) {
	var attempts sync.WaitGroup
	defer attempts.Wait()
	attempts.Go(func() { t.bury(ctx) })
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
		var a answer
		a, err = t.post(ctx, "", body)
		a.drain()
	}
	if err != nil && ctx.Err() == nil {
		t.cfg.Log.Warn("alerts not repeated", "endpoint", t.Name, "error", err)
	}
}

// attempt sends one delivery once and settles what becomes of it.
func (t *target) attempt(ctx context.Context, i *item) {
	defer rouse(t.wake)
	body, err := t.body(i.Delivery, time.Now())
	var a answer
	if err == nil {
		a, err = t.post(ctx, i.ID, body)
		defer func() { a.drain() }() // after all is settled: it may take its time
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
		lost = t.queue.failed(i, now, a.hold, random())
		t.tally.Failed++
		t.tally.LastError = err.Error()
	}
	retry := i.next
	t.mu.Unlock()
	rouse(t.wake)
	switch {
	case disabled:
		t.disable()
	case lost:
		t.lose(i, "no attempt of 75 hours succeeded; the last: "+err.Error())
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
	t.queue.items, t.queue.bytes = nil, 0
	t.mu.Unlock()
	for _, i := range waiting {
		t.lose(i, errGone.Error())
	}
}

// lose gives a delivery up: it becomes a dead letter. It waits for no store.
func (t *target) lose(i *item, why string) {
	t.mu.Lock()
	t.tally.Lost++
	t.ended = append(t.ended, ended{i, why})
	t.mu.Unlock()
	t.cfg.Log.Error("alert given up; `keiro alerts dead` lists it", "endpoint", t.Name, "delivery", i.ID, "alert", i.Alert.ID, "message", i.Alert.Message, "reason", why)
	rouse(t.grave)
}

// bury takes what is done with out of the outbox, until ctx ends. What it
// does not come to is tried again after a restart.
func (t *target) bury(ctx context.Context) {
	for {
		t.mu.Lock()
		all := t.ended
		t.ended = nil
		t.mu.Unlock()
		for _, e := range all {
			if e.why == "" {
				t.forget(e.item)
			} else {
				t.entomb(e)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-t.grave:
		}
	}
}

// entomb makes a dead letter of a delivery. Where the store fails, it is still
// in the outbox, and tried again after a restart.
func (t *target) entomb(e ended) {
	<-e.stored
	letter := Letter{Delivery: e.Delivery, GivenUp: time.Now().UTC(), Attempts: e.attempts, Reason: e.why}
	ctx, cancel := context.WithTimeout(context.Background(), storeWithin)
	defer cancel()
	if err := t.letters.bury(ctx, letter); err != nil {
		t.cfg.Log.Warn("dead letter is not kept", "delivery", e.ID, "error", err)
	}
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

// answer is what came of a request.
type answer struct {
	hold  time.Time // until when the endpoint wants no other; zero: it may
	body  io.ReadCloser
	abort context.CancelFunc
}

// drain reads a short body to its end, so that the connection can be used
// again, and no longer than drainWithin: who drips it wins nothing.
func (a answer) drain() {
	if a.body == nil {
		return
	}
	stop := time.AfterFunc(drainWithin, a.abort)
	_, _ = io.CopyN(io.Discard, a.body, maxDrain)
	_ = a.body.Close()
	stop.Stop()
	a.abort()
}

// post makes one request. The caller drains the answer.
func (t *target) post(ctx context.Context, id string, body []byte) (a answer, err error) {
	ctx, abort := context.WithCancel(ctx)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, bytes.NewReader(body))
	if err != nil {
		abort()
		return a, fmt.Errorf("make the request: %w", redact(err))
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", userAgent)
	now := time.Now()
	if t.Kind != Alertmanager {
		webhook.Sign(r.Header, t.keys, id, now, body)
	}
	resp, err := t.client.Do(r) //nolint:bodyclose // answer.drain closes it, after all is settled
	if err != nil {
		abort()
		return a, redact(err)
	}
	a.body, a.abort = resp.Body, abort
	switch status := resp.StatusCode; {
	case status/100 == 2:
		return a, nil
	case status == http.StatusGone:
		return a, errGone
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		a.hold = retryAfter(resp.Header.Get("Retry-After"), now)
	}
	return a, fmt.Errorf("it answered %s", short(resp.Status))
}

// short bounds what a receiver says of itself and keeps it on one line.
func short(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
	return text[:min(len(text), 100)]
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
