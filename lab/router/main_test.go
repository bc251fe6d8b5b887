package router_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/needs"
	"github.com/keiro-net/keiro/bgp"
	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/lsdb"
	"github.com/keiro-net/keiro/bgp/message"
	bgprib "github.com/keiro-net/keiro/bgp/rib"
	"github.com/keiro-net/keiro/bgp/srpolicy/report"
	"github.com/keiro-net/keiro/controller/live"
	"github.com/keiro-net/keiro/lab"
	"github.com/keiro-net/keiro/lab/router/rib"
	"github.com/keiro-net/keiro/lab/stream"
	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/clab"
)

// program is keiro-lab-router, built once.
var program string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "keiro-router-test-")
	if err == nil {
		program = filepath.Join(dir, "keiro-lab-router")
		build := exec.Command("go", "build", "-o", program, "../../cmd/keiro-lab-router")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		build.Stderr = os.Stderr
		err = build.Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "build the router:", err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// triangle is a lab with three routers, and our speaker as their controller.
type triangle struct {
	t        *testing.T
	lab      *lab.Lab
	speaker  *bgp.Speaker
	declared *topology.Topology

	mu     sync.Mutex
	db     *lsdb.DB
	faults []string
	paths  map[ls.NLRI]report.State // what headends say of candidate paths
}

func start(t *testing.T) *triangle {
	t.Helper()
	needs.Root(t, "to make a lab")
	file, err := clab.Parse("triangle.clab.yml", read(t, "triangle.clab.yml"), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	file.Name = fmt.Sprintf("t%d-%s", os.Getpid(), strings.ToLower(t.Name()))
	l, err := lab.Up(t.Context(), file, lab.Options{New: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Down(context.Background()); err != nil {
			t.Error(err)
		}
	})
	x := &triangle{t: t, lab: l, db: lsdb.New(), paths: map[ls.NLRI]report.State{}}
	if x.declared, err = topology.Parse("triangle.topology.yaml", read(t, "triangle.topology.yaml")); err != nil {
		t.Fatal(err)
	}
	x.speak()
	for _, node := range []string{"r1", "r2", "r3"} {
		x.run(node)
	}
	return x
}

// run starts a router.
func (x *triangle) run(node string) {
	x.t.Helper()
	log, err := os.Create(filepath.Join(x.t.TempDir(), node+".log"))
	if err != nil {
		x.t.Fatal(err)
	}
	cmd := exec.Command(program, "-config", "testdata/triangle.routers.yaml", "-node", node, "-socket", x.socket(node))
	cmd.Stdout, cmd.Stderr = log, log
	if err := x.lab.Start(x.t.Context(), node, cmd); err != nil {
		x.t.Fatal(err)
	}
	x.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			x.t.Errorf("%s: %v", node, err)
		}
		if text, _ := os.ReadFile(log.Name()); x.t.Failed() {
			x.t.Logf("%s said:\n%s", node, text)
		}
		log.Close()
	})
}

func (x *triangle) socket(node string) string { return filepath.Join(x.lab.Dir(), node+".sock") }

// speak starts the speaker.
func (x *triangle) speak() {
	x.t.Helper()
	var listen []netip.AddrPort
	var peers []bgp.Peer
	for n, node := range []string{"r1", "r2", "r3"} {
		net := fmt.Sprintf("fd00:%d::", n+1)
		listen = append(listen, netip.AddrPortFrom(netip.MustParseAddr(net), bgp.Port))
		peers = append(peers, bgp.Peer{Name: node, Address: netip.MustParseAddr(net + "1"), AS: 65000, Passive: true,
			Families: []message.Family{message.LinkState, message.IPv6SRPolicy, message.IPv4Unicast, message.IPv6Unicast}})
		x.db.Expect(node)
	}
	var err error
	x.speaker, err = bgp.New(x.t.Context(), bgp.Config{AS: 65000, ID: netip.MustParseAddr("10.255.0.254"), Listen: listen, RestartTime: time.Minute,
		Log: slog.New(slog.DiscardHandler), Sockets: func(f func() error) error { return x.lab.In("ctl", f) }})
	if err != nil {
		x.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			b, err := x.speaker.Next(ctx)
			if err != nil {
				return
			}
			x.take(b)
		}
	}()
	x.t.Cleanup(func() {
		x.speaker.Close()
		cancel()
		<-done
	})
	if err := x.speaker.SetPeers(peers); err != nil {
		x.t.Fatal(err)
	}
}

func (x *triangle) take(b bgprib.Batch) {
	x.mu.Lock()
	defer x.mu.Unlock()
	now := time.Now()
	if b.Down != nil {
		x.db.Lost(b.Peer, now)
	}
	if b.Up != nil {
		x.db.Up(b.Peer, now, ls.Family{})
	}
	var errs []error
	for _, o := range b.Reach {
		if path, is := o.LS.(ls.Opaque); is && path.NLRIType == report.CandidatePathType {
			state, faults, _ := report.Decode(path, o.Attribute.(*ls.OpaqueAttribute).Raw)
			for _, f := range faults {
				errs = append(errs, f)
			}
			x.paths[path] = state
		} else if o.LS != nil {
			errs = append(errs, x.db.Reach(b.Peer, o.LS, o.Attribute, now))
		}
	}
	for _, n := range b.Unreach {
		delete(x.paths, n.LS)
		if n.LS != nil && n.LS.Type() != report.CandidatePathType {
			errs = append(errs, x.db.Unreach(b.Peer, n.LS, now))
		}
	}
	for _, f := range b.EndOfRIB {
		if f == message.LinkState {
			x.db.EndOfRIB(b.Peer, ls.Family{}, now)
		}
	}
	for _, f := range b.Faults {
		errs = append(errs, errors.New(f.Text))
	}
	if err := errors.Join(errs...); err != nil {
		x.faults = append(x.faults, b.Peer+": "+err.Error())
	}
}

// learned is the topology as the controller would have it now.
func (x *triangle) learned() (*lsdb.View, *live.Result) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.faults) > 0 {
		x.t.Fatalf("what routers said is wrong: %v", x.faults)
	}
	v := x.db.View()
	return v, live.Join(x.declared, v)
}

// eventually waits until nothing is missing.
func (x *triangle) eventually(what string, missing func() string) {
	x.t.Helper()
	last := ""
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if last = missing(); last == "" {
			return
		}
	}
	x.t.Fatalf("never: %s: %s", what, last)
}

// announce says an update to a peer.
func (x *triangle) announce(peer string, u message.Update, err error) {
	x.t.Helper()
	if err == nil {
		r := bgprib.Route{Attributes: u.Attributes}
		if u.Reach != nil {
			r.Family, r.NLRI, r.NextHop = u.Reach.Family, u.Reach.NLRI, u.Reach.Addr()
		}
		err = x.speaker.Announce(peer, r)
	}
	if err != nil {
		x.t.Fatal(err)
	}
}

// rib asks a router what it has.
func (x *triangle) rib(node string) rib.RIB {
	found, err := rib.Read(x.t.Context(), x.socket(node))
	if err != nil {
		x.t.Fatal(err)
	}
	return found
}

// flow sends from r1 to r2 until work is done, and a little before and after.
func (x *triangle) flow(from, to string, work func()) *stream.Result {
	x.t.Helper()
	s, err := stream.Start(stream.Config{From: netip.MustParseAddr(from), To: netip.MustParseAddr(to), Rate: 500, Deadline: time.Second,
		At:   func(f func() error) error { return x.lab.In("r1", f) },
		Into: func(f func() error) error { return x.lab.In("r2", f) }})
	if err != nil {
		x.t.Fatal(err)
	}
	arrive := func() {
		goal := s.Received() + 200
		x.eventually("packets arrive", func() string {
			if n := s.Received(); n < goal {
				return fmt.Sprintf("%d of %d", n, goal)
			}
			return ""
		})
	}
	arrive()
	work()
	arrive()
	return s.Stop()
}
