package alert

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/keiro-net/keiro/controller/api/resource"
)

// Message is the body of a webhook.
type Message struct {
	Type      string         `json:"type"` // one of the types below
	Timestamp time.Time      `json:"timestamp"`
	Data      resource.Alert `json:"data"`
}

// The types of a Message.
const (
	Fired    = "alert.fired"
	Updated  = "alert.updated" // it goes on firing, and hits or says something else
	Resolved = "alert.resolved"
)

// kindOf is the type of an alert's message, and when what it tells happened.
func kindOf(a *resource.Alert) (string, time.Time) {
	switch {
	case a.Status == resource.Resolved:
		return Resolved, a.ResolvedAt
	case a.Updates > 0:
		return Updated, a.UpdatedAt
	}
	return Fired, a.DetectedAt
}

const (
	maxMessage  = 20_000 // bytes of a webhook's body, as the specification advises
	maxText     = 2000   // bytes of each text in an alert that is too long
	maxEvidence = 10     // pieces of evidence in such a one
)

// webhookBody encodes an alert. It is the same at every attempt.
func webhookBody(a resource.Alert) ([]byte, error) {
	kind, at := kindOf(&a)
	body, err := json.Marshal(Message{Type: kind, Timestamp: at, Data: a})
	if err != nil {
		return nil, fmt.Errorf("encode the alert %s: %w", a.ID, err)
	}
	return body, nil
}

// fit shortens an alert until it makes a short message: its texts and its
// evidence, and then as many intents as it takes, which it counts.
func fit(a resource.Alert) resource.Alert {
	for {
		body, err := webhookBody(a)
		if err != nil || len(body) < maxMessage {
			return a
		}
		shorter := shorten(a)
		if len(shorter.IntentsHit) == len(a.IntentsHit) {
			return shorter
		}
		a = shorter
	}
}

// shorten cuts the texts and halves the list of intents.
func shorten(a resource.Alert) resource.Alert {
	for _, text := range []*string{&a.Message, &a.Before, &a.After, &a.Cause.Text} {
		cut(text, maxText)
	}
	if len(a.Evidence) > maxEvidence {
		a.EvidenceOmitted += len(a.Evidence) - maxEvidence
		a.Evidence = a.Evidence[:maxEvidence]
	}
	a.Evidence = slices.Clone(a.Evidence)
	for n := range a.Evidence {
		cut(&a.Evidence[n].Text, maxText/maxEvidence)
	}
	keep := len(a.IntentsHit) / 2
	a.IntentsOmitted += len(a.IntentsHit) - keep
	a.IntentsHit = a.IntentsHit[:keep]
	return a
}

// cut shortens a text to a number of bytes, and no letter in half.
func cut(text *string, length int) {
	if len(*text) <= length {
		return
	}
	end := length - len("…")
	for !utf8.RuneStart((*text)[end]) {
		end--
	}
	*text = (*text)[:end] + "…"
}

// amAlert is a PostableAlert of Alertmanager's v2 API and an alert of its
// receiver payload; the latter has Status.
type amAlert struct {
	Status       string            `json:"status,omitempty"`
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt,omitzero"`
	GeneratorURL string            `json:"generatorURL,omitempty"`
	Fingerprint  string            `json:"fingerprint,omitempty"`
}

// amHold is how long Alertmanager believes a firing alert that is not
// repeated. It is told every amRepeat.
const (
	amRepeat = time.Minute
	amHold   = 4 * amRepeat
)

// evidence is one piece a line.
func evidence(a *resource.Alert) string {
	lines := make([]string, len(a.Evidence))
	for n, e := range a.Evidence {
		lines[n] = fmt.Sprintf("%s %s: %s (%s)", e.Kind, e.Source, e.Text, e.At.UTC().Format(time.RFC3339Nano))
	}
	return strings.Join(lines, "\n")
}

// amEncode maps an alert. The labels are its identity, and so the same for
// firing and resolved.
func amEncode(a *resource.Alert) amAlert {
	out := amAlert{
		Labels: map[string]string{
			"alertname": a.Name, "severity": string(a.Severity), "alert_id": a.ID,
		},
		Annotations: map[string]string{
			"summary": a.Message, "before": a.Before, "after": a.After, "cause": a.Cause.Text,
			"intents": strings.Join(a.IntentsHit, ", "), "detected_after": (time.Duration(a.DetectionDelayUS) * time.Microsecond).String(),
			"evidence": evidence(a),
		},
		StartsAt: a.CausedAt,
	}
	if a.Intent != "" {
		out.Labels["intent"] = a.Intent
	}
	if a.Cause.Object != "" {
		out.Labels["cause"] = a.Cause.Object
	}
	if a.Status == resource.Resolved {
		out.EndsAt = a.ResolvedAt
	}
	return out
}

// alertmanagerBody is the body of POST /api/v2/alerts. Alertmanager knows an
// alert by its labels, and its rules route by severity: an alert whose severity
// changed is another one there, and the one before is ended.
func alertmanagerBody(alerts []*resource.Alert, now time.Time) ([]byte, error) {
	var all []amAlert
	for _, a := range alerts {
		one := amEncode(a)
		if a.Status == resource.Firing {
			one.EndsAt = now.Add(amHold)
		}
		all = append(all, one)
		for _, severity := range a.SeveritiesBefore {
			if severity != a.Severity {
				before := *a
				before.Severity, before.Status, before.ResolvedAt = severity, resource.Resolved, changed(a)
				all = append(all, amEncode(&before))
			}
		}
	}
	return json.Marshal(all)
}

// changed is when an alert got what it says now.
func changed(a *resource.Alert) time.Time {
	_, at := kindOf(a)
	return at
}

// receiverBody is what Alertmanager itself sends to its webhook receivers,
// version 4, for a group of one alert.
func receiverBody(a resource.Alert, receiver string) ([]byte, error) {
	one := amEncode(&a)
	one.Status, one.Fingerprint = string(a.Status), a.ID
	return json.Marshal(map[string]any{
		"version": "4", "groupKey": fmt.Sprintf("{}:{alert_id=%q}", a.ID), "truncatedAlerts": 0,
		"status": string(a.Status), "receiver": receiver, "groupLabels": map[string]string{"alert_id": a.ID},
		"commonLabels": one.Labels, "commonAnnotations": one.Annotations, "externalURL": "", "alerts": []amAlert{one},
	})
}
