package alert

import (
	"encoding/json"
	"fmt"
	"slices"
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
	for end > 0 && !utf8.RuneStart((*text)[end]) {
		end--
	}
	*text = (*text)[:end] + "…"
}
