package alert

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/keiro-net/keiro/controller/api/resource"
)

// amAlert is a PostableAlert of Alertmanager's v2 API.
type amAlert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt"`
	EndsAt      time.Time         `json:"endsAt,omitzero"`
}

// amHold is how long Alertmanager believes a firing alert that is not
// repeated. It is told every amRepeat.
const (
	amRepeat = time.Minute
	amHold   = 4 * amRepeat
)

// amEncode maps an alert. Alertmanager knows an alert by its labels, and its
// rules route by severity: an alert whose severity changed is another one
// there, and those before are ended.
func amEncode(a *resource.Alert) []amAlert {
	all := []amAlert{amOne(a)}
	for _, severity := range a.SeveritiesBefore {
		if severity != a.Severity {
			before := *a
			before.Severity, before.Status = severity, resource.Resolved
			_, before.ResolvedAt = kindOf(a)
			all = append(all, amOne(&before))
		}
	}
	return all
}

func amOne(a *resource.Alert) amAlert {
	out := amAlert{
		Labels: map[string]string{"alertname": a.Name, "severity": string(a.Severity), "alert_id": a.ID},
		Annotations: map[string]string{
			"summary": a.Message, "before": a.Before, "after": a.After, "cause": a.Cause.Text,
			"intents": strings.Join(a.IntentsHit, ", "), "detected_after": (time.Duration(a.DetectionDelayUS) * time.Microsecond).String(),
		},
		StartsAt: a.CausedAt,
	}
	if len(a.Evidence) > 0 {
		out.Annotations["evidence"] = evidence(a)
	}
	if a.Change != "" {
		out.Annotations["change"] = a.Change
	}
	if a.Intent != "" {
		out.Labels["intent"] = a.Intent
	}
	if a.Cause.Object != "" {
		out.Labels["cause"] = a.Cause.Object
	}
	if a.DetectedAt.Before(a.CausedAt) {
		out.StartsAt = a.DetectedAt // the clock of a node is ahead of ours
	}
	if a.Status == resource.Resolved {
		out.EndsAt = a.ResolvedAt
		if out.EndsAt.Before(out.StartsAt) {
			out.EndsAt = out.StartsAt // Alertmanager refuses what ends before it starts
		}
	}
	return out
}

// evidence is one piece a line.
func evidence(a *resource.Alert) string {
	lines := make([]string, len(a.Evidence))
	for n, e := range a.Evidence {
		lines[n] = fmt.Sprintf("%s %s: %s (%s)", e.Kind, e.Source, e.Text, e.At.UTC().Format(time.RFC3339Nano))
	}
	return strings.Join(lines, "\n")
}

// alertmanagerBody is the body of POST /api/v2/alerts.
func alertmanagerBody(alerts []*resource.Alert, now time.Time) ([]byte, error) {
	all := []amAlert{}
	for _, a := range alerts {
		for _, one := range amEncode(a) {
			if one.EndsAt.IsZero() {
				one.EndsAt = now.Add(amHold)
			}
			all = append(all, one)
		}
	}
	return json.Marshal(all)
}

// received is an alert in Alertmanager's payload for webhook receivers.
type received struct {
	Status       string            `json:"status"`
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"` // year 1 of one that fires
	GeneratorURL string            `json:"generatorURL"`
	Fingerprint  string            `json:"fingerprint"`
}

// payload is what Alertmanager sends to its webhook receivers, version 4.
type payload struct {
	Receiver          string            `json:"receiver"`
	Status            string            `json:"status"`
	Alerts            []received        `json:"alerts"`
	GroupLabels       map[string]string `json:"groupLabels"`
	CommonLabels      map[string]string `json:"commonLabels"`
	CommonAnnotations map[string]string `json:"commonAnnotations"`
	ExternalURL       string            `json:"externalURL"`
	Version           string            `json:"version"`
	GroupKey          string            `json:"groupKey"`
	TruncatedAlerts   int               `json:"truncatedAlerts"`
}

// receiverBody is the payload for a group of one alert.
func receiverBody(a resource.Alert, receiver string) ([]byte, error) {
	group := map[string]string{"alert_id": a.ID}
	out := payload{
		Receiver: receiver, Status: string(a.Status), GroupLabels: group,
		Version: "4", GroupKey: fmt.Sprintf("{}:{alert_id=%q}", a.ID),
	}
	for n, one := range amEncode(&a) {
		status := resource.Resolved
		if one.EndsAt.IsZero() {
			status = resource.Firing
		}
		out.Alerts = append(out.Alerts, received{
			Status: string(status), Labels: one.Labels, Annotations: one.Annotations, StartsAt: one.StartsAt, EndsAt: one.EndsAt,
			Fingerprint: fingerprint(one.Labels),
		})
		if n == 0 {
			out.CommonLabels, out.CommonAnnotations = maps.Clone(one.Labels), maps.Clone(one.Annotations)
		} else {
			keepCommon(out.CommonLabels, one.Labels)
			keepCommon(out.CommonAnnotations, one.Annotations)
		}
	}
	return json.Marshal(out)
}

func keepCommon(common, other map[string]string) {
	maps.DeleteFunc(common, func(name, value string) bool { return other[name] != value })
}

// fingerprint is Prometheus's of a set of labels: 64-bit FNV-1a over names and
// values, sorted, each with 0xff behind.
func fingerprint(labels map[string]string) string {
	h := fnv.New64a()
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		for _, part := range []string{name, labels[name]} {
			_, _ = h.Write([]byte(part)) // never fails
			_, _ = h.Write([]byte{0xff})
		}
	}
	return fmt.Sprintf("%016x", h.Sum64())
}
