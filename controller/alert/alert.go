// Package alert tells the world: it sends each alert to every endpoint that an
// operator configured, at once, and again until it is acknowledged or 75 hours
// have passed; what is given up is kept as a dead letter. It speaks signed
// webhooks (controller/alert/webhook), Alertmanager's v2 API and Alertmanager's
// receiver payload. It never decides what is an alert (controller/core does),
// never drops one silently and never speaks to a network that an endpoint was
// not allowed (controller/alert/egress). The controller hands alerts over with
// Send. docs/alerts.md says what is guaranteed.
package alert

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/keiro-net/keiro/controller/api/resource"
)

// patience is how long an alert waits for a slow store before it is sent all
// the same: a stalled disk must not silence it.
const patience = 5 * time.Millisecond

// Delivery is one alert on its way to one endpoint.
type Delivery struct {
	ID       string         `json:"id"` // unique; the same for the same alert and endpoint
	Endpoint string         `json:"endpoint"`
	Created  time.Time      `json:"created"`
	Alert    resource.Alert `json:"alert"`
}

// Outbox keeps deliveries over a restart. The controller's store is one.
type Outbox interface {
	Put(ctx context.Context, deliveries []Delivery) error // all or none
	Delete(ctx context.Context, id string) error          // absent is no error
	List(ctx context.Context) ([]Delivery, error)
	// Bury puts a Letter in the place of its delivery and drops others by their ids.
	Bury(ctx context.Context, letter Letter, dropped []string) error
	Letters(ctx context.Context) ([]Letter, error)
	// Revive puts a delivery in the place of its letter.
	Revive(ctx context.Context, d Delivery) error
}

// Config is what a Sender needs.
type Config struct {
	Endpoints []Endpoint
	Outbox    Outbox
	Log       *slog.Logger
	// Firing returns the alerts that fire now. Alertmanager forgets alerts
	// that are not repeated, so it is told again every minute. nil: never.
	Firing func() []*resource.Alert
	// Own reports whether the controller listens at an address itself, where no
	// endpoint may lead. nil: it listens nowhere.
	Own func(netip.AddrPort) bool
}

// Sender sends alerts. Its methods may be called at the same time.
type Sender struct {
	cfg       Config
	targets   []*target
	letters   *letters
	replaying sync.Mutex
}

// New returns a Sender that sends nothing before Run. It reads the files that
// the endpoints name, and what an earlier life left in the outbox.
func New(ctx context.Context, cfg Config) (*Sender, error) {
	if cfg.Outbox == nil || cfg.Log == nil {
		return nil, errors.New("alert sender: Outbox and Log must be given")
	}
	s := &Sender{cfg: cfg, letters: &letters{outbox: cfg.Outbox}}
	names := map[string]bool{}
	for _, e := range cfg.Endpoints {
		if names[e.Name] {
			return nil, fmt.Errorf("alert endpoint %s: the name is used twice", e.Name)
		}
		names[e.Name] = true
		t, err := newTarget(e, cfg)
		if err != nil {
			return nil, fmt.Errorf("alert endpoint %s: %w", e.Name, err)
		}
		t.letters = s.letters
		s.targets = append(s.targets, t)
	}
	return s, s.load(ctx)
}

// load takes up what an earlier life left in the outbox, in the order in which
// it was told.
func (s *Sender) load(ctx context.Context) error {
	if err := s.letters.load(ctx); err != nil {
		return err
	}
	left, err := s.cfg.Outbox.List(ctx)
	if err != nil {
		return fmt.Errorf("read the alerts not yet delivered: %w", err)
	}
	slices.SortStableFunc(left, func(a, b Delivery) int { return a.Created.Compare(b.Created) })
	stored := make(chan struct{})
	close(stored)
	for _, d := range left {
		if t := s.target(d.Endpoint); t != nil {
			t.add(d, stored)
			continue
		}
		s.cfg.Log.Error("alert given up: its endpoint is configured no more", "endpoint", d.Endpoint, "delivery", d.ID)
		letter := Letter{Delivery: d, GivenUp: time.Now().UTC(), Reason: "its endpoint is configured no more"}
		if err := s.letters.bury(ctx, letter); err != nil {
			return fmt.Errorf("keep the dead letter %s: %w", d.ID, err)
		}
	}
	return nil
}

// Run sends until ctx ends and all attempts have ended.
func (s *Sender) Run(ctx context.Context) {
	var running sync.WaitGroup
	for _, t := range s.targets {
		running.Go(func() { t.run(ctx) })
	}
	running.Wait()
}

func (s *Sender) target(name string) *target {
	for _, t := range s.targets {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// Send hands an alert over. Once it returns nil the alert is kept over a
// restart; it is sent before that if the store is slow, and also where it
// fails, which is the error returned. It waits for no endpoint.
func (s *Sender) Send(ctx context.Context, a resource.Alert) error {
	a = fit(a) // what waits is bounded as well
	deliveries := make([]Delivery, 0, len(s.targets))
	for _, t := range s.targets {
		if !t.gone() {
			deliveries = append(deliveries, newDelivery(a, t.Name))
		}
	}
	if len(deliveries) == 0 {
		return nil
	}
	var err error
	stored := make(chan struct{})
	go func() {
		err = s.cfg.Outbox.Put(ctx, deliveries)
		close(stored)
	}()
	wait := time.NewTimer(patience)
	defer wait.Stop()
	select {
	case <-stored:
	case <-wait.C:
	}
	for _, d := range deliveries {
		s.target(d.Endpoint).add(d, stored)
	}
	<-stored
	if err != nil {
		return fmt.Errorf("keep the alert %s: it would not outlive a restart: %w", a.ID, err)
	}
	return nil
}

// newDelivery derives the id from what is told, so that the same alert handed
// over twice is the same delivery.
func newDelivery(a resource.Alert, endpoint string) Delivery {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q %d %d", endpoint, a.ID, a.Status, a.DetectedAt.UnixNano(), a.ResolvedAt.UnixNano())
	fmt.Fprintf(h, "%q %q %q %d", a.Severity, a.After, a.IntentsHit, a.Updates)
	return Delivery{ID: "msg_" + hex.EncodeToString(h.Sum(nil)[:16]), Endpoint: endpoint, Created: time.Now().UTC(), Alert: a}
}

// Deliveries says how the endpoints fare, in the order configured.
func (s *Sender) Deliveries() []resource.Delivery {
	out := make([]resource.Delivery, len(s.targets))
	for i, t := range s.targets {
		out[i] = t.status()
	}
	return out
}

func random() float64 { return rand.Float64() }
