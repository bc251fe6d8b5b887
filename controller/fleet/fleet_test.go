package fleet

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/nodecfg/rpc"
	"github.com/keiro-net/keiro/controller/pki"
)

func config(node string, revision uint64) *nodecfg.Config {
	return &nodecfg.Config{Node: node, Revision: revision}
}

func TestSession(t *testing.T) {
	w := newWorld(t)
	for _, target := range []string{"unix:" + w.socket, w.tcp} {
		id := w.enrolled("tyo1")
		s := w.sessionOn(w.dialTo(target, w.tls(id)))
		w.want("connected tyo1")
		w.Push("tyo1", config("tyo1", 7))
		if m, err := s.Recv(); err != nil || m.Config == nil || m.Config.Revision != 7 {
			t.Errorf("the agent got %+v, %v", m, err)
		}
		w.Push("osa1", config("osa1", 1)) // nobody is there: nothing happens
		for i := range uint64(3) {
			if err := s.Send(&nodecfg.FromAgent{Report: &nodecfg.Report{Node: "tyo1", Revision: i}}); err != nil {
				t.Fatal(err)
			}
		}
		_ = s.Send(&nodecfg.FromAgent{})
		_ = s.CloseSend()
		w.want("report tyo1 0", "report tyo1 1", "report tyo1 2", "disconnected tyo1")
		w.wantLog("agent disconnected", "tyo1", "closed by the agent")
	}
}

func TestRenew(t *testing.T) {
	w := newWorld(t)
	first := w.enrolled("tyo1")
	second, in := w.request("tyo1", first)
	reply, err := rpc.Enrol(t.Context(), w.dial(w.tls(first)), rpc.RenewMethod, in)
	if err != nil {
		t.Fatal(err)
	}
	second.cert = reply.Certificate
	w.session(first)
	w.session(second)
	w.want("connected tyo1", "connected tyo1")
	w.wantLog("agent certificate renewed", "tyo1", "")
}

// A newer session replaces the one before, of which nothing is heard then:
// even if that does not read what it is sent.
func TestNewerSessionWins(t *testing.T) {
	w := newWorld(t)
	id := w.enrolled("tyo1")
	old := w.session(id)
	w.want("connected tyo1")
	w.Push("tyo1", large("tyo1", 1))
	w.Push("tyo1", large("tyo1", 2))
	newer := w.session(id)
	w.want("connected tyo1")
	w.wantLog("agent disconnected", "tyo1", "replaced by a newer session")
	for {
		if _, err := old.Recv(); err != nil {
			if status.Code(err) != codes.Aborted {
				t.Errorf("the older one ended with %v", err)
			}
			break
		}
	}
	w.Push("tyo1", config("tyo1", 3))
	if m, err := newer.Recv(); err != nil || m.Config.Revision != 3 {
		t.Errorf("the agent got %+v, %v", m, err)
	}
	w.Disconnect("tyo1")
	w.want("disconnected tyo1")
	w.Disconnect("tyo1")
}

// held lets nobody pass until the test says so.
type held struct {
	eventLog
	pass chan struct{}
}

func (h held) Connected(a pki.Agent) {
	h.eventLog.Connected(a)
	<-h.pass
}

// A session that was let in before its node was revoked, and had not begun
// yet, does not escape.
func TestRevokedOnTheWay(t *testing.T) {
	pass := make(chan struct{})
	w := newWorld(t, func(o *Options) { o.Events = held{o.Events.(eventLog), pass} })
	id := w.enrolled("tyo1")
	if _, err := rpc.Session(t.Context(), w.dial(w.tls(id))); err != nil {
		t.Fatal(err)
	}
	w.want("connected tyo1")
	first := w.Fleet.session("tyo1")
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	late, err := rpc.Session(ctx, w.dial(w.tls(id)))
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(deadline); w.Fleet.session("tyo1") == first; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the second session does not come")
		}
	}
	if _, err := w.ca.Revoke(t.Context(), "tyo1"); err != nil {
		t.Fatal(err)
	}
	close(pass)
	if _, err := late.Recv(); status.Code(err) != codes.Unauthenticated {
		t.Errorf("the session goes on after the node was revoked: %v", err)
	}
	w.want("disconnected tyo1")
}

// large is more than the windows of HTTP/2 hold.
func large(node string, revision uint64) *nodecfg.Config {
	c := config(node, revision)
	for i := range 200 {
		c.Policies = append(c.Policies, nodecfg.Policy{Intent: strings.Repeat(fmt.Sprint(i), 5000)})
	}
	return c
}

// An agent that does not read holds up nobody, costs one Config, and gets the
// latest when it reads.
func TestSlowAgent(t *testing.T) {
	w := newWorld(t)
	slow := w.session(w.enrolled("slow"))
	w.want("connected slow")
	fast := w.session(w.enrolled("fast"))
	w.want("connected fast")
	const last = 300
	for i := uint64(1); i <= last; i++ {
		w.Push("slow", large("slow", i))
		if i%100 == 0 {
			w.Push("fast", config("fast", i))
			if m, err := fast.Recv(); err != nil || m.Config.Revision != i {
				t.Fatalf("the other agent got %+v, %v", m, err)
			}
		}
	}
	received := 0
	for revision := uint64(0); revision < last; received++ {
		m, err := slow.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if m.Config.Revision <= revision {
			t.Fatalf("revision %d after %d", m.Config.Revision, revision)
		}
		revision = m.Config.Revision
	}
	if received > 20 {
		t.Errorf("%d configs were kept for an agent that does not read", received)
	}
}

func TestTrace(t *testing.T) {
	w := newWorld(t)
	if _, err := w.Trace(t.Context(), "tyo1", "gold"); !errors.Is(err, ErrNotConnected) {
		t.Errorf("got %v", err)
	}
	s := w.session(w.enrolled("tyo1"))
	other := w.session(w.enrolled("osa1"))
	type result struct {
		answer nodecfg.TraceResult
		err    error
	}
	results := make(chan result, 1)
	trace := func(ctx context.Context, intent string) *nodecfg.TraceRequest {
		t.Helper()
		go func() {
			r, err := w.Trace(ctx, "tyo1", intent)
			results <- result{r, err}
		}()
		m, err := s.Recv()
		if err != nil || m.Trace == nil || m.Trace.Intent != intent {
			t.Fatalf("the agent got %+v, %v", m, err)
		}
		return m.Trace
	}

	ask := trace(t.Context(), "gold")
	for _, answer := range []struct {
		from   stream
		id     uint64
		answer string
	}{{other, ask.ID, "not the one who was asked"}, {s, ask.ID + 1, "not what was asked"}, {s, ask.ID, "good"}, {s, ask.ID, "again"}} {
		_ = answer.from.Send(&nodecfg.FromAgent{Trace: &nodecfg.TraceResult{ID: answer.id, Error: answer.answer}})
		if answer.from == other {
			_ = other.Send(&nodecfg.FromAgent{Report: &nodecfg.Report{Node: "osa1"}})
			w.want("connected tyo1", "connected osa1", "report osa1 0")
		}
	}
	if r := wait(t, "a result", results); r.err != nil || r.answer.Error != "good" {
		t.Errorf("got %+v", r)
	}

	ctx, cancel := context.WithCancel(t.Context())
	trace(ctx, "silver")
	cancel()
	if r := wait(t, "a result", results); !errors.Is(r.err, context.Canceled) {
		t.Errorf("got %+v", r)
	}
	trace(t.Context(), "bronze")
	w.Disconnect("tyo1")
	if r := wait(t, "a result", results); !errors.Is(r.err, ErrNotConnected) {
		t.Errorf("got %+v", r)
	}
}

// A rotation is asked of the node with all that the request says, and its
// answer is no trace's.
func TestRotate(t *testing.T) {
	w := newWorld(t)
	if _, err := w.Rotate(t.Context(), "tyo1", nodecfg.RotateRequest{}); !errors.Is(err, ErrNotConnected) {
		t.Errorf("got %v", err)
	}
	s := w.session(w.enrolled("tyo1"))
	type result struct {
		answer nodecfg.RotateResult
		err    error
	}
	results := make(chan result, 1)
	rotate := func() *nodecfg.RotateRequest {
		t.Helper()
		go func() {
			r, err := w.Rotate(t.Context(), "tyo1", nodecfg.RotateRequest{Peer: "osa1", Within: time.Minute, Compromised: true})
			results <- result{r, err}
		}()
		m, err := s.Recv()
		if err != nil || m.Rotate == nil || m.Rotate.Peer != "osa1" || m.Rotate.Within != time.Minute || !m.Rotate.Compromised {
			t.Fatalf("the agent got %+v, %v", m, err)
		}
		return m.Rotate
	}
	ask := rotate()
	_ = s.Send(&nodecfg.FromAgent{Rotate: &nodecfg.RotateResult{ID: ask.ID - 1, Pairs: 1}})
	_ = s.Send(&nodecfg.FromAgent{Rotate: &nodecfg.RotateResult{ID: ask.ID, Pairs: 3}})
	if r := wait(t, "a result", results); r.err != nil || r.answer.Pairs != 3 {
		t.Errorf("got %+v", r)
	}
	ask = rotate()
	_ = s.Send(&nodecfg.FromAgent{Trace: &nodecfg.TraceResult{ID: ask.ID}})
	if r := wait(t, "a result", results); !errors.Is(r.err, errOther) {
		t.Errorf("got %+v", r)
	}
}

// A connection over which nothing comes any more is noticed.
func TestDeadConnection(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Keepalive = time.Second })
	wire := newRelay(t, w.tcp)
	w.sessionOn(w.dialTo(wire.listener.Addr().String(), w.tls(w.enrolled("tyo1"))))
	w.want("connected tyo1")
	began := time.Now()
	close(wire.silent)
	w.want("disconnected tyo1")
	t.Logf("noticed after %s", time.Since(began))
}

// When Serve has ended, so has every session.
func TestServeEnds(t *testing.T) {
	w := newWorld(t)
	const agents = 5
	for i := range agents {
		w.session(w.enrolled(fmt.Sprint("n", i)))
		w.want(fmt.Sprint("connected n", i))
		w.Push(fmt.Sprint("n", i), large(fmt.Sprint("n", i), 1))
	}
	w.stop()
	if n := len(w.events); n != agents {
		t.Errorf("%d of %d sessions were said to have ended", n, agents)
	}
	for range agents {
		if e := <-w.events; !strings.HasPrefix(e, "disconnected") {
			t.Errorf("event %q", e)
		}
	}
}
