package core

import (
	"fmt"
	"slices"
	"time"

	"github.com/keiro-net/keiro/controller/comply"
)

// erosionAlarm begins the keys of alarms about what the next failure finds.
const erosionAlarm = "eroded/"

// calmFor is how long what was lost must be back for its alarm to be over, so
// that what comes and goes is one alarm.
const calmFor = 10 * time.Second

// tellErosion raises an alarm for every cause by which intents have lost what
// the next failure would have needed, though no packet is lost and no other
// alarm tells of it; and resolves those of which all is back. One of which
// nobody can tell stays. A loss must last for Params.Gather: where another path
// set makes up for it at once, only the event log has it.
func (c *Core) tellErosion(now time.Time) {
	found := map[string]Alarm{}
	says := map[string][]string{}
	since := map[string]time.Time{}
	for _, i := range c.intents {
		for _, cond := range c.latent(i) {
			id := i.spec.Name + "#" + cond.Characteristic
			if since[id] = c.eroded[id]; since[id].IsZero() {
				since[id] = now
			}
			key := erosionAlarm + cond.Cause
			if due := since[id].Add(c.params.Gather); now.Before(due) && !c.alarms[key].Firing {
				c.emit(WakeAt{due})
				continue
			}
			a, known := found[key]
			if !known {
				a = Alarm{Key: key, Name: MarginEroded, Severity: "warning", Cause: cond.Cause, CausedAt: cond.Since, DetectedAt: now,
					Before: "as promised to the next failure"}
			}
			a.Intents = union(a.Intents, []string{i.spec.Name})
			if cond.Since.Before(a.CausedAt) {
				a.CausedAt = cond.Since
			}
			says[key] = append(says[key], fmt.Sprintf("%s: %s: %s", i.spec.Name, cond.Characteristic, cond.Measured))
			a.After = some(says[key])
			a.Message = fmt.Sprintf("%s has cost intents what the next failure would need, though no packet is lost yet: %s. `keiro describe INTENT` shows what is left, `keiro explain INTENT` what would give it back.", cond.Cause, a.After)
			found[key] = a
		}
	}
	c.eroded = since
	c.bring(now, erosionAlarm, found, func(a Alarm) (time.Duration, bool) {
		may := slices.ContainsFunc(a.Intents, func(name string) bool { return c.mayErode(name) })
		if may {
			c.stirred(a.Key)
		}
		return calmFor, !may
	})
}

// latent are the characteristics that an intent has lost for the next failure
// only. While a path of it is missing or carries nothing other alarms tell, and
// while something is down or drained the margin is less, as told.
func (c *Core) latent(i *intent) (out []comply.Condition) {
	for _, cond := range i.ledger.Conditions {
		switch {
		case cond.Characteristic == comply.Multiplicity && (cond.Status == comply.Degraded || cond.Status == comply.Violated):
			return nil
		case cond.Status != comply.Degraded, !comply.Latent(cond.Characteristic):
		case (cond.Characteristic == comply.Margin || cond.Characteristic == comply.Reserve) && !c.undisturbed():
		default:
			out = append(out, cond)
		}
	}
	return out
}

// mayErode reports whether an intent that is declared is not known to have again
// what it lost.
func (c *Core) mayErode(name string) bool {
	at := slices.IndexFunc(c.intents, func(i *intent) bool { return i.spec.Name == name })
	return at >= 0 && slices.ContainsFunc(c.intents[at].ledger.Conditions, func(cond comply.Condition) bool {
		return comply.Latent(cond.Characteristic) && cond.Status != comply.Satisfied
	})
}

// undisturbed: nothing is down or drained.
func (c *Core) undisturbed() bool {
	o := c.outage
	return len(o.Entries) == 0 && len(o.Nodes) == 0 && len(o.SRLGs) == 0
}
