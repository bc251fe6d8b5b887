package headend

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/steer"
	"github.com/keiro-net/keiro/bgp"
	"github.com/keiro-net/keiro/bgp/fsm"
	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/bgp/rib"
	"github.com/keiro-net/keiro/bgp/route"
	"github.com/keiro-net/keiro/bgp/srpolicy"
)

var silent = slog.New(slog.DiscardHandler)

// core is a peer at 127.0.0.1, which connects, and the options of a headend at
// 127.0.0.2 that listens to it.
func core(t *testing.T, dir string) (*bgp.Speaker, Options) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	at := netip.MustParseAddrPort(l.Addr().String())
	l.Close()
	here, there := netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("127.0.0.1")
	policies := []message.Family{message.IPv6SRPolicy}
	o := Options{Dir: dir, Log: silent, Speaker: bgp.Config{AS: 65000, ID: netip.MustParseAddr("10.0.0.3"), Listen: []netip.AddrPort{at}},
		Peers: []bgp.Peer{{Name: "core", Address: there, AS: 65000, Passive: true, Families: policies}}}
	soon := fsm.DefaultTimes // a second try does not take half a minute
	soon.ConnectRetry, soon.IdleHold, soon.IdleHoldMax = time.Second, 200*time.Millisecond, time.Second
	s, err := bgp.New(t.Context(), bgp.Config{AS: 65000, ID: netip.MustParseAddr("10.0.0.1"), Log: silent, Times: &soon})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if err := s.SetPeers([]bgp.Peer{{Name: "a", Address: here, Port: at.Port(), LocalAddress: there, AS: 65000, Families: policies}}); err != nil {
		t.Fatal(err)
	}
	return s, o
}

func run(t *testing.T, o Options) (h *Headend, stop func()) {
	t.Helper()
	h, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = h.Run(ctx)
	}()
	return h, func() {
		cancel()
		<-done
		h.Close()
	}
}

// wait takes news until they are as wanted.
func wait(t *testing.T, h *Headend, what string, want func(*steer.Heard) bool) *steer.Heard {
	t.Helper()
	late := time.After(10 * time.Second)
	for {
		heard := h.Heard()
		if want(heard) {
			return heard
		}
		select {
		case <-h.Changes():
		case <-late:
			t.Fatalf("never: %s; %+v", what, heard)
		}
	}
}

func fault(words string) func(*steer.Heard) bool {
	return func(h *steer.Heard) bool {
		for _, f := range h.Faults {
			if strings.Contains(f.Object+": "+f.Error, words) {
				return true
			}
		}
		return false
	}
}

func announce(t *testing.T, s *bgp.Speaker, distinguisher uint32) {
	t.Helper()
	path := srpolicy.CandidatePath{NLRI: srpolicy.NLRI{Distinguisher: distinguisher, Color: 1_000_001, Endpoint: netip.MustParseAddr("5f00:0:2::1")}}
	path.SegmentLists = []srpolicy.SegmentList{{Segments: []srpolicy.Segment{{SID: netip.MustParseAddr("5f00:0:2:8001::")}}}}
	u, err := srpolicy.Route{CandidatePath: path, Direct: true}.Announce(route.Session{LocalAS: 65000, LocalAddress: netip.MustParseAddr("127.0.0.1")})
	if err == nil {
		err = s.Announce("a", rib.Route{Family: path.Family(), NLRI: u.Reach.NLRI, Attributes: u.Attributes})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// What was heard is there after a restart, without a session, and until the peer
// has said everything again.
func TestKept(t *testing.T) {
	dir := t.TempDir()
	s, o := core(t, dir)
	h, stop := run(t, o)
	announce(t, s, 1)
	announce(t, s, 2)
	wait(t, h, "both paths", func(h *steer.Heard) bool { return len(h.Paths) == 2 })
	file := filepath.Join(dir, tableFile)
	for late := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) { // before it ends, as it may be killed
		if b, _ := os.ReadFile(file); strings.Count(string(b), `"NLRI"`) == 2 {
			break
		} else if time.Now().After(late) {
			t.Fatalf("on disk: %s", b)
		}
	}
	stop()
	s.Close()
	h, stop = run(t, o)
	if heard := wait(t, h, "no session", fault("it has no session: there was none yet; 2 objects")); len(heard.Paths) != 2 || !heard.Paths[0].Lost {
		t.Errorf("%+v", heard)
	}
	stop()

	s, o = core(t, dir)
	h, stop = run(t, o)
	announce(t, s, 2)
	wait(t, h, "it is back", fault("it is back and has not said everything again; 1 objects"))
	if err := s.Complete("a", message.IPv6SRPolicy); err != nil {
		t.Fatal(err)
	}
	wait(t, h, "the other one has ended", func(h *steer.Heard) bool { return len(h.Paths) == 1 && !h.Paths[0].Lost && len(h.Faults) == 0 })
	stop()
	if b, err := os.ReadFile(file); err != nil || strings.Count(string(b), `"NLRI"`) != 1 {
		t.Errorf("%s, %v", b, err)
	}
}

// A disk that cannot be read or written is told of, and what is heard counts.
func TestBadDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	if err := os.WriteFile(dir, nil, 0o600); err != nil { // a file where a directory should be
		t.Fatal(err)
	}
	s, o := core(t, dir)
	h, stop := run(t, o)
	defer stop()
	announce(t, s, 1)
	wait(t, h, "a path", func(h *steer.Heard) bool { return len(h.Paths) == 1 })
	wait(t, h, "not read", fault("cannot be read, so nothing is steered until they say it again"))
	wait(t, h, "not written", fault("what bgp peers say, on disk"))
	if err := s.Complete("a", message.IPv6SRPolicy); err != nil {
		t.Fatal(err)
	}
	wait(t, h, "what was not read is of no interest any more", func(h *steer.Heard) bool { return !fault("cannot be read")(h) })
}

func TestRefuses(t *testing.T) {
	_, o := core(t, t.TempDir())
	for want, edit := range map[string]func(*Options){
		"none of the address families": func(o *Options) { o.Peers[0].Families = []message.Family{message.LinkState} },
		"the AS number is missing":     func(o *Options) { o.Speaker.AS = 0 },
		"its AS number is missing":     func(o *Options) { o.Peers[0].AS = 0 },
		"the name is used twice":       func(o *Options) { o.Peers = append(o.Peers, o.Peers[0]) },
	} {
		bad := o
		bad.Peers = append([]bgp.Peer{}, o.Peers...)
		edit(&bad)
		if h, err := New(t.Context(), bad); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
			if h != nil {
				h.Close()
			}
		}
	}
	if h, err := New(t.Context(), o); err != nil { // what was refused left nothing behind
		t.Error(fmt.Errorf("afterwards: %w", err))
	} else {
		h.Close()
	}
}
