package agent

import (
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/floor"
	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/steer"
	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/route"
	"github.com/keiro-net/keiro/bgp/service"
)

// heardRoutes are Routes without a session.
type heardRoutes struct{ heard steer.Heard }

func (h *heardRoutes) Changes() <-chan struct{} { return nil }
func (h *heardRoutes) Heard() *steer.Heard      { return &h.heard }

func (h *heardRoutes) say(prefix string) {
	r := steer.Route{Peer: "core", Addressed: true}
	r.Prefix, r.NextHop = netip.MustParsePrefix(prefix), netip.MustParseAddr("5f00:0:2::1")
	r.Colors = []route.Color{{Value: nodecfg.ColorBase + 7}}
	r.SID = ls.Some(service.SID{Addr: netip.MustParseAddr("5f00:0:2:4::")})
	h.heard.Routes = append(h.heard.Routes, r)
}

// Where the floors cannot be kept with all that BGP says, the controller is heard all
// the same, and so is what BGP has said before.
func TestTakenWithoutBGP(t *testing.T) {
	var secret []floor.Traffic
	for i := range 3 {
		secret = append(secret, floor.Traffic{From: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 1, byte(i), 0}), 24), To: netip.MustParsePrefix("10.2.0.0/16"), Level: "pq"})
	}
	routes := &heardRoutes{}
	l := &loop{Options: Options{Node: "a", Routes: routes, Log: slog.New(slog.DiscardHandler)}, heard: &routes.heard,
		floors: floor.Floors{Intents: []floor.Floor{{Intent: "secret", Traffic: secret}}}}
	cfg := &nodecfg.Config{Revision: 1, Node: "a", Locator: netip.MustParsePrefix("5f00:0:1::/48")}
	routes.say("10.3.0.0/16")
	before, err := l.acceptable(cfg)
	if err != nil || before.unsteered != nil || len(before.asked.Policies) != 1 {
		t.Fatalf("%+v, %v", before, err)
	}
	for i := range 10_000 {
		routes.say(fmt.Sprintf("10.2.%d.%d/32", i>>8, i&255))
	}
	refused := func(stay int) *taken {
		t.Helper()
		taken, err := l.acceptable(cfg)
		if err != nil || taken.unsteered == nil || len(taken.asked.Policies) != stay || !strings.Contains(taken.unsteered.Error, fmt.Sprintf("%d policies from before stay", stay)) {
			t.Fatalf("%+v, %v", taken, err)
		}
		return taken
	}
	refused(0) // as after a restart
	l.asked, l.given = before.asked, before.given
	if again := refused(1); len(again.asked.Policies[0].Traffic) != 1 {
		t.Errorf("%+v", again.asked.Policies)
	}
	next := *cfg
	next.Policies = []nodecfg.Policy{{Intent: "silver", ID: 7, Traffic: []nodecfg.Selector{{From: netip.MustParsePrefix("10.1.0.0/16"), To: netip.MustParsePrefix("10.9.0.0/16")}}}}
	cfg = &next // with the number of the policy from before
	taken, err := l.acceptable(cfg)
	if err != nil || len(taken.asked.Policies) != 1 || taken.asked.Policies[0].Intent != "silver" {
		t.Errorf("%+v, %v", taken, err)
	}
}

// A network that the node is attached to is looked for again and again.
func TestLooksAround(t *testing.T) {
	var near []netip.Prefix
	routes := &heardRoutes{}
	routes.say("10.2.0.0/16")
	l := &loop{Options: Options{Node: "a", Routes: routes, Near: func() []netip.Prefix { return near }, Log: slog.New(slog.DiscardHandler)}, heard: &routes.heard}
	steered := func() int {
		t.Helper()
		taken, err := l.acceptable(&nodecfg.Config{Revision: 1, Node: "a", Locator: netip.MustParsePrefix("5f00:0:1::/48")})
		if err != nil {
			t.Fatal(err)
		}
		return len(taken.asked.Policies)
	}
	if l.look(); l.unheard || steered() != 1 {
		t.Error("not steered")
	}
	near = []netip.Prefix{netip.MustParsePrefix("10.2.1.0/24")}
	if l.look(); !l.unheard || steered() != 0 {
		t.Error("steered")
	}
	l.unheard, near = false, nil // it cannot be told
	if l.look(); l.unheard || steered() != 0 {
		t.Error("what is not known counts")
	}
}

// Peers that say something new all the time are obeyed at a pace.
func TestHearsAtAPace(t *testing.T) {
	now := time.Now()
	l := &loop{sentAt: now, heardAt: now, unheard: true}
	if at := l.next(); !at.Equal(now.Add(hearing)) {
		t.Errorf("after %v", at.Sub(now))
	}
	if l.unheard = false; !l.next().Equal(now.Add(refresh)) {
		t.Error("woken for nothing")
	}
	routes := &heardRoutes{}
	l = &loop{Options: Options{Routes: routes, Log: slog.New(slog.DiscardHandler)}, heardAt: time.Now().Add(time.Hour), unheard: true, heard: &steer.Heard{}, sent: &nodecfg.Report{}, sentAt: now}
	if l.tick(); !l.unheard {
		t.Error("heard too early")
	}
	l.heardAt = time.Time{}
	if l.tick(); l.unheard || l.heard != &routes.heard || l.heardAt.IsZero() {
		t.Error("not heard")
	}
}
