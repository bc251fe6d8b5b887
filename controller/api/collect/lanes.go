package collect

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/keiro-net/keiro/controller/api/resource"
)

// Metrics of lanes and their keys. Their labels are names that an operator
// declared, so that no node can make series as it likes: a lane has two ends,
// a node as many stores as it has peers, and reasons are bounded by maxReasons.
var (
	lanesDesc         = desc("keiro_lanes", "Ends of lanes by their state.", "state")
	laneOpenDesc      = desc("keiro_lane_open", "Whether packets may enter a lane at one of its ends, draining ones included; absent where that is unknown.", "intent", "lane", "node")
	laneDrainingDesc  = desc("keiro_lane_draining", "Whether a lane carries but is about to be closed.", "intent", "lane", "node")
	laneEpochDesc     = desc("keiro_lane_epoch", "Epoch of the key that a lane has; absent where it has none.", "intent", "lane", "node")
	laneKeyAgeDesc    = desc("keiro_lane_key_age_seconds", "Time since the key of a lane was agreed; absent where it has none.", "intent", "lane", "node")
	laneHandshakeDesc = desc("keiro_lane_handshake_age_seconds", "Time since WireGuard's last handshake on a lane; absent where there was none.", "intent", "lane", "node")
	laneSentDesc      = desc("keiro_lane_sent_bytes_total", "Bytes that WireGuard has sent on a lane.", "intent", "lane", "node")
	laneReceivedDesc  = desc("keiro_lane_received_bytes_total", "Bytes that WireGuard has received on a lane.", "intent", "lane", "node")
	laneDroppedDesc   = desc("keiro_lane_dropped_packets_total", "Packets that the interface of a lane would not take.", "intent", "lane", "node")

	keyStartedDesc   = desc("keiro_key_exchanges_started_total", "Key exchanges that a node has begun.", "node")
	keyCommittedDesc = desc("keiro_key_exchanges_committed_total", "Key exchanges that gave a node a new epoch.", "node")
	keyAbandonedDesc = desc("keiro_key_exchanges_abandoned_total", "Key exchanges that a node gave up.", "node")
	keyRefusedDesc   = desc("keiro_key_messages_refused_total", "What came in for key exchanges and was not acted upon, by reason.", "node", "reason")
	keyAlarmsDesc    = desc("keiro_key_alarms", "What a node says is wrong with its keys now.", "node")
	floorFencedDesc  = desc("keiro_floor_fenced", "Whether a node answers an intent's packets with unreachable because less encryption is declared than its floor.", "intent", "node")

	storeKeysDesc  = desc("keiro_key_store_keys", "QKD keys that the KME of a node has for a peer; absent where nobody knows.", "node", "peer")
	storeLastsDesc = desc("keiro_key_store_lasts_seconds", "Time until a store of QKD keys is dry if none is made any more; absent where nobody knows.", "node", "peer")
	storeStateDesc = desc("keiro_key_store_state", "State of a store of QKD keys: 1 for the one that it is in.", "node", "peer", "state")
)

// maxReasons is how many reasons of refusals are told apart for one node. There
// are fewer in an agent that is well.
const maxReasons = 64

func (e emitter) lanes(lanes []*resource.Lane, now time.Time) {
	count := map[resource.LaneState]int{}
	for _, l := range lanes {
		for _, end := range l.Ends {
			count[end.State]++
			if end.State == resource.LaneUnknown {
				continue
			}
			labels := []string{l.Intent, l.Name, end.Node}
			e.gauge(laneOpenDesc, truth(end.State != resource.LaneClosed), labels...)
			e.gauge(laneDrainingDesc, truth(end.State == resource.LaneDraining), labels...)
			if end.Epoch > 0 {
				e.gauge(laneEpochDesc, float64(end.Epoch), labels...)
				e.age(laneKeyAgeDesc, now, end.Keyed, labels...)
			}
			e.age(laneHandshakeDesc, now, end.Handshake, labels...)
			e.counter(laneSentDesc, end.Sent, labels...)
			e.counter(laneReceivedDesc, end.Received, labels...)
			e.counter(laneDroppedDesc, end.Dropped, labels...)
		}
	}
	for _, state := range []resource.LaneState{resource.LaneOpen, resource.LaneDraining, resource.LaneClosed, resource.LaneUnknown} {
		e.gauge(lanesDesc, float64(count[state]), string(state))
	}
}

func (e emitter) age(d *prometheus.Desc, now, since time.Time, labels ...string) {
	if !since.IsZero() {
		e.gauge(d, max(now.Sub(since), 0).Seconds(), labels...)
	}
}

func (e emitter) keying(state *resource.State) {
	nodes, intents := map[string]bool{}, map[string]bool{}
	for _, n := range state.Nodes {
		nodes[n.Name] = true
	}
	for _, i := range state.Intents {
		intents[i.Metadata.Name] = true
	}
	for _, k := range state.Keying {
		e.counter(keyStartedDesc, k.Counts.Started, k.Node)
		e.counter(keyCommittedDesc, k.Counts.Committed, k.Node)
		e.counter(keyAbandonedDesc, k.Counts.Abandoned, k.Node)
		e.gauge(keyAlarmsDesc, float64(len(k.Alarms)), k.Node)
		e.refusals(k)
		for _, f := range k.Floors {
			if intents[f.Intent] {
				e.gauge(floorFencedDesc, truth(f.Fenced), f.Intent, k.Node)
			}
		}
		seen := map[string]bool{}
		for _, s := range k.Stores {
			if !nodes[s.Peer] || seen[s.Peer] {
				continue
			}
			seen[s.Peer] = true
			if s.Known {
				e.gauge(storeKeysDesc, float64(s.Keys), k.Node, s.Peer)
				e.gauge(storeLastsDesc, float64(s.Lasts)/1e6, k.Node, s.Peer)
			}
			for _, word := range []string{"enough", "low", "none"} {
				e.gauge(storeStateDesc, truth(s.State == word), k.Node, s.Peer, word)
			}
		}
	}
}

// refusals sums what is beyond the bound under one reason.
func (e emitter) refusals(k *resource.Keying) {
	var reasons []string
	for reason := range k.Counts.Refused {
		reasons = append(reasons, reason)
	}
	slices.Sort(reasons)
	var others uint64
	for n, reason := range reasons {
		if n >= maxReasons {
			others += k.Counts.Refused[reason]
			continue
		}
		e.counter(keyRefusedDesc, k.Counts.Refused[reason], k.Node, reason)
	}
	if others > 0 {
		e.counter(keyRefusedDesc, others, k.Node, "others")
	}
}
