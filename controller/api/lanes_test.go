package api_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/controller/api/apitest"
	"github.com/keiro-net/keiro/controller/api/resource"
)

// lanes puts a lane into a state, and two nodes that tell of their keys.
func lanes(s *resource.State) {
	s.Nodes = []*resource.Node{{Name: "osa1", Connected: true}, {Name: "tyo1", Connected: true}}
	s.Lanes = []*resource.Lane{{
		Name: "gold/0", Intent: "gold", Encryption: "pq", Nodes: []string{"tyo1", "osa1"}, Links: []string{"tyo1--osa1"}, Serving: true,
		Ends: []resource.LaneEnd{
			{Node: "tyo1", Interface: "kr-w1", State: resource.LaneOpen, Level: "pq", Epoch: 18, Keyed: apitest.Now, Proven: true,
				Handshake: apitest.Now, Sent: 1000, Received: 900, Dropped: 3},
			{Node: "osa1", Interface: "kr-w1", State: resource.LaneDraining, Reason: "the key gets too old", Level: "pq", Epoch: 17, Keyed: apitest.Now},
		},
	}, {Name: "gold/1", Intent: "gold", Index: 1, Encryption: "pq", Nodes: []string{"tyo1", "osa1"}, Links: []string{"tyo1--osa1#2"},
		Ends: []resource.LaneEnd{{Node: "tyo1", State: resource.LaneClosed, Reason: "no key"}, {Node: "osa1", State: resource.LaneUnknown}}}}
	s.Keying = []*resource.Keying{{
		Node: "tyo1", Alarms: []nodecfg.KeyAlarm{{Name: "KeyStale", Peer: "osa1", Lane: "gold/0", Message: "no new key"}},
		Stores: []nodecfg.KeyStore{{Peer: "osa1", State: "low", Known: true, Keys: 12, Lasts: 40e6}, {Peer: "invented", State: "none"}},
		Floors: []nodecfg.FloorState{{Intent: "gold", Level: "pq"}, {Intent: "gone", Level: "pq", Fenced: true}},
		Counts: nodecfg.KeyCounts{Started: 20, Committed: 18, Abandoned: 2, Refused: map[string]uint64{"seen before": 4}},
	}}
}

// What is not known has no sample, and nobody but an operator makes series.
func TestLaneMetrics(t *testing.T) {
	server, backend := newServer(t)
	apply(t, server)
	backend.Update(lanes)
	text := call(t, server, "GET", "/metrics", "").Body.String()
	for _, line := range []string{
		`keiro_lanes{state="open"} 1`, `keiro_lanes{state="draining"} 1`, `keiro_lanes{state="closed"} 1`, `keiro_lanes{state="unknown"} 1`,
		`keiro_lane_open{intent="gold",lane="gold/0",node="tyo1"} 1`, `keiro_lane_open{intent="gold",lane="gold/0",node="osa1"} 1`,
		`keiro_lane_open{intent="gold",lane="gold/1",node="tyo1"} 0`,
		`keiro_lane_draining{intent="gold",lane="gold/0",node="osa1"} 1`, `keiro_lane_epoch{intent="gold",lane="gold/0",node="tyo1"} 18`,
		`keiro_lane_sent_bytes_total{intent="gold",lane="gold/0",node="tyo1"} 1000`,
		`keiro_lane_received_bytes_total{intent="gold",lane="gold/0",node="tyo1"} 900`,
		`keiro_lane_dropped_packets_total{intent="gold",lane="gold/0",node="tyo1"} 3`,
		`keiro_key_exchanges_started_total{node="tyo1"} 20`, `keiro_key_exchanges_committed_total{node="tyo1"} 18`,
		`keiro_key_exchanges_abandoned_total{node="tyo1"} 2`, `keiro_key_messages_refused_total{node="tyo1",reason="seen before"} 4`,
		`keiro_key_alarms{node="tyo1"} 1`, `keiro_floor_fenced{intent="gold",node="tyo1"} 0`,
		`keiro_key_store_keys{node="tyo1",peer="osa1"} 12`, `keiro_key_store_lasts_seconds{node="tyo1",peer="osa1"} 40`,
		`keiro_key_store_state{node="tyo1",peer="osa1",state="low"} 1`, `keiro_key_store_state{node="tyo1",peer="osa1",state="enough"} 0`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
	for _, line := range []string{
		`keiro_lane_open{intent="gold",lane="gold/1",node="osa1"}`, `keiro_lane_epoch{intent="gold",lane="gold/1"`, `peer="invented"`, `intent="gone"`,
		`keiro_lane_handshake_age_seconds{intent="gold",lane="gold/0",node="osa1"}`,
	} {
		if strings.Contains(text, line) {
			t.Errorf("a line %s", line)
		}
	}
	if !strings.Contains(text, `keiro_lane_key_age_seconds{intent="gold",lane="gold/0",node="tyo1"} `) {
		t.Error("no age of a key")
	}
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v %v", problems, err)
	}
	backend.Update(func(s *resource.State) {
		k := *s.Keying[0]
		k.Counts.Refused = map[string]uint64{}
		for n := range 10_000 {
			k.Counts.Refused[fmt.Sprintf("invented %04d", n)] = 1
		}
		s.Keying[0] = &k
	})
	text = call(t, server, "GET", "/metrics", "").Body.String()
	if n := strings.Count(text, "keiro_key_messages_refused_total{"); n != 65 || !strings.Contains(text, `reason="others"} 9936`) {
		t.Errorf("a node makes %d series", n)
	}
}
