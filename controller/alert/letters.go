package alert

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/keiro-net/keiro/controller/api/resource"
)

// Dead letters are bounded, of all endpoints together; beyond, the oldest goes.
const (
	maxLetters     = 1000
	maxLetterBytes = 8 << 20
)

// Letter is a delivery that was given up, kept so that it can be replayed.
type Letter struct {
	Delivery
	GivenUp  time.Time `json:"givenUp"`
	Attempts int       `json:"attempts"` // in the last life of the controller
	Reason   string    `json:"reason"`
}

// size is how many bytes a delivery takes in the outbox, about.
func (d *Delivery) size() int {
	text, err := json.Marshal(d)
	if err != nil {
		return maxMessage // cannot be: it is plain data
	}
	return len(text)
}

// letters are the dead letters, as the outbox has them.
type letters struct {
	outbox Outbox

	mu      sync.Mutex
	all     []Letter // the longest dead first
	bytes   int
	dropped map[string]uint64 // by endpoint
}

func (l *letters) load(ctx context.Context) (err error) {
	l.dropped = map[string]uint64{}
	if l.all, err = l.outbox.Letters(ctx); err != nil {
		return fmt.Errorf("read the dead letters: %w", err)
	}
	slices.SortStableFunc(l.all, func(a, b Letter) int { return a.GivenUp.Compare(b.GivenUp) })
	for n := range l.all {
		l.bytes += l.all[n].size()
	}
	return nil
}

// bury moves a delivery from the outbox to the dead letters, and those out for
// which there is no room any more.
func (l *letters) bury(ctx context.Context, letter Letter) error {
	l.mu.Lock()
	l.take(letter.ID)
	l.all = append(l.all, letter)
	l.bytes += letter.size()
	var dropped []string
	for len(l.all) > maxLetters || l.bytes > maxLetterBytes {
		oldest := l.all[0]
		l.take(oldest.ID)
		l.dropped[oldest.Endpoint]++
		dropped = append(dropped, oldest.ID)
	}
	l.mu.Unlock()
	return l.outbox.Bury(ctx, letter, dropped)
}

// take removes a letter; mu is held.
func (l *letters) take(id string) {
	at := slices.IndexFunc(l.all, func(x Letter) bool { return x.ID == id })
	if at >= 0 {
		l.bytes -= l.all[at].size()
		l.all = slices.Delete(l.all, at, at+1)
	}
}

func (l *letters) count(endpoint string) (dead int, dropped uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for n := range l.all {
		if l.all[n].Endpoint == endpoint {
			dead++
		}
	}
	return dead, l.dropped[endpoint]
}

// chosen are the letters with these ids, or all where none is given.
func (l *letters) chosen(ids []string) ([]Letter, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(ids) == 0 {
		return slices.Clone(l.all), nil
	}
	var out []Letter
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		at := slices.IndexFunc(l.all, func(x Letter) bool { return x.ID == id })
		if at < 0 {
			return nil, resource.Errorf(resource.NotFound, "no dead letter %s; `keiro alerts dead` lists them", id)
		}
		out = append(out, l.all[at])
	}
	slices.SortStableFunc(out, func(a, b Letter) int { return a.Created.Compare(b.Created) })
	return out, nil
}

// DeadLetters lists the alerts that were given up, the longest dead first.
func (s *Sender) DeadLetters() []resource.DeadLetter {
	all, _ := s.letters.chosen(nil) // only of ids that are not there is an error
	out := make([]resource.DeadLetter, len(all))
	for n := range all {
		out[n] = shown(all[n])
	}
	return out
}

func shown(l Letter) resource.DeadLetter {
	return resource.DeadLetter{ID: l.ID, Endpoint: l.Endpoint, Created: l.Created, GivenUp: l.GivenUp, Attempts: l.Attempts, Reason: l.Reason, Alert: l.Alert}
}

// Replay sends dead letters again, those with the ids or all where none is
// given, and returns them. They keep their ids, by which a receiver knows those
// that it has had. An endpoint that had said that it wants no more is asked
// again. What cannot be replayed is an error, and the rest stays dead.
func (s *Sender) Replay(ctx context.Context, ids []string) (out []resource.DeadLetter, err error) {
	s.replaying.Lock() // twice at once would send twice
	defer s.replaying.Unlock()
	chosen, err := s.letters.chosen(ids)
	if err != nil {
		return nil, err
	}
	if len(ids) > 0 {
		for _, l := range chosen {
			if s.target(l.Endpoint) == nil {
				return nil, resource.Errorf(resource.Conflict, "dead letter %s is for endpoint %s, which the alerting file has no more", l.ID, l.Endpoint)
			}
		}
	}
	stored := make(chan struct{})
	close(stored)
	for _, l := range chosen {
		t := s.target(l.Endpoint)
		if t == nil {
			continue
		}
		d := l.Delivery
		d.Created = time.Now().UTC()
		if err := s.cfg.Outbox.Revive(ctx, d); err != nil {
			return out, fmt.Errorf("replay %s: %w", l.ID, err)
		}
		s.letters.mu.Lock()
		s.letters.take(l.ID)
		s.letters.mu.Unlock()
		t.enable()
		t.add(d, stored)
		out = append(out, shown(l))
	}
	return out, nil
}

// enable lets an endpoint be asked again that wanted no more.
func (t *target) enable() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tally.Disabled = false
}
