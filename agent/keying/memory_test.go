package keying

import (
	"slices"
	"sync"
	"time"

	"github.com/keiro-net/keiro/agent/lane"
	"github.com/keiro-net/keiro/keys/secret"
)

// memory is a device that does nothing but remember, so that what is measured
// is all but WireGuard.
type memory struct {
	mu     sync.Mutex
	status lane.Status
	psk    [secret.Size]byte
	deaf   error    // why it is not silenced
	mute   error    // why it neither takes a key nor tells its status
	calls  []string // to change it, and to let go of it
}

func (m *memory) Set(c lane.Config) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.mute != nil {
		return m.mute
	}
	m.calls = append(m.calls, "set")
	m.status.Peer, m.status.Endpoint, m.status.Keepalive = c.Peer.Public, c.Peer.Endpoint, c.Peer.Keepalive
	return nil
}

func (m *memory) SetPreshared(_ lane.PublicKey, k secret.Key) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls = append(m.calls, "key")
	m.psk = [secret.Size]byte(k.Bytes())
	m.status.Handshake = time.Now().Add(1500 * time.Millisecond) // traffic has WireGuard make one
	return nil
}

func (m *memory) Handshake() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.status.Handshake = time.Now()
	return nil
}

func (m *memory) Silence() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.deaf != nil {
		m.calls = append(m.calls, "deaf")
		return m.deaf
	}
	m.calls = append(m.calls, "silence")
	m.status.Peer = lane.PublicKey{}
	return nil
}

func (m *memory) Status() (lane.Status, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.status, m.mute
}

func (m *memory) Lost() <-chan struct{} { return nil }

func (m *memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls = append(m.calls, "close")
	return nil
}

// deafen makes it fail to be silenced, or with nil no more.
func (m *memory) deafen(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.deaf = err
}

// muted makes it answer nothing but an order to be silent, or with nil all again.
func (m *memory) muted(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mute = err
}

// called are the calls so far.
func (m *memory) called() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.calls)
}

// count is how often it was called so.
func (m *memory) count(call string) (n int) {
	for _, c := range m.called() {
		if c == call {
			n++
		}
	}
	return n
}

func (m *memory) preshared() [secret.Size]byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.psk
}

func (m *memory) silent() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.status.Peer == lane.PublicKey{}
}

// memories are Devices of one Keyer.
type memories struct {
	mu    sync.Mutex
	all   map[string]*memory
	hangs func(name string) bool // when it is opened
	stuck chan struct{}          // until this is closed
}

func (d *memories) Open(name string, _ int) (lane.Device, error) {
	d.mu.Lock()
	if d.hangs != nil && d.hangs(name) {
		stuck := d.stuck
		d.mu.Unlock()
		<-stuck
		d.mu.Lock()
	}
	defer d.mu.Unlock()
	if d.all[name] == nil {
		d.all[name] = &memory{}
	}
	return d.all[name], nil
}

func (d *memories) Find(name string) (lane.Device, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all[name] == nil {
		return nil, lane.ErrLost
	}
	return d.all[name], nil
}

// device is one that was opened.
func (d *memories) device(name string) *memory {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.all[name]
}

// jam has those that are named so hang when they are opened, until the end of
// the test or the call of release.
func (d *memories) jam(hangs func(name string) bool) (release func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stuck, d.hangs = make(chan struct{}), hangs
	return sync.OnceFunc(func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.hangs = nil
		close(d.stuck)
	})
}
