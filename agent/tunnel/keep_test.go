package tunnel

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/internal/testnet"
	"github.com/keiro-net/keiro/agent/keying"
	"github.com/keiro-net/keiro/agent/lane"
	"github.com/keiro-net/keiro/agent/nodecfg"
)

// shelf is Devices that make nothing.
type shelf struct {
	mu    sync.Mutex
	kept  []string      // of those that there may be
	fails error         // to remove others
	tried atomic.Int64  // how often
	hangs chan struct{} // nil: never; each time until a value comes
}

func (*shelf) Open(string, int) (lane.Device, error) { return nil, errors.New("no device here") }

func (*shelf) Find(string) (lane.Device, error) { return nil, lane.ErrLost }

func (*shelf) Dropped() (map[string]uint64, error) { return nil, nil }

// Keep looks at kr-w7 to kr-w9, one after the other, and hangs after the first.
func (s *shelf) Keep(wanted func(string) bool) error {
	s.tried.Add(1)
	var kept []string
	for i, name := range []string{"kr-w7", "kr-w8", "kr-w9"} {
		if wanted(name) {
			kept = append(kept, name)
		}
		if i == 0 && s.hangs != nil {
			<-s.hangs
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = kept
	return s.fails
}

// keeps waits until these were kept, and no others.
func (s *shelf) keeps(t *testing.T, names ...string) {
	t.Helper()
	testnet.Eventually(t, "kept "+strings.Join(names, ", "), func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.tried.Load() > 0 && slices.Equal(s.kept, names)
	})
}

// Nobody waits until an interface is removed, and one that is wanted again
// before it is its turn stays.
func TestRemovalHangs(t *testing.T) {
	t.Parallel()
	s := &shelf{hangs: make(chan struct{})}
	l := newLanes(t, s)
	l.Set(&nodecfg.Config{Node: "a"}, nil)
	testnet.Eventually(t, "a removal that hangs", func() bool { return s.tried.Load() == 1 })
	l.Set(config(), nil)
	s.hangs <- struct{}{}
	s.keeps(t, "kr-w8") // kr-w7 was gone by then
	s.hangs <- struct{}{}
	s.keeps(t, "kr-w7", "kr-w8")
}

// An interface that cannot be removed is told of, though not the first time,
// and tried again until it is gone.
func TestRemovalFails(t *testing.T) {
	t.Parallel()
	s := &shelf{fails: errors.New("kr-w9 hangs")}
	l := newLanes(t, s)
	l.Set(&nodecfg.Config{Node: "a"}, nil)
	for l.Keying() == nil {
		select {
		case <-l.Changes():
		case <-time.After(testnet.Deadline):
			t.Fatal("nobody is told")
		}
	}
	if n := s.tried.Load(); n < 2 {
		t.Errorf("told after %d", n)
	}
	if a := l.Keying().Alarms; len(a) != 1 || a[0].Name != keying.SilenceError || !strings.Contains(a[0].Message, "kr-w9 hangs") {
		t.Errorf("alarms %+v", a)
	}
	testnet.Eventually(t, "more tries", func() bool { return s.tried.Load() >= 3 })
	s.mu.Lock()
	s.fails = nil
	s.mu.Unlock()
	testnet.Eventually(t, "the alarm is over", func() bool { return l.Keying() == nil })
}
