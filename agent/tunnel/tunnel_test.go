package tunnel

import (
	"crypto/x509"
	"errors"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/keiro-net/keiro/agent/internal/testlane"
	"github.com/keiro-net/keiro/agent/internal/testnet"
	"github.com/keiro-net/keiro/agent/keying"
	"github.com/keiro-net/keiro/agent/lane"
	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/peer"
	"github.com/keiro-net/keiro/agent/quantum"
	"github.com/keiro-net/keiro/keys/rotate"
)

func TestMain(m *testing.M) { testlane.Main(m) }

func config(peers ...nodecfg.Peer) *nodecfg.Config {
	lane := func(n int) nodecfg.Path {
		return nodecfg.Path{Name: []string{"gold/0", "gold/1"}[n], Tail: netip.MustParsePrefix("5f00:0:2::/48"), MTU: 1400,
			Lane: &nodecfg.Lane{ID: uint16(n + 7), Index: n, Peer: "b", Encryption: "pq"}}
	}
	return &nodecfg.Config{Node: "a", Locator: netip.MustParsePrefix("5f00:0:1::/48"), Peers: peers,
		Policies: []nodecfg.Policy{{Intent: "plain", Paths: []nodecfg.Path{{Name: "plain/0"}}}, {Intent: "gold", Paths: []nodecfg.Path{lane(0), lane(1)}}}}
}

// noKME is what a node without a KME has.
func noKME(t *testing.T) *quantum.KME {
	t.Helper()
	k, err := quantum.New(quantum.Options{Interval: time.Minute, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// A lane whose peer is not known, or not believed, is closed and says why; its
// interface is not taken away for that.
func TestPeerNotBelieved(t *testing.T) {
	s := &shelf{}
	l := newLanes(t, s)
	for _, tt := range []struct {
		cfg  *nodecfg.Config
		want string
	}{
		{config(), "the controller has not said yet who b is"},
		{config(nodecfg.Peer{Node: "b", Certificate: []byte("forged")}), "its lanes get no key: this node is not enrolled"},
	} {
		l.Set(tt.cfg, nil)
		select {
		case <-l.Changes():
		default:
			t.Error("nobody is told")
		}
		states := l.States()
		if len(states) != 2 || states[0].Name != "gold/0" || states[1].Name != "gold/1" {
			t.Fatalf("states %+v", states)
		}
		for _, s := range states {
			if s.Open || !strings.Contains(s.Reason, tt.want) {
				t.Errorf("%+v, want closed: %s", s, tt.want)
			}
		}
		s.keeps(t, "kr-w7", "kr-w8")
	}
	if l.Keying() != nil {
		t.Error("there are keys")
	}
	if r := l.Rotate(nodecfg.RotateRequest{ID: 3}); r.ID != 3 || r.Error != "this node has no lanes" {
		t.Errorf("rotated: %+v", r)
	}
	l.Set(&nodecfg.Config{Node: "a"}, nil)
	if len(l.States()) != 0 {
		t.Errorf("states %+v", l.States())
	}
	s.keeps(t)
}

// newLanes are Lanes of a node that is not enrolled.
func newLanes(t *testing.T, d Devices) *Lanes {
	t.Helper()
	l := New(Options{Node: "a", Dir: t.TempDir(), Devices: d, Log: slog.New(slog.DiscardHandler), Quantum: noKME(t), Authority: func() *x509.Certificate { return nil }})
	t.Cleanup(l.Close)
	return l
}

// No controller has keys that are to go stay for long.
func TestUrge(t *testing.T) {
	for _, tt := range []struct{ asked, want time.Duration }{
		{0, 0}, {-time.Second, 0}, {time.Minute, time.Minute}, {maxWithin, maxWithin}, {maxWithin + 1, maxWithin}, {1 << 62, maxWithin},
	} {
		r := nodecfg.RotateRequest{Within: tt.asked, Compromised: tt.asked > 0}
		if got := urge(r); got.Within != tt.want || got.Compromised != r.Compromised {
			t.Errorf("within %s: %+v", tt.asked, got)
		}
	}
}

// What a lane asks of the keyer follows from the Config alone, and a strength
// that nobody knows is taken for the greatest.
func TestLane(t *testing.T) {
	l := newLanes(t, &shelf{})
	p := config().Policies[1].Paths[1]
	id := rotate.Lane{Intent: "gold", Index: 1}
	got := l.lane(id, &p, peer.Peer{Node: "b", WireGuard: [32]byte{1}})
	end := netip.MustParseAddrPort("[5f00:0:2:10::8]:16392")
	if got.ID != id || got.Level != rotate.PQ || got.Interface != "kr-w8" || got.MTU != 1320 ||
		got.Config.Port != 16392 || got.Config.Peer.Endpoint != end || got.Config.Peer.Public != (lane.PublicKey{1}) {
		t.Errorf("%+v", got)
	}
	p.Lane.Encryption = "rot13"
	if got := l.lane(id, &p, peer.Peer{}); got.Level != rotate.QKD {
		t.Errorf("level %s", got.Level)
	}
}

func TestState(t *testing.T) {
	at := time.Unix(5, 0)
	l := &Lanes{dropped: map[string]uint64{"kr-w7": 6}}
	got := l.state("gold/0", keying.LaneState{Interface: "kr-w7", Peer: "b", Phase: keying.Draining, Reason: "QKD runs dry",
		Level: rotate.QKD, Epoch: 3, Since: at, Proven: true, Handshake: at, Sent: 8, Received: 9})
	want := nodecfg.LaneState{Name: "gold/0", Interface: "kr-w7", Peer: "b", Sent: 8, Received: 9, Dropped: 6, Open: true, Draining: true, Reason: "QKD runs dry", Level: "qkd", Epoch: 3, Keyed: at, Proven: true, Handshake: at}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := l.state("gold/0", keying.LaneState{Level: rotate.PQ}); got.Open || got.Level != "" {
		t.Errorf("without a key: %+v", got)
	}
}

// Interfaces come up as lanes need them, are found again, and go when nobody
// names them; those of others stay.
func TestMachine(t *testing.T) {
	n := testnet.New(t)
	m, err := NewMachine(testlane.Helpers(t), n.FD, Auto)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Find("kr-w7"); !errors.Is(err, lane.ErrLost) {
		t.Errorf("found before it is made: %v", err)
	}
	if _, err := n.Netlink().LinkByName("kr-w7"); err == nil {
		t.Error("to look for it has made it")
	}
	for _, mtu := range []int{1400, 1300} {
		dev, err := m.Open("kr-w7", mtu)
		if err != nil {
			t.Fatal(err)
		}
		if got := n.Link("kr-w7").Attrs(); got.MTU != mtu || got.Flags&1 == 0 {
			t.Errorf("MTU %d, flags %s", got.MTU, got.Flags)
		}
		if err := dev.Close(); err != nil {
			t.Error(err)
		}
	}
	dev, err := m.Find("kr-w7")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(dev.Silence(), dev.Close()); err != nil {
		t.Error(err)
	}
	for _, keep := range []string{"kr-w7", "kr-w8"} {
		if err := m.Keep(func(name string) bool { return name == keep }); err != nil {
			t.Fatal(err)
		}
		testnet.Eventually(t, "kept "+keep, func() bool {
			_, err := n.Netlink().LinkByName("kr-w7")
			return (err == nil) == (keep == "kr-w7")
		})
	}
	n.Link("lo")
}

// An agent may be told another Maker than the one before it: what that left is
// taken away. A veth stands for a lane of the kernel, which may have none.
func TestMaker(t *testing.T) {
	n := testnet.New(t)
	h := testlane.Helpers(t)
	m, err := NewMachine(h, n.FD, Helper)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Netlink().LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "kr-w7"}, PeerName: "other"}); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Find("kr-w7"); !errors.Is(err, lane.ErrLost) {
		t.Errorf("a veth is taken for a lane: %v", err)
	}
	for range 2 { // the second finds what the first made
		dev, err := m.Open("kr-w7", 1400)
		if err != nil {
			t.Fatal(err)
		}
		if got := n.Link("kr-w7"); got.Type() != helped {
			t.Errorf("a helper made type %s", got.Type())
		}
		if err := dev.Close(); err != nil {
			t.Error(err)
		}
	}
	var has lane.Answer
	if err := m.within(func() (err error) { has, err = lane.Kernel(); return err }); err != nil {
		t.Fatal(err)
	}
	m, err = NewMachine(h, n.FD, Kernel)
	if (err == nil) != (has == lane.Yes) {
		t.Errorf("the kernel has WireGuard: %v; error %v", has, err)
	}
	dev, err := m.Open("kr-w7", 1400)
	if (err == nil) != (has == lane.Yes) {
		t.Fatalf("the kernel has WireGuard: %v; opened with %v", has, err)
	}
	if err == nil {
		if got := n.Link("kr-w7"); got.Type() != "wireguard" {
			t.Errorf("the kernel made type %s", got.Type())
		}
		if err := errors.Join(dev.Close(), m.Keep(func(string) bool { return false })); err != nil {
			t.Error(err)
		}
	}
	testnet.Eventually(t, "nothing left", func() bool {
		_, err := n.Netlink().LinkByName("kr-w7")
		return err != nil
	})
	for _, word := range []string{"auto", "helper", "kernel"} {
		if err := new(Maker).UnmarshalText([]byte(word)); err != nil {
			t.Error(err)
		}
	}
	if err := new(Maker).UnmarshalText([]byte("tun")); err == nil {
		t.Error("took tun")
	}
}

// lowStore is a KME whose stores are low.
type lowStore struct{ *quantum.KME }

func (lowStore) Drain(peer string) string { return "the store shared with " + peer + " is low" }

// A lane that needs QKD keys drains while its store is low, whatever its key;
// one that needs none does not care. A lane that is closed says what it lacks.
func TestDrain(t *testing.T) {
	l := &Lanes{Options: Options{Quantum: lowStore{noKME(t)}}}
	for _, tt := range []struct {
		floor  rotate.Level
		phase  keying.Phase
		open   bool
		drains bool
		reason string
	}{
		{rotate.QKD, keying.Open, true, true, "the store shared with b is low"},
		{rotate.QKD, keying.Draining, true, true, "old; the store shared with b is low"},
		{rotate.QKD, keying.Closed, false, false, "old; the store shared with b is low"},
		{rotate.PQ, keying.Open, true, false, ""},
		{rotate.PQ, keying.Closed, false, false, "old"},
	} {
		in := keying.LaneState{Peer: "b", Floor: tt.floor, Phase: tt.phase, Level: rotate.QKD, Epoch: 1}
		if tt.phase != keying.Open {
			in.Reason = "old"
		}
		if got := l.state("gold/0", in); got.Open != tt.open || got.Draining != tt.drains || got.Reason != tt.reason {
			t.Errorf("%+v: %+v", tt, got)
		}
	}
}

// counting is a KME that keeps who wants its keys.
type counting struct {
	*quantum.KME
	lanes      map[string]int
	neighbours []string
}

func (c *counting) Watch(lanes map[string]int, neighbours []string) {
	c.lanes, c.neighbours = lanes, neighbours
}

// The lanes to a node share one store of QKD keys, whatever their intents: all
// that want such keys count.
func TestWhoWantsKeys(t *testing.T) {
	c := &counting{KME: noKME(t)}
	l := &Lanes{Options: Options{Quantum: c}}
	wants := func(intent, peer string, level rotate.Level) keying.Lane {
		return keying.Lane{ID: rotate.Lane{Intent: intent}, Peer: peer, Level: level}
	}
	l.watch(&nodecfg.Config{Links: []nodecfg.Link{{Peer: "d", QKD: true}, {Peer: "e"}}}, []keying.Lane{
		wants("gold", "b", rotate.QKD), wants("silver", "b", rotate.QKD), wants("iron", "b", rotate.PQ), wants("gold", "c", rotate.QKD),
	})
	if !maps.Equal(c.lanes, map[string]int{"b": 2, "c": 1}) || !slices.Equal(c.neighbours, []string{"d"}) {
		t.Errorf("lanes %v, neighbours %v", c.lanes, c.neighbours)
	}
}

// The stores of links are told of where there is no lane too.
func TestStoresOfLinks(t *testing.T) {
	l := newLanes(t, &shelf{})
	l.Set(&nodecfg.Config{Node: "a", Links: []nodecfg.Link{{Name: "a--b", Peer: "b", QKD: true}, {Name: "a--c", Peer: "c"}}}, nil)
	k := l.Keying()
	if k == nil || len(k.Stores) != 1 || k.Stores[0].Peer != "b" || k.Stores[0].State != "none" || !strings.Contains(k.Stores[0].Reason, "no KME") {
		t.Errorf("%+v", k)
	}
	l.Set(&nodecfg.Config{Node: "a"}, nil)
	if k := l.Keying(); k != nil {
		t.Errorf("without a QKD system: %+v", k)
	}
}
