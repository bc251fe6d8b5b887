package routers

import (
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/topology"
)

var network = []string{
	"node l2 1 name=a", "node l2 2 name=b",
	"link l2 1 2 if=10.1.0.1 nb=10.1.0.2 te=7 endx=5f00:0:1:a::", "link l2 2 1 if=10.1.0.2 nb=10.1.0.1 te=8 endx=5f00:0:2:a::",
}

// TestLearns: what a peer says is joined with what is declared, before it is told
// that the peer has said all; and what it says no more is gone.
func TestLearns(t *testing.T) {
	b, peer := newRobot(t, "rr", "127.0.0.2", message.LinkState)
	r, e := start(t, Config{}, peer)
	e.told("rr", false, false)
	b.greet()
	b.says(network...)
	b.ends()
	e.told("rr", true, true)
	if e.learned.Joined == nil || e.learned.Joined.Links[0].Learned == nil || e.learned.Joined.Topology.Links[0].Metric != 7 || r.View() != e.learned.View {
		t.Fatalf("%+v", e.learned)
	}
	b.says("gone " + strings.Split(network[3], " te=")[0])
	e.until("the link is half known", func() string { return missing(len(e.learned.Joined.Out) == 1) })

	b.tcp.Close()
	p := e.told("rr", false, true)
	e.until("why is said", func() string {
		return missing(e.peers["rr"].Reason != "" && len(e.learned.View.Peers) == 1 && !e.learned.View.Peers[0].Up)
	})
	if p.Since.IsZero() || e.learned.View.Peers[0].Stale != 3 {
		t.Errorf("%+v %+v", p, e.learned.View.Peers)
	}
	b.greet()
	b.says(network...)
	b.ends()
	e.told("rr", true, true)
	e.until("nothing is stale", func() string {
		return missing(e.learned.View.Peers[0].Stale == 0 && len(e.learned.Joined.Out) == 0)
	})
}

// TestDeferral: a peer that never says that it has said all is taken to have when
// it is silent, and one that is never silent in the end.
func TestDeferral(t *testing.T) {
	quiet, one := newRobot(t, "quiet", "127.0.0.2", message.LinkState)
	noisy, two := newRobot(t, "noisy", "127.0.0.3", message.LinkState)
	began := time.Now()
	_, e := start(t, Config{Deferral: 200 * time.Millisecond}, one, two)
	quiet.greet()
	quiet.says(network...)
	noisy.greet()
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
				noisy.says(fmt.Sprintf("node l2 1 name=a%d", n))
				time.Sleep(5 * time.Millisecond)
			}
		}
	}()
	e.told("quiet", true, true)
	e.told("noisy", true, true)
	if took := time.Since(began); took < 2*time.Second {
		t.Errorf("one that speaks was waited for %s only", took)
	}
	close(stop)
	<-done
	if !e.learned.View.Peers[0].Complete || !e.learned.View.Peers[1].Complete {
		t.Errorf("%+v", e.learned.View.Peers)
	}
}

// TestHeadendsReport: what a headend says of its candidate paths is told, and
// that it says so no more, or is heard no more.
func TestHeadendsReport(t *testing.T) {
	b, peer := newRobot(t, "pe", "127.0.0.2", message.LinkState)
	_, e := start(t, Config{}, peer)
	b.greet()
	nlri, attribute := vector(t, "../../bgp/srpolicy/report/testdata/gobgp-srv6.txtar")
	reported := func(n int, gone bool) {
		t.Helper()
		e.until("reports", func() string { return missing(len(e.reports) == n) })
		if got := e.reports[n-1]; got.Peer != "pe" || got.Gone != gone || got.State.Color != 100 {
			t.Errorf("%+v", got)
		}
	}
	b.write(appendUpdate(t, nil, nlri, attribute, false))
	reported(1, false)
	if len(e.reports[0].State.SegmentLists) != 1 {
		t.Errorf("%+v", e.reports[0])
	}
	b.write(appendUpdate(t, nil, nlri, attribute, true))
	reported(2, true)
	b.write(appendUpdate(t, nil, nlri, attribute, false))
	reported(3, false)
	b.tcp.Close()
	reported(4, true)
	if e.learned.View != nil && len(e.learned.View.Routers) > 0 {
		t.Error("a report became a part of the topology")
	}
}

// vector reads an NLRI and an attribute of a golden file.
func vector(t *testing.T, name string) (nlri, attribute []byte) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	part := func(section string) []byte {
		_, rest, _ := strings.Cut(string(text), "-- "+section+" --\n")
		rest, _, _ = strings.Cut(rest, "-- ")
		octets, err := hex.DecodeString(strings.Join(strings.Fields(rest), ""))
		if err != nil {
			t.Fatal(err)
		}
		return octets
	}
	return part("nlri.hex"), part("attribute.hex")
}

// TestStorm: while the Core is busy, changes are gathered; the last state of
// each is told, in far fewer Views than there were changes, and no session waits.
func TestStorm(t *testing.T) {
	b, peer := newRobot(t, "rr", "127.0.0.2", message.LinkState)
	release := make(chan struct{})
	r, e := start(t, Config{}, peer)
	b.greet()
	b.says(network...)
	b.ends()
	e.told("rr", true, true)
	e.mu.Lock()
	e.busy = func() { <-release }
	before := e.views
	e.mu.Unlock()
	const changes = 2000
	lines := make([]string, changes)
	for n := range lines {
		lines[n] = fmt.Sprintf("link l2 1 2 if=10.1.0.1 nb=10.1.0.2 te=%d endx=5f00:0:1:a::", n+10)
	}
	updates := func() uint64 { return r.States()[0].Updates }
	seen := updates()
	b.says(lines...)
	eventually(t, "the session takes all", func() string { return missing(updates() == seen+changes) })
	close(release)
	e.until("the last is told", func() string {
		return missing(e.learned.Joined.Topology.Links[0].Metric == changes+9)
	})
	if got := e.views - before; got > 20 {
		t.Errorf("%d Views of %d changes", got, changes)
	}
}

// TestNothingDeclared: without a topology there is a View all the same.
func TestNothingDeclared(t *testing.T) {
	b, peer := newRobot(t, "rr", "127.0.0.2", message.LinkState)
	_, e := start(t, Config{Topology: func() *topology.Topology { return nil }}, peer)
	b.greet()
	b.says(network...)
	e.until("two routers", func() string {
		return missing(e.learned.View != nil && len(e.learned.View.Routers) == 2 && e.learned.Joined == nil)
	})
}

// TestFaultsAreLogged, but not all of those of a peer that says nothing else.
func TestFaultsAreLimited(t *testing.T) {
	var out strings.Builder
	l := newLimiter(logTo(&out))
	at := time.Unix(1000, 0)
	for n := range 25 {
		l.warn(at, "rr", fmt.Sprint("wrong ", n))
	}
	l.more("rr", 5)
	l.warn(at, "other", "it as well")
	l.warn(at.Add(time.Minute), "rr", "again")
	for want, count := range map[string]int{"says something wrong": 12, "faults=20": 1, "again": 1, "it as well": 1} {
		if got := strings.Count(out.String(), want); got != count {
			t.Errorf("%q is there %d times, want %d:\n%s", want, got, count, out.String())
		}
	}
}

func missing(there bool) string {
	if there {
		return ""
	}
	return "not yet"
}
