package apitest

import (
	"context"
	"slices"

	"github.com/keiro-net/keiro/controller/api/resource"
)

// Alerts is an api.Alerts with two dead letters at first.
type Alerts struct{ replayed []string }

// Deliveries implements api.Alerts.
func (*Alerts) Deliveries() []resource.Delivery {
	return []resource.Delivery{{Endpoint: "noc", Delivered: 3, Dead: 2}}
}

// DeadLetters implements api.Alerts.
func (a *Alerts) DeadLetters() []resource.DeadLetter {
	var out []resource.DeadLetter
	for _, id := range []string{"msg_1", "msg_2"} {
		if !slices.Contains(a.replayed, id) {
			out = append(out, resource.DeadLetter{
				ID: id, Endpoint: "noc", Created: Now, GivenUp: Now, Attempts: 13, Reason: "it answered 500 Internal Server Error",
				Alert: resource.Alert{
					ID: "lost/srlg:keihan-duct", Name: resource.DegradedPath, Severity: resource.Warning, Status: resource.Firing,
					IntentsHit: []string{"gold"}, Evidence: []resource.Evidence{}, CausedAt: Now, DetectedAt: Now, Message: "keihan-duct is down",
				},
			})
		}
	}
	return out
}

// Replay implements api.Alerts.
func (a *Alerts) Replay(_ context.Context, ids []string) (out []resource.DeadLetter, err error) {
	for _, l := range a.DeadLetters() {
		if len(ids) == 0 || slices.Contains(ids, l.ID) {
			out = append(out, l)
		}
	}
	if len(out) < len(ids) {
		return nil, resource.Errorf(resource.NotFound, "no dead letter %s", ids[0])
	}
	for _, l := range out {
		a.replayed = append(a.replayed, l.ID)
	}
	return out, nil
}
