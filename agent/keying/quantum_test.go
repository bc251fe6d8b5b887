package keying

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keiro-net/keiro/keys/rotate"
	"github.com/keiro-net/keiro/keys/secret"
)

// kme hands each key out twice: once new, once by its name.
type kme struct {
	t    testing.TB
	mu   sync.Mutex
	n    int
	keys map[string]secret.Key
	dry  bool
}

func newKME(t testing.TB) *kme { return &kme{t: t, keys: map[string]secret.Key{}} }

func (q *kme) Key(context.Context, string) (string, secret.Key, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.dry {
		return "", secret.Key{}, errors.New("no key left")
	}
	q.n++
	id, k := fmt.Sprintf("key-%d", q.n), random(q.t)
	q.keys[id] = k
	mine, err := secret.New(k.Bytes())
	return id, mine, err
}

func (q *kme) KeyByID(_ context.Context, _, id string) (secret.Key, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	k, ok := q.keys[id]
	if !ok {
		return secret.Key{}, errors.New("no such key")
	}
	delete(q.keys, id)
	return k, nil
}

// A lane that needs QKD gets a key with one of the KME in it, and no new one
// where there is none; the lane beside it rotates.
func TestQuantum(t *testing.T) {
	t.Parallel()
	w := newLAN(t, "aki", "bea")
	a, b := w.nodes[0], w.nodes[1]
	q := newKME(t)
	for _, n := range w.nodes {
		n.quantum = q
		n.start()
	}
	for n, far := range map[*node]*node{a: b, b: a} {
		beside := n.lane(far, 2, rotate.PQ)
		beside.ID.Intent = "silver" // an intent has one floor
		n.set([]*node{far}, n.lane(far, 1, rotate.QKD), beside)
	}
	eventually(t, "both lanes are keyed", func() bool {
		l, far := a.keyer.Lanes(), b.keyer.Lanes()
		return len(l) == 2 && len(far) == 2 && l[0].Phase == Open && l[1].Phase == Open && far[0].Phase == Open && far[1].Phase == Open
	})
	works(t, a, b, 1)
	works(t, a, b, 2)
	q.mu.Lock()
	if l := a.keyer.Lanes()[0]; l.Level != rotate.QKD || q.n == 0 {
		t.Errorf("%+v, %d keys", l, q.n)
	}
	q.dry = true
	q.mu.Unlock()
	before := a.keyer.Lanes()
	a.keyer.Rekey(b.name, rotate.RotateNow{})
	eventually(t, "the lane without QKD rotates", func() bool { return a.keyer.Lanes()[1].Epoch > before[1].Epoch })
	if l := a.keyer.Lanes()[0]; l.Epoch != before[0].Epoch || l.Phase != Open {
		t.Errorf("%+v, before %+v", l, before[0])
	}
}

// slow is a KME whose first answer is what the test says, when it says so.
type slow struct {
	*kme
	calls  atomic.Int64
	answer chan secret.Key
}

func (q *slow) Key(ctx context.Context, peer string) (string, secret.Key, error) {
	if q.calls.Add(1) > 1 {
		return q.kme.Key(ctx, peer)
	}
	if k := <-q.answer; k.Present() {
		return "old", k, nil
	}
	return "", secret.Key{}, errors.New("no key left")
}

// An answer to a question that the lane has given up is none to the next one:
// no key does not make it miss the epoch, and a key is erased.
func TestAnswersOutOfTime(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]secret.Key{"no key": {}, "a key": random(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			params := testParams()
			params.QKDWait = time.Hour
			q := &slow{kme: newKME(t), answer: make(chan secret.Key)}
			hub, far := newAgent(t, "ada", loopback(t), params, q), newAgent(t, "bea", loopback(t), params, q.kme)
			ours, theirs := memoryLanes(t, "bea", 0, 1), memoryLanes(t, "ada", 0, 1)
			ours[0].Level, theirs[0].Level = rotate.QKD, rotate.QKD
			must(t, far.Set([]Peer{hub.peer}, theirs))
			must(t, hub.Set([]Peer{far.peer}, ours))
			eventually(t, "a question", func() bool { return q.calls.Load() == 1 })
			hub.Rekey("bea", rotate.RotateNow{Compromised: true}) // what is under way is given up
			waits := func() bool {
				hub.mu.Lock()
				defer hub.mu.Unlock()
				q := hub.queues["QKD bea gold/0"]
				return q != nil && len(q.jobs) == 2
			}
			eventually(t, "another question behind it", waits)
			began := hub.Counters().Pairs.Started
			q.answer <- late
			agreed(t, 1, hub, []*agent{far})
			if c := hub.Counters().Pairs; c.Started != began || c.Committed != 1 {
				t.Errorf("%d attempts more: %+v", c.Started-began, c)
			}
			if late.Present() {
				t.Error("the late key is still there")
			}
			if l := hub.Lanes()[0]; l.Level != rotate.QKD {
				t.Errorf("%+v", l)
			}
		})
	}
}
