// Package sample looks at packets on the links of a node, at random, for those
// of intents that should not be there: readable though the intent asks for
// encryption, steered into no path, or on a link that none of its paths takes.
// What each is package leak says, with the filter.
//
// It costs a bounded part of a processor whatever the links carry. Sockets
// (AF_PACKET) have a filter in the kernel that drops what cannot be of interest
// and takes one in so many of the rest; how many follows from how many came, so
// that of little traffic every packet is looked at, and of much some hundred a
// second. What waits longer than a tick has no room and is dropped there. A
// leak that is one packet in n of its kind is so found after about n of them,
// and plain packets, which a link between nodes that steers has few of, are
// counted apart from those that carry others. Packets that leave are looked at
// only where intents begin: Linux copies each of them for that.
//
// It sees nothing of a kernel that lies, of links that are not the node's, and
// of intents none of whose paths comes by (Config.Protected). It changes
// nothing. Package agent calls it.
package sample

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/sample/headers"
	"github.com/keiro-net/keiro/agent/sample/leak"
)

const (
	tick = 50 * time.Millisecond
	// most is how many samples of a kind a tick shall bring at most, over all
	// links: 640 a second. Less than a quarter of it for calm ticks in a row
	// halves what is left out.
	most = 32
	calm = 10
	// space of a socket, bytes: about 50 samples. maxRead bounds what a tick takes
	// from one though more come meanwhile.
	space   = 64 << 10
	maxRead = 256
	// again is when a link is looked for that was not there.
	again   = time.Second
	maxRate = 1 << 20
)

// Sampler samples the links of one node. Its methods may be called from several
// goroutines.
type Sampler struct {
	log     *slog.Logger
	changes chan struct{} // one slot
	wake    chan struct{} // one slot: Set was called

	mu      sync.Mutex // of all below
	taps    []*tap
	all     []nodecfg.Protected
	ledger  leak.Ledger
	rates   [2]rate // of plain packets, and of those that carry others
	buf     []byte
	open    func(device string, outgoing bool) (*tap, error)
	closed  bool
	trouble map[string]string // by interface, with its tap
}

// rate is one packet in so many.
type rate struct {
	in   uint32
	came int // since the last tick
	calm int // ticks
}

const (
	plain = iota
	carrying
)

// tap is a socket on one link.
type tap struct {
	link, device string
	outgoing     bool
	fd           int
	retry        time.Time
}

// Hasten makes the grace shorter that new intents have, before the first Set:
// for tests, whose networks obey at once.
func (s *Sampler) Hasten(grace time.Duration) { s.ledger.Grace = grace }

// New makes a Sampler. inside runs a function in the network namespace whose
// links are to be sampled; nil: it is that of the whole process.
func New(log *slog.Logger, inside func(func() error) error) *Sampler {
	if inside == nil {
		inside = func(f func() error) error { return f() }
	}
	return &Sampler{
		log: log, changes: make(chan struct{}, 1), wake: make(chan struct{}, 1),
		rates: [2]rate{{in: 1}, {in: 1}}, buf: make([]byte, snap), trouble: map[string]string{},
		open: func(device string, outgoing bool) (t *tap, err error) {
			err = inside(func() error {
				t, err = openTap(device, outgoing)
				return err
			})
			return t, err
		},
	}
}

// Close ends the sampling.
func (s *Sampler) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.drop(func(*tap) bool { return true })
}

// Changes has a token when Leaks says something new.
func (s *Sampler) Changes() <-chan struct{} { return s.changes }

// Leaks are those that were seen lately, sorted by intent, link and kind.
func (s *Sampler) Leaks() []nodecfg.Leak {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ledger.Leaks()
}

// Set makes the protected intents of a Config those that are looked for, on its
// links.
func (s *Sampler) Set(cfg *nodecfg.Config) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.all = cfg.Protected
	s.ledger.Set(cfg.Protected, time.Now())
	outgoing := len(cfg.Policies) > 0
	var want []*tap
	if len(cfg.Protected) > 0 {
		for _, l := range cfg.Links {
			want = append(want, &tap{link: l.Name, device: l.Interface, outgoing: outgoing, fd: -1})
		}
	}
	same := func(a, b *tap) bool { return a.link == b.link && a.device == b.device && a.outgoing == b.outgoing }
	s.drop(func(t *tap) bool { return !slices.ContainsFunc(want, func(w *tap) bool { return same(t, w) }) })
	for _, w := range want {
		if !slices.ContainsFunc(s.taps, func(t *tap) bool { return same(t, w) }) {
			s.taps = append(s.taps, w)
		}
	}
	s.attach()
	notify(s.wake)
}

func (s *Sampler) drop(which func(*tap) bool) {
	s.taps = slices.DeleteFunc(s.taps, func(t *tap) bool {
		if which(t) {
			t.close()
			return true
		}
		return false
	})
}

// Run samples until ctx ends, and returns its error then. It is to be called
// once.
func (s *Sampler) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.wake:
		case <-timer.C:
		}
		timer.Stop()
		if s.round(time.Now()) {
			timer.Reset(tick)
		}
	}
}

// round judges what came, and says whether more may come.
func (s *Sampler) round(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	news := false
	for _, t := range s.taps {
		if t.fd < 0 && !now.Before(t.retry) {
			t.retry = now.Add(again)
			s.connect(t)
		}
		for range maxRead {
			if t.fd < 0 {
				break
			}
			n, proto, err := t.read(s.buf)
			if errors.Is(err, unix.EINTR) {
				continue
			}
			if err != nil {
				if !errors.Is(err, unix.EAGAIN) {
					t.close() // the interface is down or gone
				}
				break
			}
			kind := plain
			if carries(proto, s.buf[:n]) {
				kind = carrying
			}
			s.rates[kind].came++
			news = s.ledger.Packet(t.link, proto, s.buf[:n], now) || news
		}
	}
	if s.ledger.Tick(now) || news {
		notify(s.changes)
	}
	adapted := false
	for i := range s.rates {
		adapted = s.rates[i].adapt() || adapted
	}
	if adapted {
		s.attach()
	}
	return len(s.taps) > 0 || len(s.ledger.Leaks()) > 0
}

// connect opens a tap, or will be tried again.
func (s *Sampler) connect(t *tap) {
	made, err := s.open(t.device, t.outgoing)
	says := ""
	if err == nil {
		t.fd = made.fd
		err = t.attach(filter(s.all, s.rates[plain].in, s.rates[carrying].in))
	}
	if err == nil {
		err = t.bind()
	}
	if err != nil {
		t.close()
		says = err.Error()
	}
	if says != s.trouble[t.device] && says != "" {
		s.log.Warn("link is not sampled", "link", t.link, "interface", t.device, "error", err)
	}
	s.trouble[t.device] = says
}

// attach gives all taps the filter of now.
func (s *Sampler) attach() {
	code := filter(s.all, s.rates[plain].in, s.rates[carrying].in)
	for _, t := range s.taps {
		if t.fd >= 0 && t.attach(code) != nil {
			t.close() // opened anew in the next round
		}
	}
}

// adapt says whether the rate is another after a tick.
func (r *rate) adapt() bool {
	came := r.came
	r.came = 0
	switch {
	case came > most && r.in < maxRate:
		for ; came > most && r.in < maxRate; came /= 2 {
			r.in *= 2
		}
		r.calm = 0
		return true
	case came*4 < most:
		r.calm++
	default:
		r.calm = 0
	}
	if r.calm < calm || r.in == 1 {
		return false
	}
	r.in, r.calm = r.in/2, 0
	return true
}

// carries says as the filter does whether a packet carries another.
func carries(proto uint8, b []byte) bool {
	if proto == headers.IPv4 {
		return len(b) > 9 && (b[9] == headers.IPv4 || b[9] == headers.IPv6)
	}
	return len(b) > 6 && slices.Contains([]byte{headers.IPv6, headers.Routing, headers.IPv4, headers.HopByHop, headers.DestOpts}, b[6])
}

func notify(slot chan<- struct{}) {
	select {
	case slot <- struct{}{}:
	default:
	}
}

// openTap opens a socket that hears nothing yet.
func openTap(device string, outgoing bool) (*tap, error) {
	// Cooked: packets begin with their IP header, whatever the link is.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open packet socket (needs CAP_NET_RAW): %w", err)
	}
	t := &tap{device: device, outgoing: outgoing, fd: fd}
	ignore := 1
	if outgoing {
		ignore = 0
	}
	// Without it, before Linux 4.20, those that leave are heard as well.
	_ = unix.SetsockoptInt(fd, unix.SOL_PACKET, packetIgnoreOutgoing, ignore)
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, space); err != nil {
		t.close()
		return nil, fmt.Errorf("set the space of a packet socket: %w", err)
	}
	return t, nil
}

const packetIgnoreOutgoing = 23 // PACKET_IGNORE_OUTGOING of linux/if_packet.h

func (t *tap) attach(code []unix.SockFilter) error {
	prog := unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}
	if err := unix.SetsockoptSockFprog(t.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &prog); err != nil {
		return fmt.Errorf("attach filter of %d instructions: %w", len(code), err)
	}
	return nil
}

// bind begins to hear.
func (t *tap) bind() error {
	ifr, err := unix.NewIfreq(t.device)
	if err == nil {
		err = unix.IoctlIfreq(t.fd, unix.SIOCGIFINDEX, ifr)
	}
	if err == nil {
		const everything = unix.ETH_P_ALL << 8 // in network byte order
		err = unix.Bind(t.fd, &unix.SockaddrLinklayer{Protocol: everything, Ifindex: int(ifr.Uint32())})
	}
	if err != nil {
		return fmt.Errorf("interface %s: %w", t.device, err)
	}
	return nil
}

func (t *tap) close() {
	if t.fd >= 0 {
		unix.Close(t.fd)
	}
	t.fd = -1
}

// read takes one packet, of IPv4 or IPv6.
func (t *tap) read(b []byte) (n int, proto uint8, err error) {
	n, from, err := unix.Recvfrom(t.fd, b, 0)
	if err != nil {
		return 0, 0, err
	}
	if ll, ok := from.(*unix.SockaddrLinklayer); ok && ll.Protocol == unix.ETH_P_IP>>8|unix.ETH_P_IP<<8&0xff00 {
		return n, headers.IPv4, nil
	}
	return n, headers.IPv6, nil
}
