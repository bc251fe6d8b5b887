package rtnl

import (
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// Change is what the kernel told of a change by others.
type Change struct {
	Port uint32 // netlink port of who asked for it; 0: the kernel by itself, or it does not say
	By   string // who that is, as far as anybody knows; "" nobody does
	At   time.Time
	Gone bool // of interfaces: it went away
}

// Changes are those by others since they were taken last.
type Changes struct {
	// Objects are routes and rules of Keiro's, by key, with the last change.
	// In a storm not all of them are here.
	Objects map[nodecfg.Object]Change
	// Down are interfaces that were set down or went away, be they back by
	// now, by name.
	Down map[string]Change
	// Addresses are the interfaces that lost one, by index: the kernel drops
	// IPv4 routes for that.
	Addresses map[uint32]bool
	First     time.Time // of the first event; zero: there was none
}

// maxChanges bounds the objects, interfaces and indices that are remembered
// between two looks.
const maxChanges = 4096

// others collects Changes.
type others struct {
	mu   sync.Mutex
	now  Changes
	who  callers
	mind map[nodecfg.Object]bool // main routes of Keiro's, to know when another protocol takes their place
}

// Take returns the changes by others since the last call.
func (w *Watcher) Take() Changes {
	w.others.mu.Lock()
	defer w.others.mu.Unlock()
	c := w.others.now
	w.others.now = Changes{}
	return c
}

// Mind tells which routes are wanted: routes of others in their place wake too.
func (w *Watcher) Mind(want nodecfg.State) {
	mind := make(map[nodecfg.Object]bool)
	for k := range want {
		if r, ok := k.(nodecfg.Route); ok && r.Table == nodecfg.MainTable {
			mind[k] = true
		}
	}
	w.others.mu.Lock()
	w.others.mind = mind
	w.others.mu.Unlock()
}

// ours says of a route with another protocol whether it is in a table of a
// policy, or in the place of a route of ours.
func (o *others) ours(msg []byte) bool {
	table := uint32(msg[4])
	if table == unix.RT_TABLE_COMPAT || table == unix.RT_TABLE_UNSPEC { // more than 8 bits
		_ = attrs(msg[unix.SizeofRtMsg:], func(typ uint16, v []byte) error {
			if typ == unix.RTA_TABLE {
				return get(&table, v)
			}
			return nil
		})
	}
	if nodecfg.IsPolicyTable(table) {
		return true
	}
	if table != nodecfg.MainTable {
		return false
	}
	r, err := decodeRoute(msg)
	if err != nil {
		return false // of a kind that we never make
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.mind[r.Route.Key()]
}

func (o *others) object(key nodecfg.Object, port uint32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if c := o.begin(port); len(o.now.Objects) < maxChanges {
		if o.now.Objects == nil {
			o.now.Objects = make(map[nodecfg.Object]Change)
		}
		// The kernel cleans up after somebody: that one did it.
		if was, ok := o.now.Objects[key]; !ok || port != 0 || was.Port == 0 {
			o.now.Objects[key] = c
		}
	}
}

func (o *others) link(l Link, port uint32) {
	if l.Up && !l.Gone {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if c := o.begin(port); len(o.now.Down) < maxChanges {
		if o.now.Down == nil {
			o.now.Down = make(map[string]Change)
		}
		// One change has several events, and not all of them say who.
		was := o.now.Down[l.Name]
		if was.Port != 0 {
			c = was
		}
		c.Gone = l.Gone || was.Gone
		o.now.Down[l.Name] = c
	}
}

func (o *others) address(index uint32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.begin(0)
	if o.now.Addresses == nil {
		o.now.Addresses = make(map[uint32]bool)
	}
	if len(o.now.Addresses) < maxChanges {
		o.now.Addresses[index] = true
	}
}

// begin is a change now.
func (o *others) begin(port uint32) Change {
	c := Change{Port: port, At: time.Now()}
	if o.now.First.IsZero() {
		o.now.First = c.At
	}
	if port != 0 {
		c.By = o.who.name(port, c.At)
	}
	return c
}
