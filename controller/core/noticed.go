package core

import "time"

// Noticed brings what the controller did with the declared state by the clock,
// for those who look: the Core keeps the alarms and the order of the news, and
// decides nothing by them.
type Noticed struct {
	Entries []Entry
	Raise   []Alarm  // with ByClock before their keys
	Over    []string // keys, without ByClock, of alarms that are over if they fire
}

func (Noticed) event() {}

// ByClock begins the keys of alarms that come with a Noticed. Only another
// Noticed ends them: nothing in the network does.
const ByClock = "clock/"

// ChangeRolledBack is the name of the alarm that nobody confirmed a change in
// time.
const ChangeRolledBack = "ChangeRolledBack"

func (c *Core) notice(now time.Time, e Noticed) {
	for _, entry := range e.Entries {
		c.emit(Record{entry})
	}
	for _, key := range e.Over {
		c.resolve(now, ByClock+key)
	}
	for _, a := range e.Raise {
		a.Key = ByClock + a.Key
		c.raise(a)
	}
}
