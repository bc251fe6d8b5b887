package routers

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keiro-net/keiro/bgp"
	"github.com/keiro-net/keiro/bgp/file"
	"github.com/keiro-net/keiro/bgp/fsm"
	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/lsdb/lsdbtest"
	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/controller/core"
	"github.com/keiro-net/keiro/topology"
)

// Deadlines are for what must happen, on a machine that is busy.
const (
	deadline      = 30 * time.Second
	benchDeadline = 5 * time.Minute
)

// robot is a router at an address of 127.0.0.0/8 that says what a test wants, over
// a session that it has opened like any other, and keeps what it is told.
type robot struct {
	t        testing.TB
	listener net.Listener
	families []message.Family
	tcp      net.Conn
	mu       sync.Mutex
	heard    []message.Update
	open     *message.Open
}

// newRobot makes one, and the peer that it is.
func newRobot(t testing.TB, name, address string, families ...message.Family) (*robot, file.Peer) {
	t.Helper()
	l, err := net.Listen("tcp4", address+":0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	at := netip.MustParseAddrPort(l.Addr().String())
	return &robot{t: t, listener: l, families: families},
		file.Peer{Peer: bgp.Peer{Name: name, Address: at.Addr(), Port: at.Port(), AS: 65000, Families: families}}
}

// greet takes a connection and opens the session.
func (b *robot) greet() {
	b.t.Helper()
	tcp, err := b.listener.Accept()
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { tcp.Close() })
	b.tcp = tcp
	id := b.listener.Addr().(*net.TCPAddr).IP.To4()
	b.write(message.AppendKeepalive(message.AppendOpen(nil, message.Open{
		AS: 65000, HoldTime: time.Minute, ID: netip.AddrFrom4([4]byte(id)),
		Capabilities: message.Capabilities{Families: b.families, Extended: true, FourOctetAS: true},
	})))
	go b.listen(tcp)
	go func() { // the hold time is a minute, and tests on a busy machine may be longer
		for b.t.Context().Err() == nil {
			time.Sleep(10 * time.Second)
			if _, err := tcp.Write(message.AppendKeepalive(nil)); err != nil {
				return
			}
		}
	}()
}

func (b *robot) listen(tcp net.Conn) {
	r := bufio.NewReader(tcp)
	for {
		head := make([]byte, message.HeaderLen)
		if _, err := io.ReadFull(r, head); err != nil {
			return
		}
		h, err := message.ParseHeader(head, true)
		if err != nil {
			return
		}
		body := make([]byte, h.Len-message.HeaderLen)
		if _, err := io.ReadFull(r, body); err != nil {
			return
		}
		if h.Type == message.OpenType {
			if o, err := message.ParseOpen(body); err == nil {
				b.mu.Lock()
				b.open = &o
				b.mu.Unlock()
			}
		}
		if h.Type != message.UpdateType {
			continue
		}
		u, faults, err := message.ParseUpdate(body, true)
		if err != nil || len(faults) > 0 {
			b.t.Errorf("an UPDATE that no router should take: %v %v", err, faults)
			return
		}
		b.mu.Lock()
		b.heard = append(b.heard, u)
		b.mu.Unlock()
	}
}

func (b *robot) write(octets []byte) {
	b.t.Helper()
	if _, err := b.tcp.Write(octets); err != nil {
		b.t.Fatal(err)
	}
}

// says sends objects, each a line of lsdbtest; `gone` before it withdraws it.
func (b *robot) says(lines ...string) {
	b.t.Helper()
	var octets []byte
	for _, line := range lines {
		words := strings.Fields(line)
		gone := words[0] == "gone"
		if gone {
			words = words[1:]
		}
		n, a, err := lsdbtest.Parse(words)
		if err != nil {
			b.t.Fatal(err)
		}
		octets = appendObject(b.t, octets, n, a, gone)
	}
	b.write(octets)
}

func appendObject(t testing.TB, octets []byte, n ls.NLRI, a ls.Attribute, gone bool) []byte {
	t.Helper()
	nlri, err := ls.AppendNLRI(nil, n)
	if err != nil {
		t.Fatal(err)
	}
	value, err := ls.AppendAttribute(nil, a)
	if err != nil {
		t.Fatal(err)
	}
	return appendUpdate(t, octets, nlri, value, gone)
}

func appendUpdate(t testing.TB, octets, nlri, attribute []byte, gone bool) []byte {
	t.Helper()
	u := message.Update{Unreach: &message.Unreach{Family: message.LinkState, NLRI: nlri}}
	if !gone {
		u = message.Update{
			Reach: &message.Reach{Family: message.LinkState, NextHop: []byte{127, 0, 0, 1}, NLRI: nlri},
			Attributes: []message.Attribute{message.Origin(), message.ASPath(), message.LocalPref(100),
				{Flags: message.Optional, Type: message.LinkStateType, Value: attribute}},
		}
	}
	octets, err := message.AppendUpdate(octets, u, message.MaxExtended)
	if err != nil {
		t.Fatal(err)
	}
	return octets
}

// ends says that all has been said.
func (b *robot) ends() {
	b.t.Helper()
	octets, err := message.AppendUpdate(nil, message.Update{Unreach: &message.Unreach{Family: message.LinkState}}, message.MaxLen)
	if err != nil {
		b.t.Fatal(err)
	}
	b.write(octets)
}

// ear is a Core that only listens.
type ear struct {
	t  testing.TB
	mu sync.Mutex
	// What was fed last, and how often something was.
	learned core.Learned
	peers   map[string]core.PeerState
	reports []core.HeadendReported
	views   int
	busy    func() // called with each feed
}

func (e *ear) feed(events []core.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, event := range events {
		switch x := event.(type) {
		case core.Learned:
			e.learned = x
			e.views++
		case core.PeersChanged:
			e.peers = map[string]core.PeerState{}
			for _, p := range x.Peers {
				e.peers[p.Name] = p
			}
		case core.HeadendReported:
			e.reports = append(e.reports, x)
		}
	}
	if e.busy != nil {
		e.busy()
	}
}

// until waits for what is to be heard; missing says what is not there yet.
func (e *ear) until(what string, missing func() string) {
	e.t.Helper()
	eventually(e.t, what, func() string {
		e.mu.Lock()
		defer e.mu.Unlock()
		return missing()
	})
}

func eventually(t testing.TB, what string, missing func() string) {
	t.Helper()
	end := time.Now().Add(deadline)
	if _, bench := t.(*testing.B); bench {
		end = time.Now().Add(benchDeadline)
	}
	for {
		why := missing()
		if why == "" {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s: %s", what, why)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// impatient are timers for tests.
var impatient = func() *fsm.Times {
	t := fsm.DefaultTimes
	t.ConnectRetry, t.IdleHold, t.IdleHoldMax = time.Second, 100*time.Millisecond, time.Second
	return &t
}()

// pair is two routers without agents, by routerID.
func pair(t testing.TB) *topology.Topology {
	t.Helper()
	parsed, err := topology.Parse("pair.yaml", []byte(`apiVersion: keiro/v1
kind: Topology
metadata: {name: pair}
spec:
  nodes:
    - {name: a, routerID: 0000.0000.0001, agent: false}
    - {name: b, routerID: 0000.0000.0002, agent: false}
  links:
    - {a: a, b: b}
`))
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func logTo(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

// start runs Routers with peers, and an ear that hears what they tell.
func start(t testing.TB, cfg Config, peers ...file.Peer) (*Routers, *ear) {
	t.Helper()
	e := &ear{t: t}
	declared := pair(t)
	cfg.Log = logTo(testWriter{t})
	if cfg.Topology == nil {
		cfg.Topology = func() *topology.Topology { return declared }
	}
	r, stop := run(t, cfg, e.feed, peers...)
	t.Cleanup(stop)
	return r, e
}

// run runs Routers until they are stopped.
func run(t testing.TB, cfg Config, feed func([]core.Event), peers ...file.Peer) (r *Routers, stop func()) {
	t.Helper()
	cfg.File = &file.File{Speaker: bgp.Config{AS: 65000, ID: netip.MustParseAddr("10.0.0.1"), RestartTime: time.Minute}, Peers: peers}
	cfg.Times, cfg.Feed = impatient, feed
	r, err := New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	return r, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// testWriter shows a log where a test fails.
type testWriter struct{ t testing.TB }

func (w testWriter) Write(b []byte) (int, error) {
	if w.t.Context().Err() == nil {
		w.t.Log(strings.TrimSpace(string(b)))
	}
	return len(b), nil
}

// told waits until a peer is in a state.
func (e *ear) told(name string, up, told bool) core.PeerState {
	e.t.Helper()
	var p core.PeerState
	e.until(fmt.Sprintf("peer %s up=%v told=%v", name, up, told), func() string {
		p = e.peers[name]
		if p.Name == name && p.Up == up && p.Told == told {
			return ""
		}
		return fmt.Sprintf("%+v", e.peers)
	})
	return p
}

// hears waits until a robot has been told updates of which words say something.
func (b *robot) hears(what string, found func([]message.Update) bool) {
	b.t.Helper()
	eventually(b.t, what, func() string {
		b.mu.Lock()
		defer b.mu.Unlock()
		if found(slices.Clone(b.heard)) {
			return ""
		}
		return fmt.Sprintf("it heard %+v", b.heard)
	})
}
