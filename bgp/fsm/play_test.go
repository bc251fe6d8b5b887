package fsm

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/internal/plays"
)

// TestPlays runs the plays in testdata: a `>` line is what happens to a
// machine, and what follows it is what the machine wants done then, as text.
func TestPlays(t *testing.T) {
	plays.Run(t, func(t *testing.T, text string) string { return (&stage{t: t}).run(text) })
}

var midnight = time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)

// testConfig is the router's controller: no jitter, times that are easy to read.
func testConfig() Config {
	return Config{
		LocalAS: 65000, PeerAS: 65001, ID: netip.MustParseAddr("10.0.0.2"), HoldTime: 90 * time.Second,
		Families: []message.Family{message.IPv6Unicast, message.LinkState}, RestartTime: 2 * time.Minute,
		Times: Times{ConnectRetry: 30 * time.Second, OpenWait: time.Minute, Stable: 30 * time.Second, IdleHold: time.Second, IdleHoldMax: 8 * time.Second,
			Penalty: time.Minute, PenaltyMax: 4 * time.Minute, StalePath: 6 * time.Minute},
		Jitter: func() float64 { return 0 },
	}
}

type stage struct {
	t   *testing.T
	m   *Machine
	now time.Time
	out strings.Builder
}

func (s *stage) run(play string) string {
	s.now = midnight
	for _, line := range strings.Split(play, "\n") {
		switch {
		case strings.HasPrefix(line, "> "):
			s.out.WriteString(line + "\n")
			s.do(strings.Fields(line[2:]))
		case strings.HasPrefix(line, "#"), line == "":
			s.out.WriteString(line + "\n")
		}
	}
	return strings.TrimRight(s.out.String(), "\n") + "\n"
}

func (s *stage) do(args []string) {
	n := func() uint64 {
		v, err := strconv.ParseUint(args[1], 10, 64)
		if err != nil {
			s.t.Fatalf("%v: %v", args, err)
		}
		return v
	}
	switch args[0] {
	case "machine": // machine SETTING...
		cfg := testConfig()
		for _, arg := range args[1:] {
			switch arg {
			case "passive":
				cfg.Passive = true
			case "restarting":
				cfg.Restarting = true
			case "ibgp":
				cfg.PeerAS = cfg.LocalAS
			case "no-restart":
				cfg.RestartTime = 0
			default:
				s.t.Fatalf("unknown setting %q", arg)
			}
		}
		s.now = midnight
		s.m = New(s.now, cfg)
	case "start":
		s.step(Start{})
	case "stop":
		s.step(Stop{message.NewCease(message.PeerDeconfigured, ""), "the peer was taken out of the configuration"})
	case "leave":
		s.step(Stop{Reason: "the controller ends"})
	case "dialed": // dialed CONN: the last attempt has led to it
		s.step(Dialed{s.m.attempt, Conn(n())})
	case "dialed-late":
		s.step(Dialed{s.m.attempt - 1, Conn(n())})
	case "refused":
		s.step(DialFailed{s.m.attempt, "connection refused"})
	case "accepted":
		s.step(Accepted{Conn(n())})
	case "open":
		s.step(Opened{Conn(n()), s.openOf(args[2:])})
	case "keepalive":
		s.step(Received{Conn(n()), message.KeepaliveType})
	case "update":
		s.step(Received{Conn(n()), message.UpdateType})
	case "end-of-rib":
		var f message.Family
		if err := f.UnmarshalText([]byte(args[2])); err != nil {
			s.t.Fatal(err)
		}
		s.step(EndOfRIB{Conn(n()), f})
	case "lost":
		s.step(Lost{Conn(n()), "connection reset by peer"})
	case "garbage":
		s.step(Malformed{Conn(n()), &message.Notification{Code: message.UpdateError, Subcode: message.MalformedAttributeList}, ""})
	case "notification": // notification CONN CODE SUBCODE
		code, _ := strconv.Atoi(args[2])
		subcode, _ := strconv.Atoi(args[3])
		s.step(Notified{Conn(n()), &message.Notification{Code: message.Code(code), Subcode: uint8(subcode)}})
	case "expel":
		s.step(Expelled{Conn(n()), message.NewCease(message.MaximumPrefixes, ""), "more than 10 objects"})
	case "wait":
		d, err := time.ParseDuration(args[1])
		if err != nil {
			s.t.Fatal(err)
		}
		s.wait(s.now.Add(d))
	case "view":
		v := s.m.View()
		s.say("%v for %v, reason %q", v.State, s.now.Sub(v.Since), v.Reason)
		if !v.IdleUntil.IsZero() {
			s.say("idle for %v more", v.IdleUntil.Sub(s.now))
		}
		if len(v.Stale) > 0 {
			s.say("stale %v for %v more", v.Stale, v.StaleTill.Sub(s.now))
		}
	default:
		s.t.Fatalf("unknown command %q", args)
	}
}

// openOf is the peer's OPEN: what it would be, but for some settings.
func (s *stage) openOf(settings []string) message.Open {
	o := message.Open{AS: s.m.cfg.PeerAS, HoldTime: 3 * time.Minute, ID: netip.MustParseAddr("10.0.0.1"), Capabilities: message.Capabilities{
		Families: []message.Family{message.LinkState, message.IPv6Unicast}, FourOctetAS: true,
	}}
	graceful := func() *message.GracefulRestart {
		if o.GracefulRestart == nil {
			o.GracefulRestart = &message.GracefulRestart{Time: time.Minute, Families: []message.RestartFamily{{Family: message.LinkState}}}
		}
		return o.GracefulRestart
	}
	for _, setting := range settings {
		key, value, _ := strings.Cut(setting, "=")
		number, _ := strconv.Atoi(value)
		switch key {
		case "id":
			o.ID = netip.MustParseAddr(value)
		case "as":
			o.AS = uint32(number)
		case "hold":
			o.HoldTime = time.Duration(number) * time.Second
		case "two-octet":
			o.FourOctetAS = false
		case "families":
			o.Families = nil
			if value == "other" {
				o.Families = []message.Family{message.VPNv4}
			}
		case "graceful":
			graceful()
		case "kept":
			graceful().Families[0].Forwarding = true
		case "notifications":
			graceful().Notification = true
		default:
			s.t.Fatalf("unknown setting %q", setting)
		}
	}
	return o
}

func (s *stage) wait(until time.Time) {
	for steps := 0; ; steps++ {
		wake := s.m.Wake()
		if wake.IsZero() || wake.After(until) {
			break
		}
		if steps > 10000 {
			s.t.Fatal("the machine never rests")
		}
		if wake.After(s.now) {
			s.now = wake
		}
		s.step(Tick{})
	}
	s.now = until
}

func (s *stage) say(format string, args ...any) {
	fmt.Fprintf(&s.out, "%7s %s\n", s.now.Sub(midnight), fmt.Sprintf(format, args...))
}

func (s *stage) step(e Event) {
	before := s.m.State()
	for _, effect := range s.m.Step(s.now, e) {
		s.say("%s", tell(effect))
	}
	if after := s.m.State(); after != before {
		s.say("%v -> %v", before, after)
	}
}

func tell(effect Effect) string {
	switch x := effect.(type) {
	case Dial:
		return fmt.Sprintf("dial, attempt %d", x.Attempt)
	case CancelDial:
		return fmt.Sprintf("cancel attempt %d", x.Attempt)
	case SendOpen:
		text := fmt.Sprintf("send OPEN on %d: AS %d, hold time %v, %v", x.Conn, x.Open.AS, x.Open.HoldTime, x.Open.Families)
		if g := x.Open.GracefulRestart; g != nil {
			text += fmt.Sprintf(", graceful restart in %v, restarting %v", g.Time, g.Restarting)
		}
		return text
	case SendKeepalive:
		return fmt.Sprintf("send KEEPALIVE on %d", x.Conn)
	case Close:
		if x.Notification != nil {
			return fmt.Sprintf("close %d with %v", x.Conn, x.Notification)
		}
		return fmt.Sprintf("close %d", x.Conn)
	case Up:
		return fmt.Sprintf("up on %d: %v, hold time %v", x.Session.Conn, x.Session.Families, x.Session.HoldTime)
	case Down:
		text := "down: " + x.Reason
		if len(x.Stale) > 0 {
			text += fmt.Sprintf("; stale %v until %v", x.Stale, x.Until.Sub(midnight))
		}
		return text
	case Flush:
		return fmt.Sprintf("flush %v: %s", x.Families, x.Reason)
	}
	return "?"
}
