package rotate

import (
	"testing"
	"time"
)

// Of two rekeys after a compromise the more urgent one sets the bound, whichever
// comes first.
func TestUrgentRekey(t *testing.T) {
	start := time.Unix(1_000_000, 0)
	for _, within := range [][]time.Duration{{time.Hour, 0}, {0, time.Hour}} {
		m := &Machine{params: Every(DefaultInterval), now: start, lanes: []lane{{id: Lane{Intent: "gold"}}}}
		m.lanes[0].current.epoch, m.disk.want.Epoch = 1, 1
		for _, w := range within {
			m.rotateNow(RotateNow{Within: w, Compromised: true})
		}
		if want := start.Add(m.params.ProveWithin); !m.proveBy.Equal(want) {
			t.Errorf("within %v: distrusted keys may stay until %s, want %s", within, m.proveBy, want)
		}
	}
}
