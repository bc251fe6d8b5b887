package core

import (
	"strings"
	"time"
)

// bring brings the alarms whose keys begin with kind to what is found now: each is
// raised or renewed. One that is not found any more is resolved when that has
// lasted for calm; who cannot tell whether it is over says so with ok, and what
// has passed by then counts on unless it is forgotten (stirred).
func (c *Core) bring(now time.Time, kind string, found map[string]Alarm, ends func(Alarm) (calm time.Duration, ok bool)) {
	for _, key := range sortedKeys(found) {
		c.stirred(key)
		c.renew(now, found[key])
	}
	for _, key := range sortedKeys(c.alarms) {
		if _, so := found[key]; so || !strings.HasPrefix(key, kind) {
			continue
		}
		calm, ok := ends(c.alarms[key])
		if !ok {
			continue
		}
		since, waits := c.absent[key]
		if !waits {
			since = now
			c.absent[key] = now
		}
		if due := since.Add(calm); now.Before(due) {
			c.emit(WakeAt{due})
			continue
		}
		c.stirred(key)
		c.resolve(now, key)
	}
}

// stirred forgets since when an alarm has had no cause.
func (c *Core) stirred(key string) { delete(c.absent, key) }
