package keying

import (
	"context"
	"errors"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/lane"
	"github.com/keiro-net/keiro/keys/rotate"
	"github.com/keiro-net/keiro/keys/secret"
)

// hanging is a KME that answers nobody until it is let go.
type hanging struct {
	asked atomic.Int64
	free  chan struct{}
}

func (q *hanging) Key(context.Context, string) (string, secret.Key, error) {
	q.asked.Add(1)
	<-q.free
	return "", secret.Key{}, errors.New("it has hung")
}

func (q *hanging) KeyByID(context.Context, string, string) (secret.Key, error) {
	return secret.Key{}, errors.New("it knows no key")
}

// A KME that hangs holds up nothing but the lanes that want its keys: others
// are keyed and, below their floor, silenced while it does; and however often
// those lanes ask again, what waits does not grow.
func TestKMEHangs(t *testing.T) {
	t.Parallel()
	const many = 3 * slots
	params := rotate.Every(rotate.DefaultInterval)
	params.QKDWait, params.Backoff, params.MaxWait = 300*time.Millisecond, time.Millisecond, 10*time.Millisecond
	q := &hanging{free: make(chan struct{})}
	hub := newAgent(t, "ada", netip.MustParseAddr("127.0.0.1"), params, q)
	bea := newAgent(t, "bea", netip.MustParseAddr("127.2.0.1"), params, nil)
	cyd := newAgent(t, "cyd", netip.MustParseAddr("127.2.0.2"), params, nil)
	t.Cleanup(func() { close(q.free) })

	plain, wanting := memoryLanes(t, "cyd", many, 1), memoryLanes(t, "bea", 0, many)
	plain[0].ID.Intent = "silver"
	far := memoryLanes(t, "ada", many, 1)
	far[0].ID.Intent = "silver"
	for i := range wanting {
		wanting[i].Level = rotate.QKD
	}
	toHub := memoryLanes(t, "ada", 0, many)
	for i := range toHub {
		toHub[i].Level = rotate.QKD
	}
	must(t, bea.Set([]Peer{hub.peer}, toHub))
	must(t, cyd.Set([]Peer{hub.peer}, far))
	peers := []Peer{bea.peer, cyd.peer}
	must(t, hub.Set(peers, wanting))
	eventually(t, "as many questions as may be", func() bool { return q.asked.Load() == slots })

	must(t, hub.Set(peers, append(wanting, plain...)))
	silver := func() LaneState {
		for _, l := range hub.Lanes() {
			if l.Lane.Intent == "silver" {
				return l
			}
		}
		return LaneState{}
	}
	eventually(t, "the other lane to be keyed", func() bool { return silver().Phase == Open })
	plain[0].Level = rotate.QKD
	must(t, hub.Set(peers, append(wanting, plain...)))
	eventually(t, "it to be silenced", func() bool {
		dev, err := hub.devices.Open(plain[0].Interface, 0)
		must(t, err)
		s, err := dev.Status()
		must(t, err)
		return s.Peer == lane.PublicKey{}
	})
	again := hub.Counters().Pairs.Started + 6
	eventually(t, "the lanes to ask again and again", func() bool { return hub.Counters().Pairs.Started >= again })
	if n := q.asked.Load(); n != slots {
		t.Errorf("%d questions, though none of the first %d has an answer", n, slots)
	}
	hub.mu.Lock()
	defer hub.mu.Unlock()
	for name, q := range hub.queues {
		if len(q.jobs) > 2 {
			t.Errorf("%d calls wait in %s", len(q.jobs), name)
		}
	}
}
