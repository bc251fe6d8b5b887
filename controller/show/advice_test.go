package show

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/keiro-net/keiro/bgp"
	"github.com/keiro-net/keiro/bgp/fsm"
	"github.com/keiro-net/keiro/bgp/message"
)

var start = time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)

// rig is a peer's machine with one connection, so that errors are told in the
// words that operators see.
type rig struct {
	*fsm.Machine
	now time.Time
}

func dialed(t *testing.T) *rig {
	t.Helper()
	r := &rig{now: start, Machine: fsm.New(start, fsm.Config{
		LocalAS: 65000, PeerAS: 65001, ID: netip.MustParseAddr("192.0.2.1"), Families: []message.Family{message.LinkState},
		HoldTime: 90 * time.Second, Times: fsm.DefaultTimes, Jitter: func() float64 { return 0 },
	})}
	r.Step(r.now, fsm.Start{})
	r.Step(r.now, fsm.Dialed{Attempt: 1, Conn: 1})
	if r.State() != fsm.OpenSent {
		t.Fatal(r.State())
	}
	return r
}

// opened lets an OPEN come that is as agreed but for what change does.
func (r *rig) opened(change func(*message.Open)) {
	o := message.Open{AS: 65001, HoldTime: 90 * time.Second, ID: netip.MustParseAddr("192.0.2.2"),
		Capabilities: message.Capabilities{Families: []message.Family{message.LinkState}, FourOctetAS: true}}
	if change != nil {
		change(&o)
	}
	r.Step(r.now, fsm.Opened{Conn: 1, Open: o})
}

func (r *rig) notified(code message.Code, subcode uint8) {
	r.Step(r.now, fsm.Notified{Conn: 1, Notification: &message.Notification{Code: code, Subcode: subcode}})
}

func (r *rig) wait(d time.Duration) {
	r.now = r.now.Add(d)
	r.Step(r.now, fsm.Tick{})
}

// TestAdvice: what goes wrong between two BGP speakers is followed by what to look
// at, in the words of the file and of the router.
func TestAdvice(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(r *rig)
		want string
	}{
		"wrong AS":              {func(r *rig) { r.opened(func(o *message.Open) { o.AS = 65009 }) }, "wrong AS"},
		"wrong AS, says it":     {func(r *rig) { r.notified(message.OpenError, message.BadPeerAS) }, "wrong AS"},
		"same ID":               {func(r *rig) { r.opened(func(o *message.Open) { o.ID, o.AS = netip.IPv4Unspecified(), 65001 }) }, "`routerID`"},
		"same ID, says it":      {func(r *rig) { r.notified(message.OpenError, message.BadBGPIdentifier) }, "`routerID`"},
		"short hold time":       {func(r *rig) { r.opened(func(o *message.Open) { o.HoldTime = time.Second }) }, "`holdTime`"},
		"hold time, says it":    {func(r *rig) { r.notified(message.OpenError, message.UnacceptableHoldTime) }, "`holdTime`"},
		"no family":             {func(r *rig) { r.opened(func(o *message.Open) { o.Families = []message.Family{message.IPv6Unicast} }) }, "`families`"},
		"no family, says it":    {func(r *rig) { r.notified(message.OpenError, message.UnsupportedCapability) }, "`families`"},
		"two-octet AS":          {func(r *rig) { r.opened(func(o *message.Open) { o.FourOctetAS = false }) }, "RFC 6793"},
		"hold timer":            {func(r *rig) { r.opened(nil); r.wait(2 * time.Minute) }, "path MTU"},
		"hold timer, says it":   {func(r *rig) { r.notified(message.HoldTimerExpired, 0) }, "path MTU"},
		"no OPEN":               {func(r *rig) { r.wait(2 * time.Minute) }, "says nothing"},
		"send hold":             {func(r *rig) { r.notified(message.SendHoldExpired, 0) }, "stopped reading"},
		"shut down":             {func(r *rig) { r.notified(message.Cease, message.AdministrativeShutdown) }, "shut this neighbor down"},
		"reset":                 {func(r *rig) { r.notified(message.Cease, message.AdministrativeReset) }, "come back by itself"},
		"maximum":               {func(r *rig) { r.notified(message.Cease, message.MaximumPrefixes) }, "limit on what it takes"},
		"deconfigured":          {func(r *rig) { r.notified(message.Cease, message.PeerDeconfigured) }, "does not have this neighbor"},
		"rejected":              {func(r *rig) { r.notified(message.Cease, message.ConnectionRejected) }, "`localAddress`"},
		"closed":                {func(r *rig) { r.Step(r.now, fsm.Lost{Conn: 1, Reason: "the peer closed the connection"}) }, "without a word"},
		"cut off, with a limit": {func(r *rig) { r.Step(r.now, fsm.Expelled{Conn: 1, Reason: "the peer floods: more"}) }, "`limits`"},
	} {
		r := dialed(t)
		c.do(r)
		v := r.View()
		s := bgp.State{State: v.State, LastError: v.Reason, IdleUntil: v.IdleUntil}
		got := advice(&s)
		if len(got) == 0 || !strings.Contains(got[0], c.want) {
			t.Errorf("%s: %q gives %q, want %q", name, v.Reason, got, c.want)
		}
		if !v.IdleUntil.IsZero() && !strings.Contains(strings.Join(got, " "), "held in Idle until 2026-11-26T00:") {
			t.Errorf("%s: nothing of Idle: %q", name, got)
		}
		s.State, s.IdleUntil = fsm.Established, time.Time{}
		if got := advice(&s); len(got) != 0 {
			t.Errorf("%s: the session stands, and there is advice: %q", name, got)
		}
	}
}

// What cannot be connected to is told apart: refused, no route, silence. Silence
// is what a wrong password looks like.
func TestAdviceOnConnecting(t *testing.T) {
	cannot := func(err error) string { return "cannot connect: dial tcp 192.0.2.1:179: connect: " + err.Error() }
	for _, c := range []struct {
		lastError, security string
		passive             bool
		want, not           string
	}{
		{cannot(syscall.ECONNREFUSED), "TCP MD5", false, "nothing listens", "password"},
		{cannot(syscall.EHOSTUNREACH), "TCP MD5", false, "ip route get", "password"},
		{cannot(syscall.ENETUNREACH), "none", false, "ip route get", "password"},
		{cannot(syscall.EADDRNOTAVAIL), "none", false, "`localAddress` of the peer is no address", "password"},
		{cannot(syscall.ETIMEDOUT), "TCP MD5", false, "not the same at both ends", "TTL"},
		{fmt.Sprintf("cannot connect: dial tcp: %v (the peer must have ...)", os.ErrDeadlineExceeded), "GTSM, on the same link; TCP MD5", false, "not the same at both ends", "configured here"},
		{fmt.Sprintf("cannot connect: dial tcp: %v", os.ErrDeadlineExceeded), "GTSM, on the same link", false, "TTL 255", "both ends looks"},
		{fmt.Sprintf("cannot connect: dial tcp: %v", os.ErrDeadlineExceeded), "none", false, "none is configured here", "TTL"},
		{"", "TCP MD5", true, "must connect to an address of `listen`", "TTL"},
		{"", "none", false, "", "."},
	} {
		got := strings.Join(advice(&bgp.State{State: fsm.Active, LastError: c.lastError, Security: c.security, Passive: c.passive}), " ")
		if !strings.Contains(got, c.want) || strings.Contains(got, c.not) {
			t.Errorf("%q, %s: %q, want %q and not %q", c.lastError, c.security, got, c.want, c.not)
		}
	}
}

// Of a session that stands there is something to say, too.
func TestAdviceOnASession(t *testing.T) {
	got := strings.Join(advice(&bgp.State{State: fsm.Established, StaleUntil: start, Disabled: []message.Family{message.LinkState},
		NotSaid: "it does not fit into a message"}), "\n")
	for _, want := range []string{"stale, not gone: it counts until 2026-11-26T00:00:00Z", "Of link-state nothing is read", "could not be said to it: it does not fit"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %s", want, got)
		}
	}
}
