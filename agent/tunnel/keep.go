package tunnel

import (
	"sync"
	"time"
)

// keep is which interfaces of lanes are to stay. Others are removed beside all
// else, and tried until they are: a helper that hangs takes seconds to find
// out, and nothing may wait for it.
type keep struct {
	wake chan struct{} // one slot: names may be others

	mu     sync.Mutex
	names  map[string]bool
	failed string // why some that are not wanted are still there
}

// keepAgain is the wait after some could not be removed.
const keepAgain = time.Second

// keepOnly says which interfaces are to stay from now on.
func (l *Lanes) keepOnly(names map[string]bool) {
	l.keep.mu.Lock()
	l.keep.names = names
	l.keep.mu.Unlock()
	select {
	case l.keep.wake <- struct{}{}:
	default:
	}
}

// keeps reports whether an interface is to stay. When the Lanes are closed
// nobody is there any more to say that one is not.
func (l *Lanes) keeps(name string) bool {
	select {
	case <-l.closed:
		return true
	default:
	}
	l.keep.mu.Lock()
	defer l.keep.mu.Unlock()
	return l.keep.names[name]
}

// clean removes the interfaces that are not to stay, until Close.
func (l *Lanes) clean() {
	var again <-chan time.Time // nil: never
	tries := 0
	for {
		select {
		case <-l.closed:
			return
		case <-l.keep.wake:
		case <-again:
		}
		again = nil
		failed := ""
		if err := l.Devices.Keep(l.keeps); err == nil {
			tries = 0
		} else {
			again = time.After(keepAgain)
			// Once may be chance: a list that changed while it was read, a
			// helper that was slow to end.
			if tries++; tries > 1 {
				failed = err.Error()
			}
		}
		l.keep.mu.Lock()
		was := l.keep.failed
		l.keep.failed = failed
		l.keep.mu.Unlock()
		if was == failed {
			continue
		}
		if failed == "" {
			l.Log.Info("interfaces of lanes that are gone are removed")
		} else {
			l.Log.Error("interfaces of lanes that are gone are not removed", "error", failed)
		}
		l.notify()
	}
}

// unkept is why interfaces are there that are not to stay; "": there are none,
// as far as is known.
func (l *Lanes) unkept() string {
	l.keep.mu.Lock()
	defer l.keep.mu.Unlock()
	return l.keep.failed
}
