package bgp

import (
	"fmt"
	"testing"
	"time"

	"github.com/keiro-net/keiro/bgp/fsm"
	"github.com/keiro-net/keiro/bgp/internal/peertest"
	"github.com/keiro-net/keiro/bgp/message"
)

// TestPeerRestarts: FRR is killed. What it said is stale, comes back, and what
// it does not say again is gone (RFC 4724 section 4.2).
func TestPeerRestarts(t *testing.T) {
	t.Parallel() // it mostly waits
	here, there := pair(t)
	f := peertest.NewFRR(there, "fd00::2", fmt.Sprintf(frrConfig, "bgp graceful-restart preserve-fw-state\n bgp graceful-restart restart-time 8"))
	c := start(t, Config{Sockets: here.Sockets, RestartTime: time.Minute}, frrPeer())
	c.complete("frr", message.IPv6Unicast)
	c.has("frr", "2001:db8:1::/48", "2001:db8:2::/48")
	c.completed("frr", message.IPv6Unicast)
	if s := c.state("frr"); s.GracefulRestart != 8*time.Second {
		t.Fatalf("%+v", s)
	}
	// One more, which its configuration file does not have.
	if out, err := f.Ask("configure terminal\nrouter bgp 65001\naddress-family ipv6 unicast\nnetwork 2001:db8:9::/48"); err != nil {
		t.Fatal(out, err)
	}
	c.has("frr", "2001:db8:1::/48", "2001:db8:2::/48", "2001:db8:9::/48")
	f.Kill()
	peertest.Eventually(t, "all is stale", func() string {
		s := c.state("frr")
		c.mu.Lock()
		defer c.mu.Unlock()
		if s.Stale == 3 && s.Objects == 3 && len(c.objects["frr"]) == 3 && c.stale["frr"] && time.Until(s.StaleUntil) > 0 {
			return ""
		}
		return fmt.Sprintf("%+v", s)
	})
	f.Run()
	c.has("frr", "2001:db8:1::/48", "2001:db8:2::/48")
	c.completed("frr", message.IPv6Unicast)
	peertest.Eventually(t, "nothing is stale", func() string {
		s := c.state("frr")
		if s.Stale == 0 && s.Objects == 2 && s.StaleUntil.IsZero() {
			return ""
		}
		return fmt.Sprintf("%+v", s)
	})

	// It is killed for good: after its restart time all is gone.
	f.Kill()
	if s := c.without("frr", ""); s.Objects != 2 {
		t.Errorf("%+v", s)
	}
	c.has("frr")
}

// TestSpeakerRestarts: the router keeps what the speaker said, and after the
// restart exactly what it says again.
func TestSpeakerRestarts(t *testing.T) {
	t.Parallel() // it mostly waits
	here, there := pair(t)
	f := peertest.NewFRR(there, "fd00::2", fmt.Sprintf(frrConfig, ""))
	cfg := Config{Sockets: here.Sockets, RestartTime: time.Minute}
	c := start(t, cfg, frrPeer())
	c.announce("frr", "2001:db8:a::/48")
	c.announce("frr", "2001:db8:b::/48")
	c.complete("frr", message.IPv6Unicast)
	frrHas(t, f, "2001:db8:a::/48", "2001:db8:b::/48")
	c.speaker.Close()
	peertest.Eventually(t, "FRR has lost the session", func() string {
		var state map[string]struct{ BgpState string }
		if err := f.JSON("show bgp neighbors fd00::1 json", &state); err != nil || state["fd00::1"].BgpState == "Established" {
			return fmt.Sprint(state, err)
		}
		return ""
	})
	frrHas(t, f, "2001:db8:a::/48", "2001:db8:b::/48")

	cfg.Restarting = true
	again := start(t, cfg, frrPeer())
	again.is("frr", fsm.Established, "")
	again.completed("frr", message.IPv6Unicast)
	frrHas(t, f, "2001:db8:a::/48", "2001:db8:b::/48") // it has not said anything yet
	again.announce("frr", "2001:db8:b::/48")
	again.announce("frr", "2001:db8:c::/48")
	again.complete("frr", message.IPv6Unicast)
	frrHas(t, f, "2001:db8:b::/48", "2001:db8:c::/48")
}

// TestSaidAgain: after a loss of the session all is said again, as it is then.
func TestSaidAgain(t *testing.T) {
	t.Parallel() // it mostly waits
	here, there := pair(t)
	f := peertest.NewFRR(there, "fd00::2", fmt.Sprintf(frrConfig, ""))
	c := start(t, Config{Sockets: here.Sockets}, frrPeer())
	c.announce("frr", "2001:db8:a::/48")
	c.announce("frr", "2001:db8:b::/48")
	frrHas(t, f, "2001:db8:a::/48", "2001:db8:b::/48")
	f.Kill()
	peertest.Eventually(t, "the session is lost", func() string {
		if s := c.state("frr"); s.State == fsm.Established {
			return fmt.Sprintf("%+v", s)
		}
		return ""
	})
	c.withdraw("frr", "2001:db8:a::/48")
	c.announce("frr", "2001:db8:c::/48")
	f.Run()
	frrHas(t, f, "2001:db8:b::/48", "2001:db8:c::/48")
	c.has("frr", "2001:db8:1::/48", "2001:db8:2::/48")

	// Nor does a change of the configuration lose what is to be said.
	changed := frrPeer()
	changed.HoldTime = 30 * time.Second
	if err := c.speaker.SetPeers([]Peer{changed}); err != nil {
		t.Fatal(err)
	}
	if s := c.is("frr", fsm.Established, ""); s.HoldTime != 30*time.Second {
		t.Errorf("%+v", s)
	}
	frrHas(t, f, "2001:db8:b::/48", "2001:db8:c::/48")
}
