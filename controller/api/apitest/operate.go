package apitest

import (
	"context"
	"slices"
	"time"

	"github.com/keiro-net/keiro/controller/api"
	"github.com/keiro-net/keiro/controller/api/resource"
)

// Drain takes anything out of use but what is called "nothing".
func (b *Backend) Drain(_ context.Context, drain resource.Drain) (*resource.Drain, error) {
	if drain.Name == "nothing" {
		return nil, resource.Errorf(resource.NotFound, "there is no %s %s", drain.Kind, drain.Name)
	}
	drain.Since = Now
	b.Update(func(s *resource.State) {
		s.Drains = append(without(s.Drains, drain.Kind, drain.Name), &drain)
	}, resource.Event{Type: "Drained", Severity: resource.Info, Object: drain.Kind + ":" + drain.Name, Message: drain.Reason})
	return &drain, nil
}

// Undrain puts it back.
func (b *Backend) Undrain(_ context.Context, kind, name string) error {
	left := without(b.State().Drains, kind, name)
	if len(left) == len(b.State().Drains) {
		return resource.Errorf(resource.NotFound, "%s %s is not drained", kind, name)
	}
	b.Update(func(s *resource.State) { s.Drains = left })
	return nil
}

func without(drains []*resource.Drain, kind, name string) []*resource.Drain {
	return slices.DeleteFunc(slices.Clone(drains), func(d *resource.Drain) bool { return d.Kind == kind && d.Name == name })
}

// Events returns those that the query picks.
func (b *Backend) Events(_ context.Context, q resource.EventQuery) ([]resource.Event, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return q.Pick(b.events), nil
}

// Compliance returns what Remember was given, and nothing of other intents.
func (b *Backend) Compliance(_ context.Context, intent string) ([]*resource.Compliance, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if intent == "" {
		return slices.Clone(b.compliance), nil
	}
	if b.state.Intent(intent) == nil {
		return nil, resource.Errorf(resource.NotFound, "there is no intent %s", intent)
	}
	for _, c := range b.compliance {
		if c.Intent == intent {
			return []*resource.Compliance{c}, nil
		}
	}
	return []*resource.Compliance{{Intent: intent, Status: resource.CannotTell, Characteristics: []resource.Characteristic{}, Erosions: []resource.Erosion{}, Months: []resource.Availability{}}}, nil
}

// Remember makes it what is remembered of intents.
func (b *Backend) Remember(all ...*resource.Compliance) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.compliance = all
}

// CreateToken returns a token that opens nothing.
func (b *Backend) CreateToken(_ context.Context, node string, ttl time.Duration) (*resource.Token, error) {
	return &resource.Token{Node: node, Token: "keiro-test-token", Expires: Now.Add(ttl)}, nil
}

// Tokens is an api.Authorizer: token to principal.
type Tokens map[string]string

var _ api.Authorizer = Tokens{}

// Authorize looks the token up.
func (t Tokens) Authorize(token string) (string, bool) {
	principal, ok := t[token]
	return principal, ok
}
