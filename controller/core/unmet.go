package core

import (
	"fmt"
	"strings"
	"time"

	"github.com/keiro-net/keiro/pathspec"
)

// The keys of alarms about intents that are not satisfied: one intent by
// itself, or all that are so for one cause.
const (
	loneUnmet   = "intent/"
	infeasibles = "infeasible/"
	undecideds  = "undecided/"
)

// unmet gathers intents that one alarm tells of.
type unmet struct {
	key, cause string
	intents    []*intent
}

// tellAnswers raises the alarms of intents that are not satisfied, those with
// one cause together, and resolves those that are over. A failure that is not
// told yet comes first: what follows from it is put down to it.
func (c *Core) tellAnswers(now time.Time) {
	if !c.fresh() || len(c.failing) > 0 {
		return
	}
	found, order := c.unmetNow()
	for _, key := range sortedKeys(c.alarms) {
		a := c.alarms[key]
		if about(a) && found[key] == nil {
			c.resolve(now, key)
		}
	}
	for _, key := range order {
		c.renew(now, c.unmetAlarm(now, found[key]))
	}
}

// about reports whether an alarm is about intents that are not satisfied.
func about(a Alarm) bool { return a.Name == IntentInfeasible || a.Name == IntentUndecided }

// unmetName is the name of an alarm about the intent, which is not satisfied.
func unmetName(i *intent) (name, prefix string) {
	if i.answer.Status == pathspec.Infeasible {
		return IntentInfeasible, infeasibles
	}
	return IntentUndecided, undecideds
}

// unmetNow gathers the intents that are not satisfied by the keys of their
// alarms, the keys in the order of the intents. What is told already stays
// where it is told.
func (c *Core) unmetNow() (found map[string]*unmet, order []string) {
	told, lost := map[string]string{}, map[string]string{} // by intent: the key, the cause
	for _, key := range sortedKeys(c.alarms) {
		a := c.alarms[key]
		for _, name := range a.Intents {
			switch {
			case about(a):
				told[a.Name+" "+name] = key
			case strings.HasPrefix(key, "lost/"):
				lost[name] = a.Cause
			}
		}
	}
	found = map[string]*unmet{}
	add := func(key, cause string, i *intent) {
		if found[key] == nil {
			found[key] = &unmet{key: key, cause: cause}
			order = append(order, key)
		}
		found[key].intents = append(found[key].intents, i)
	}
	fresh := map[string][]*intent{} // that nothing but the question itself explains, by prefix
	for _, i := range c.intents {
		if i.answer == nil || i.answer.Status == pathspec.Satisfied {
			continue
		}
		name, prefix := unmetName(i)
		if key := told[name+" "+i.spec.Name]; key != "" {
			add(key, c.alarms[key].Cause, i)
		} else if cause := lost[i.spec.Name]; cause != "" {
			add(prefix+cause, cause, i)
		} else {
			fresh[prefix] = append(fresh[prefix], i)
		}
	}
	for _, prefix := range sortedKeys(fresh) {
		for _, i := range fresh[prefix] {
			if len(fresh[prefix]) == 1 || c.why.Source == "" {
				add(loneUnmet+i.spec.Name, "intent:"+i.spec.Name, i)
			} else {
				add(prefix+c.why.Source, c.why.Source, i)
			}
		}
	}
	return found, order
}

// unmetAlarm is the alarm of intents that are not satisfied.
func (c *Core) unmetAlarm(now time.Time, u *unmet) Alarm {
	name, _ := unmetName(u.intents[0])
	a := Alarm{
		Key: u.key, Name: name, Severity: "warning", Cause: u.cause, Before: string(pathspec.Satisfied),
		After: string(u.intents[0].answer.Status), CausedAt: c.asOf, DetectedAt: now,
	}
	if lost := c.alarms["lost/"+u.cause]; lost.Firing {
		a.CausedAt, a.Evidence = lost.CausedAt, lost.Evidence
	} else if !c.alarms[u.key].Firing && c.why.Kind != "" {
		a.Evidence = []Evidence{c.why}
		if c.why.Kind == ByChange {
			a.Change = c.why.Source
		}
	}
	var says []string
	for _, i := range u.intents {
		a.Intents = append(a.Intents, i.spec.Name)
		says = append(says, fmt.Sprintf("%s (%s)", i.spec.Name, i.answer.Why.Message))
	}
	since := ""
	if !strings.HasPrefix(u.key, loneUnmet) {
		since = " since " + u.cause
	}
	switch i := u.intents[0]; {
	case len(u.intents) > 1:
		a.Message = fmt.Sprintf("%d intents are %s%s: %s. `keiro explain INTENT` says why of each", len(u.intents), a.After, since, some(says))
	case i.answer.Pending:
		a.Message = fmt.Sprintf("intent %s is %s%s; `keiro explain %s` says why", i.spec.Name, i.answer.Status, since, i.spec.Name)
	default:
		a.Message = fmt.Sprintf("intent %s is %s%s: %s", i.spec.Name, i.answer.Status, since, i.answer.Why.Message)
	}
	return a
}
