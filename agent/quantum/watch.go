package quantum

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/keys/qkd/level"
)

// store is what the KME has of keys shared with one peer.
type store struct {
	gauge *level.Gauge
	at    time.Time // of the KME's last word
	asked bool      // it has answered, or has not
	err   string    // why the last question has no answer
	told  said      // what Stores said when somebody was told last
}

// said is what of a store is worth telling.
type said struct {
	state  level.State
	known  bool
	reason string
}

const (
	// atOnce is how many questions are under way at a time.
	atOnce = 8
	// patience is how long a question may be under way before it is given up.
	patience = 5 * time.Second
)

// judge is how stores are judged, with lanes to the peer. Where there is none,
// the store is that of a link, which others' keys go over: one lane's.
func (k *KME) judge(lanes int) level.Config {
	low := cmp.Or(k.File.low, 15*k.Interval)
	return level.Config{
		PerKey: k.pace(lanes), Low: low, Enough: cmp.Or(k.File.enough, 2*low), Hold: 3 * k.poll(), MaxAge: 6*k.poll() + patience,
		Window: 10 * k.Interval, Spread: 4 * k.Interval,
	}
}

// pace is the least time between two keys on average. An epoch may come a
// tenth early.
func (k *KME) pace(lanes int) time.Duration {
	return max(k.Interval*9/10/time.Duration(max(lanes, 1)), 1)
}

func (k *KME) poll() time.Duration { return cmp.Or(k.File.poll, 10*time.Second) }

// Watch makes these the stores that are watched: of each peer of lanes that
// want QKD keys, with their number, and of the neighbours over links with a QKD
// system.
func (k *KME) Watch(lanes map[string]int, neighbours []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	watched, grown := make(map[string]*store), false
	share := make(map[string]int) // lanes by SAE: nodes of one SAE have one store
	for peer, n := range lanes {
		share[k.File.sae(peer)] += n
	}
	add := func(peer string) {
		s, takers := k.stores[peer], share[k.File.sae(peer)]
		if s == nil {
			gauge, _ := level.New(k.judge(takers)) // New has tried it
			s, grown = &store{gauge: gauge}, true
		}
		s.gauge.Pace(k.pace(takers))
		watched[peer] = s
	}
	for peer := range lanes {
		add(peer)
	}
	for _, peer := range neighbours {
		add(peer)
	}
	k.stores = watched
	if grown {
		signal(k.wake)
		signal(k.changes)
	}
}

// Run asks until ctx ends.
func (k *KME) Run(ctx context.Context) {
	if k.client == nil {
		<-ctx.Done()
		return
	}
	tick := time.NewTicker(k.poll())
	defer tick.Stop()
	for {
		k.ask(ctx)
		select {
		case <-ctx.Done():
			return
		case <-k.wake:
		case <-tick.C:
		}
	}
}

// ask asks once for each store.
func (k *KME) ask(ctx context.Context) {
	k.mu.Lock()
	var peers []string
	for peer := range k.stores {
		peers = append(peers, peer)
	}
	k.mu.Unlock()
	slots := make(chan struct{}, atOnce)
	var asking sync.WaitGroup
	for _, peer := range peers {
		slots <- struct{}{}
		asking.Go(func() {
			defer func() { <-slots }()
			status, err := k.client.Status(ctx, k.File.sae(peer))
			switch {
			case err == nil:
				k.observe(peer, status.Keys())
			case ctx.Err() == nil:
				k.missed(peer, err)
			}
		})
	}
	asking.Wait()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tell() // what nobody answers for grows old
}

// observe takes in how many keys there are.
func (k *KME) observe(peer string, keys int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if s := k.stores[peer]; s != nil {
		s.at, s.asked, s.err = time.Now(), true, ""
		s.gauge.Observe(s.at, keys)
		k.tell()
	}
}

func (k *KME) missed(peer string, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if s := k.stores[peer]; s != nil {
		s.asked, s.err = true, err.Error()
		k.tell()
	}
}

// tell says when a store is in another state than was told.
func (k *KME) tell() {
	now := time.Now()
	for peer, s := range k.stores {
		r := s.gauge.Read(now)
		new := said{r.State, r.Known, ""}
		if !r.Known {
			new.reason = s.err
		}
		if s.told == new {
			continue
		}
		s.told = new
		k.Log.Info("store of QKD keys", "peer", peer, "is", r.State.String(), "keys", r.Keys, "lasts", r.Lasts, "reason", s.err)
		signal(k.changes)
	}
}

// Stores tells of all stores that are watched, by peer. One that the KME has
// not been asked about yet is left out.
func (k *KME) Stores() []nodecfg.KeyStore {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	var all []nodecfg.KeyStore
	for peer, s := range k.stores {
		r := s.gauge.Read(now)
		if k.client != nil && !s.asked {
			continue
		}
		all = append(all, nodecfg.KeyStore{
			Peer: peer, State: r.State.String(), Known: r.Known, Keys: r.Keys, Lasts: r.Lasts.Microseconds(),
			At: s.at.Round(0), Reason: k.reason(s, r),
		})
	}
	slices.SortFunc(all, func(a, b nodecfg.KeyStore) int { return cmp.Compare(a.Peer, b.Peer) })
	return all
}

// Drain says why a lane to a peer is not to be counted on any more; "" it is,
// or nobody has asked yet.
func (k *KME) Drain(peer string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.stores[peer]
	if s == nil || k.client != nil && !s.asked {
		return ""
	}
	r := s.gauge.Read(time.Now())
	if r.State == level.Enough {
		return ""
	}
	return fmt.Sprintf("QKD keys shared with %s: %s", peer, k.reason(s, r))
}

// reason says in words what is wrong with a store; "" nothing.
func (k *KME) reason(s *store, r level.Reading) string {
	switch {
	case k.client == nil:
		return errNone.Error()
	case !r.Known && s.err == "":
		return "the KME has not said for too long how many there are"
	case !r.Known:
		return "nobody knows how many there are: " + s.err
	case r.State == level.None:
		return "none is left"
	case r.State == level.Low:
		return fmt.Sprintf("the store is low: %d left, for %s", r.Keys, rounded(r.Lasts))
	}
	return ""
}

// rounded is a time as people say it.
func rounded(d time.Duration) time.Duration {
	if d < time.Minute {
		return d.Round(time.Second)
	}
	return d.Round(time.Minute)
}
