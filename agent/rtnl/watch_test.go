package rtnl

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/internal/testnet"
	"github.com/keiro-net/keiro/agent/nodecfg"
)

func numbered(i int) nodecfg.Route {
	to := netip.MustParsePrefix(fmt.Sprintf("10.%d.%d.0/24", i/256, i%256))
	return nodecfg.Route{Table: nodecfg.TableBase + 1, To: to, Metric: 100, Type: nodecfg.Unreachable}
}

// A flood that overflows the buffer of the subscription hides nothing: after
// the last change there is a wake, and what is listed then is the truth.
func TestFloodMissesNothing(t *testing.T) {
	ns, h := open(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	w, err := h.watch(ctx, 4096)
	if err != nil {
		t.Fatal(err)
	}
	other, err := OpenAt(ns.FD)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()

	const routes = 5000
	flood := make(chan error, 1)
	go func() {
		for i := range routes {
			if err := other.Apply(nodecfg.Op{Verb: nodecfg.Add, Object: numbered(i)}); err != nil {
				flood <- err
				return
			}
		}
		flood <- nil
	}()
	seen := 0
	deadline := time.After(testnet.Deadline)
	for seen < routes {
		select {
		case <-w.Wake:
			seen = len(observe(t, h, nil))
		case <-deadline:
			t.Fatalf("only %d of %d routes seen", seen, routes)
		}
	}
	if err := <-flood; err != nil {
		t.Fatal(err)
	}
	if w.Lost() == 0 {
		t.Error("no event was lost: the test has shown nothing")
	}
	t.Logf("%d times events were lost", w.Lost())
}

// Every kind of change by others wakes.
func TestWakes(t *testing.T) {
	ns, h := open(t)
	other, err := OpenAt(ns.FD)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	want := config().Desired(nil)
	ops := append(nodecfg.Plan(observe(t, h, want), want), nodecfg.Plan(want, nil)...)
	for _, op := range ops {
		if quiet(op.Object) {
			if err := other.Apply(op); err != nil {
				t.Fatal(err)
			}
			continue
		}
		ctx, cancel := context.WithCancel(context.Background())
		w, err := h.Watch(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := other.Apply(op); err != nil {
			t.Fatal(err)
		}
		select {
		case <-w.Wake:
		case <-time.After(testnet.Deadline):
			t.Errorf("no wake after %s", op)
		}
		cancel()
	}
	w, err := h.Watch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ns.Down("eth1")
	if l := <-w.Links; l.Name != "eth1" || l.Up || l.MTU != 1500 {
		t.Errorf("link event: %+v", l)
	}
	<-w.Wake
}

// quiet says of what the kernel tells nothing when it changes.
func quiet(o nodecfg.Object) bool {
	switch o := o.(type) {
	case nodecfg.TunSrc, nodecfg.OAMNamespace:
		return true
	case nodecfg.Sysctl:
		// Those of one interface follow "all", and are so already.
		return !strings.Contains(o.Name, "/all/")
	}
	return false
}

// What the Handle did itself does not wake, nor do routes of others.
func TestEchoesDoNotWake(t *testing.T) {
	w := &Watcher{handle: &Handle{port: 7}}
	event := func(port uint32, protocol uint8, r nodecfg.Route) []byte {
		parts, err := encodeRoute(r, indexOf)
		if err != nil {
			t.Fatal(err)
		}
		body := serialize(parts...)
		body[5] = protocol
		b := u32(uint32(unix.NLMSG_HDRLEN + len(body)))
		b = append(b, unix.RTM_NEWROUTE, 0, 0, 0, 0, 0, 0, 0)
		return append(append(b, u32(port)...), body...)
	}
	elsewhere, main := numbered(1), numbered(2)
	elsewhere.Table, main.Table = 100, nodecfg.MainTable
	ours, theirs := event(7, nodecfg.RouteProtocol, numbered(1)), event(8, nodecfg.RouteProtocol, numbered(1))
	foreign := append(event(8, unix.RTPROT_STATIC, elsewhere), event(8, unix.RTPROT_STATIC, main)...)
	for _, test := range []struct {
		what   string
		events []byte
		want   bool
	}{
		{"our own", ours, false},
		{"another's change of ours", theirs, true},
		{"another's routes", foreign, false},
		{"another's route in the table of a policy", event(8, unix.RTPROT_STATIC, numbered(1)), true},
		{"several in one packet", append(append(append([]byte(nil), ours...), foreign...), theirs...), true},
		{"cut off", theirs[:20], true},
	} {
		if got := w.messages(test.events); got != test.want {
			t.Errorf("%s: wake %v, want %v", test.what, got, test.want)
		}
	}
	w.Mind(nodecfg.StateOf(main))
	if !w.messages(foreign) {
		t.Error("another's route in the place of ours does not wake")
	}
}
