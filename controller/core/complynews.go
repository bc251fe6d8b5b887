package core

import (
	"fmt"
	"slices"
	"time"

	"github.com/keiro-net/keiro/controller/comply"
)

// news is what is to be told of intents that are better or worse, one entry for
// all that it happened to alike: one duct is one line, not forty.
type news map[newsKey]*item

type newsKey struct{ kind, cause, says string }

type item struct {
	severity string
	intents  []string
	evidence []string
}

// of takes in what has changed of an intent.
func (n news) of(i *intent, eroded []comply.Erosion) {
	for _, e := range eroded {
		kind := "MarginRose"
		if e.Fell {
			kind = "MarginFell"
		}
		n.add(newsKey{kind, e.Cause, fmt.Sprintf("%s was %s, is %s", e.What, e.Before, e.After)}, "info", i, "")
	}
	worst := comply.Overall(i.ledger.Conditions)
	switch {
	case worst.Status == i.told, worst.Status == comply.Unknown:
		return // harm that nobody can see now is not over
	case i.told == "" && len(i.standing.Paths) == 0:
		return // it never had paths: nothing is lost
	case worst.Status == comply.Satisfied && i.told == "":
		i.told = worst.Status
		return // it was never told otherwise
	case worst.Status == comply.Satisfied:
		n.add(newsKey{"Complies", "", "all that is declared holds again"}, "info", i, "")
	default:
		severity := "warning"
		if worst.Status == comply.Violated {
			severity = "critical"
		}
		n.add(newsKey{string(worst.Status), worst.Cause, worst.Characteristic}, severity, i, worst.Measured)
	}
	i.told = worst.Status
}

func (n news) add(k newsKey, severity string, i *intent, evidence string) {
	it := n[k]
	if it == nil {
		it = &item{severity: severity}
		n[k] = it
	}
	it.intents = append(it.intents, i.spec.Name)
	if evidence != "" && len(it.evidence) < named {
		it.evidence = append(it.evidence, i.spec.Name+": "+evidence)
	}
}

func (c *Core) tellNews(now time.Time, n news) {
	keys := make([]newsKey, 0, len(n))
	for k := range n {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b newsKey) int {
		return slices.Compare([]string{a.kind, a.cause, a.says}, []string{b.kind, b.cause, b.says})
	})
	for _, k := range keys {
		it := n[k]
		object := k.cause
		if object == "" {
			object = "intent:" + it.intents[0]
		}
		message := fmt.Sprintf("%s: %s", some(it.intents), k.says)
		if k.cause != "" {
			message += " (" + k.cause + ")"
		}
		if len(it.evidence) > 0 {
			message += ": " + it.evidence[0]
		}
		c.note(Entry{Time: now, Type: k.kind, Object: object, Message: message, Severity: it.severity, Intents: it.intents, Evidence: it.evidence})
	}
}
