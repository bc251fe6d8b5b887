package alert

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/keiro-net/keiro/controller/api/resource"
)

// Message is the body of a webhook.
type Message struct {
	Type      string         `json:"type"` // alert.firing or alert.resolved
	Timestamp time.Time      `json:"timestamp"`
	Data      resource.Alert `json:"data"`
}

const (
	maxMessage = 20_000 // bytes of a webhook's body, as the specification advises
	maxText    = 2000   // bytes of each text in an alert that is too long
)

// webhookBody encodes an alert. It is the same at every attempt.
func webhookBody(a resource.Alert) ([]byte, error) {
	at := a.DetectedAt
	if a.Status == resource.Resolved {
		at = a.ResolvedAt
	}
	for shortened := false; ; shortened = true {
		body, err := json.Marshal(Message{Type: "alert." + string(a.Status), Timestamp: at, Data: a})
		if err != nil {
			return nil, fmt.Errorf("encode the alert %s: %w", a.ID, err)
		}
		if len(body) < maxMessage || shortened && len(a.IntentsHit) == 0 {
			return body, nil
		}
		a = shorten(a)
	}
}

// shorten cuts the texts and halves the list of intents.
func shorten(a resource.Alert) resource.Alert {
	for _, text := range []*string{&a.Message, &a.Before, &a.After, &a.Cause.Text} {
		if len(*text) > maxText {
			cut := maxText - len("…")
			for !utf8.RuneStart((*text)[cut]) {
				cut--
			}
			*text = (*text)[:cut] + "…"
		}
	}
	keep := len(a.IntentsHit) / 2
	a.IntentsOmitted += len(a.IntentsHit) - keep
	a.IntentsHit = a.IntentsHit[:keep]
	return a
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

// amEncode maps an alert. The labels are its identity, and so the same for
// firing and resolved.
func amEncode(a *resource.Alert) amAlert {
	out := amAlert{
		Labels: map[string]string{
			"alertname": a.Name, "severity": string(a.Severity), "alert_id": a.ID,
		},
		Annotations: map[string]string{
			"summary": a.Message, "before": a.Before, "after": a.After, "cause": a.Cause.Text,
			"intents": strings.Join(a.IntentsHit, ", "), "detected_after": a.DetectedAt.Sub(a.CausedAt).String(),
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

// alertmanagerBody is the body of POST /api/v2/alerts.
func alertmanagerBody(alerts []*resource.Alert, now time.Time) ([]byte, error) {
	all := make([]amAlert, len(alerts))
	for i, a := range alerts {
		all[i] = amEncode(a)
		if a.Status == resource.Firing {
			all[i].EndsAt = now.Add(amHold)
		}
	}
	return json.Marshal(all)
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
