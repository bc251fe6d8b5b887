package keying

import (
	"bytes"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/lane"
	"github.com/keiro-net/keiro/keys/secret"
)

// somebody opens the device of a lane past the Keyer, until the end of the test.
func (n *node) somebody(t testing.TB, id int) lane.Device {
	t.Helper()
	d := n.past(t, id)
	t.Cleanup(func() { d.Close() })
	return d
}

// past opens the device of a lane past the Keyer.
func (n *node) past(t testing.TB, id int) lane.Device {
	t.Helper()
	var d lane.Device
	var err error
	n.Do(func() error {
		d, err = n.device(fmt.Sprintf("kr-w%d", id), 1380)
		return nil
	})
	must(t, err)
	return d
}

// Whatever others change of a lane is put back, and told once.
func TestLaneDrifts(t *testing.T) {
	t.Parallel()
	_, a, b := newPair(t, 1)
	works(t, a, b, 1)
	d := a.somebody(t, 1)
	good := a.status(t, 1)
	other, err := secret.New(bytes.Repeat([]byte{1}, secret.Size))
	must(t, err)
	change := func(f func(*lane.Config)) func() error {
		return func() error {
			c := lane.Config{Private: a.private, Port: good.Port, Peer: lane.Peer{Public: good.Peer, Endpoint: good.Endpoint,
				Preshared: other, Keepalive: good.Keepalive}}
			f(&c)
			return d.Set(c)
		}
	}
	for i, tt := range []struct {
		what string
		do   func() error
	}{
		{"peer", d.Silence},
		{"endpoint", change(func(c *lane.Config) { c.Peer.Endpoint = netip.MustParseAddrPort("[2001:db8::66]:666") })},
		{"public key of the peer", change(func(c *lane.Config) { c.Peer.Public = lane.PublicKey{1, 2, 3} })},
		{"private key", change(func(c *lane.Config) { c.Private = other })},
		{"persistent-keepalive", change(func(c *lane.Config) { c.Peer.Keepalive = 77 * time.Second })},
	} {
		must(t, tt.do())
		eventually(t, "put back: "+tt.what, func() bool {
			all := a.keyer.Drifts()
			return len(all) == i+1 && all[i].What == tt.what && all[i].Lane.Intent == "gold" && !all[i].Restored.IsZero()
		})
		t.Logf("%s: known after at most a look, put back %s later", tt.what, a.keyer.Drifts()[i].Restored.Sub(a.keyer.Drifts()[i].At))
		eventually(t, "as it was: "+tt.what, func() bool {
			s := a.status(t, 1)
			return s.Peer == good.Peer && s.Endpoint == good.Endpoint && s.Public == good.Public && s.Keepalive == good.Keepalive
		})
		works(t, a, b, 1)
	}
	if n := len(b.keyer.Drifts()); n > 0 {
		t.Errorf("%d drifts at the other end", n)
	}
}

// What was changed of a lane that is not wanted any more is over.
func TestDriftOfLaneThatGoes(t *testing.T) {
	t.Parallel()
	_, a, b := newPair(t, 1)
	works(t, a, b, 1)
	a.keyer.mu.Lock()
	for _, l := range a.keyer.peers[b.name].lanes {
		a.keyer.drift(l, "peer")
	}
	a.keyer.mu.Unlock()
	a.set(nil)
	eventually(t, "nothing stands", func() bool {
		all := a.keyer.Drifts()
		return len(all) == 1 && !all[0].Restored.IsZero()
	})
}
