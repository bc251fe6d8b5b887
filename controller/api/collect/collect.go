// Package collect turns what the controller knows into Prometheus metrics, at each
// scrape. It keeps nothing and decides nothing. Its labels are names that operators
// declared, so that no node and no router can make series as it likes.
// controller/api serves what it collects.
package collect

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/pathspec"
)

// Metrics read from the state at each scrape. What is not known has no
// sample: a 0 would be a claim.
var (
	generationDesc   = desc("keiro_declared_generation", "Generation of the declared state.")
	buildDesc        = desc("keiro_build_info", "What is running; always 1.", "version", "commit")
	intentsDesc      = desc("keiro_intents", "Intents by the status of their answer.", "status")
	conditionDesc    = desc("keiro_intent_condition", "Whether a condition of an intent is True; absent where that is unknown.", "intent", "condition")
	complianceDesc   = desc("keiro_intent_compliance", "1 for the present status of an intent, the worst of its characteristics; 0 for the others.", "intent", "status")
	characterDesc    = desc("keiro_intent_characteristic_status", "0: a characteristic holds; 1: it is degraded; 2: it is violated; absent where that is unknown.", "intent", "characteristic")
	pathUpDesc       = desc("keiro_path_up", "Whether a path carries packets; absent where that is unknown.", "intent", "path", "headend")
	pathActiveDesc   = desc("keiro_path_active", "Whether the intent's packets take the path.", "intent", "path", "headend")
	pathRTTDesc      = desc("keiro_path_round_trip_seconds", "Smoothed round trip over a path and back.", "intent", "path", "headend")
	nodeUpDesc       = desc("keiro_node_connected", "Whether the node's agent is connected; absent where none runs.", "node")
	nodeWantedDesc   = desc("keiro_node_wanted_revision", "Revision of the configuration the node should be at.", "node")
	nodeReachedDesc  = desc("keiro_node_reached_revision", "Revision of the configuration the node is known to be at.", "node")
	nodeErrorsDesc   = desc("keiro_node_errors", "Kernel objects that could not be made as wanted.", "node")
	nodeDriftsDesc   = desc("keiro_node_drifts_total", "Changes by others of what the node's agent made, since the agent began.", "node")
	linkUpDesc       = desc("keiro_link_up", "Whether a link carries traffic; absent where that is unknown.", "link")
	linkDrainedDesc  = desc("keiro_link_drained", "Whether a link is taken out of use on purpose.", "link")
	alertsDesc       = desc("keiro_alerts_firing", "Alerts that fire, by severity.", "severity")
	pendingDesc      = desc("keiro_alert_deliveries_pending", "Alerts that an endpoint has not acknowledged yet.", "endpoint")
	deliveredDesc    = desc("keiro_alert_deliveries_total", "Alerts that an endpoint has acknowledged.", "endpoint")
	failedDesc       = desc("keiro_alert_delivery_failures_total", "Attempts that an endpoint did not acknowledge.", "endpoint")
	lostDesc         = desc("keiro_alert_deliveries_lost_total", "Alerts that were given up.", "endpoint")
	pendingSizeDesc  = desc("keiro_alert_deliveries_pending_bytes", "Size of the alerts that an endpoint has not acknowledged yet.", "endpoint")
	deadDesc         = desc("keiro_alert_dead_letters", "Alerts that were given up and are kept to be replayed.", "endpoint")
	deadDroppedDesc  = desc("keiro_alert_dead_letters_dropped_total", "Dead letters for which there was no room any more.", "endpoint")
	endpointDownDesc = desc("keiro_alert_endpoint_disabled", "Whether an endpoint has said that it wants no more.", "endpoint")
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// Source is where the metrics come from, and a prometheus.Collector of them.
type Source struct {
	Version    resource.Version
	State      func() *resource.State     // the newest; nil: none yet
	Peers      func() *resource.Peers     // of BGP
	Deliveries func() []resource.Delivery // nil: no alerts are sent
}

// Describe sends nothing: which metrics there are depends on the state.
func (s Source) Describe(chan<- *prometheus.Desc) {}

// Collect sends all metrics.
func (s Source) Collect(ch chan<- prometheus.Metric) {
	out := emitter{ch}
	out.gauge(buildDesc, 1, s.Version.Version, s.Version.Commit)
	if s.Deliveries != nil {
		out.deliveries(s.Deliveries())
	}
	out.peers(s.Peers())
	state := s.State()
	if state == nil {
		return
	}
	out.learned(state)
	out.gauge(generationDesc, float64(state.Generation))
	out.intents(state.Intents)
	out.network(state)
	out.lanes(state.Lanes, time.Now())
	out.keying(state)
	firing := map[resource.Severity]int{}
	for _, a := range state.Alerts {
		if a.Status == resource.Firing {
			firing[a.Severity]++
		}
	}
	for _, severity := range []resource.Severity{resource.Critical, resource.Warning, resource.Info} {
		out.gauge(alertsDesc, float64(firing[severity]), string(severity))
	}
}

type emitter struct {
	ch chan<- prometheus.Metric
}

func (e emitter) gauge(d *prometheus.Desc, v float64, labels ...string) {
	e.ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func (e emitter) counter(d *prometheus.Desc, v uint64, labels ...string) {
	e.ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
}

func (e emitter) intents(intents []*resource.Intent) {
	status := map[pathspec.Status]int{}
	for _, i := range intents {
		name := i.Metadata.Name
		status[i.Status.Answer.Status]++
		for _, c := range i.Status.Conditions {
			if c.Status != resource.Unknown {
				e.gauge(conditionDesc, truth(c.Status == resource.True), name, c.Type)
			}
		}
		for _, s := range []resource.ComplianceStatus{resource.Complies, resource.Degrades, resource.Violates, resource.CannotTell} {
			e.gauge(complianceDesc, truth(i.Status.Compliance == s), name, string(s))
		}
		for _, c := range i.Status.Characteristics {
			if v, known := map[resource.ComplianceStatus]float64{resource.Complies: 0, resource.Degrades: 1, resource.Violates: 2}[c.Status]; known {
				e.gauge(characterDesc, v, name, c.Name)
			}
		}
		for _, p := range i.Status.Paths {
			if p.State != nodecfg.CannotTell {
				e.gauge(pathUpDesc, truth(p.State == nodecfg.Up), name, p.Name, p.Headend)
			}
			if p.SRPolicy == nil || p.SRPolicy.Active != resource.Unknown || !p.Since.IsZero() { // some headend or agent says
				e.gauge(pathActiveDesc, truth(p.Active), name, p.Name, p.Headend)
			}
			if p.RTTUS > 0 {
				e.gauge(pathRTTDesc, float64(p.RTTUS)/1e6, name, p.Name, p.Headend)
			}
			e.measured(name, &p)
		}
	}
	for _, s := range []pathspec.Status{pathspec.Satisfied, pathspec.Infeasible, pathspec.Undecided} {
		e.gauge(intentsDesc, float64(status[s]), string(s))
	}
}

func (e emitter) network(state *resource.State) {
	for _, n := range state.Nodes {
		if n.NoAgent {
			continue
		}
		e.gauge(nodeUpDesc, truth(n.Connected), n.Name)
		e.gauge(nodeWantedDesc, float64(n.RevisionWanted), n.Name)
		e.gauge(nodeReachedDesc, float64(n.RevisionReached), n.Name)
		e.gauge(nodeErrorsDesc, float64(len(n.Errors)), n.Name)
		e.counter(nodeDriftsDesc, n.Drifted, n.Name)
	}
	for _, l := range state.Links {
		if l.State != resource.LinkUnknown {
			e.gauge(linkUpDesc, truth(l.State == resource.LinkUp), l.Name)
		}
		e.gauge(linkDrainedDesc, truth(l.Drained), l.Name)
	}
}

func (e emitter) deliveries(all []resource.Delivery) {
	for _, d := range all {
		e.gauge(pendingDesc, float64(d.Pending), d.Endpoint)
		e.gauge(pendingSizeDesc, float64(d.PendingBytes), d.Endpoint)
		e.gauge(deadDesc, float64(d.Dead), d.Endpoint)
		e.counter(deadDroppedDesc, d.DeadDropped, d.Endpoint)
		e.counter(deliveredDesc, d.Delivered, d.Endpoint)
		e.counter(failedDesc, d.Failed, d.Endpoint)
		e.counter(lostDesc, d.Lost, d.Endpoint)
		e.gauge(endpointDownDesc, truth(d.Disabled), d.Endpoint)
	}
}

func truth(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
