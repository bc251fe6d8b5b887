package agent

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keiro-net/keiro/agent/guard"
	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/rtnl"
)

// silent is how often that is read again of which the kernel tells no change.
const silent = time.Second

const (
	onlyTells = "the guard of this node is set to alert: it only tells"
	leastIPv6 = 1280 // bytes: with a smaller MTU Linux takes IPv6 off an interface
)

// did notes an operation of our own.
func (l *loop) did(op nodecfg.Op) {
	l.have.Apply(op)
	l.touched[op.Object.Key()] = true
}

// notice finds out what others have changed since the last listing.
func (l *loop) notice(seen *rtnl.Seen, told *rtnl.Changes) {
	now := time.Now()
	for key, c := range told.Objects {
		if c.By != "" {
			l.ledger.Attribute(now, key, c.By)
		}
	}
	for dev, c := range told.Down {
		if c.By != "" {
			l.ledger.Attribute(now, nodecfg.LinkUp{Dev: dev}, c.By)
		}
	}
	found := guard.Find(l.have, seen.State, l.want, l.touched, func(key nodecfg.Object) bool {
		_, ok := told.Objects[key]
		return ok
	})
	causes := make(map[string]int) // of what the kernel did by itself
	for _, f := range found {
		change := told.Objects[f.Key]
		if up, ok := f.Key.(nodecfg.LinkUp); ok {
			if change = told.Down[up.Dev]; seen.Links[up.Dev].Index != 0 {
				f.How = nodecfg.Changed
			}
		} else if change.Port == 0 {
			if cause := l.cause(f, seen, told); cause != "" {
				causes[cause]++
				continue
			}
		}
		if change.At.IsZero() {
			change.At = now
		}
		l.ledger.Note(now, f, change.By, l.cfg.IntentOf(f.Object), change.At)
		l.Log.Warn("drift", "object", nodecfg.Words(f.Object), "change", f.How, "by", change.By)
	}
	for cause, n := range causes {
		l.Log.Info("the kernel took away what is put back", "objects", n, "because", cause)
	}
	l.ledger.Close(now, func(key nodecfg.Object) bool { return seen.State[key] == l.want[key] })
}

// cause says why the kernel itself has changed an object; "" it has not, as far
// as anybody knows.
func (l *loop) cause(f guard.Found, seen *rtnl.Seen, told *rtnl.Changes) string {
	is := seen.State[f.Key]
	if f.How == nodecfg.Added {
		return ""
	}
	if want, ok := f.Object.(nodecfg.Route); ok && want.Src.IsValid() {
		if is, ok := is.(nodecfg.Route); ok && !is.Src.IsValid() {
			want.Src = is.Src
			if want == is {
				return "its source address was removed"
			}
		}
	}
	six := isIPv6(f.Object)
	for _, dev := range nodecfg.DevicesOf(f.Object) {
		was, now := l.links[dev], seen.Links[dev]
		_, sysctl := f.Object.(nodecfg.Sysctl)
		change, down := told.Down[dev]
		switch {
		case was.Index == 0 && !sysctl, now.Index == 0 && dev != "all" && dev != "default":
			return fmt.Sprintf("there is no interface %s", dev)
		case was.Index != now.Index, change.Gone:
			return fmt.Sprintf("interface %s is another one", dev)
		case sysctl && strings.HasSuffix(f.Object.(nodecfg.Sysctl).Name, "/disable_ipv6") && now.MTU < leastIPv6 && dev != "all" && dev != "default",
			six && now.MTU < leastIPv6:
			return fmt.Sprintf("the MTU of %s is less than %d", dev, leastIPv6)
		case sysctl:
		case down || !was.Up || !now.Up:
			return fmt.Sprintf("link %s went down", dev)
		case told.Addresses[now.Index] && !six:
			return fmt.Sprintf("an address of %s was removed", dev)
		case six && l.off(seen.State, dev):
			return fmt.Sprintf("IPv6 was disabled on %s", dev)
		}
	}
	return ""
}

// off: a sysctl has taken IPv6 off an interface.
func (l *loop) off(have nodecfg.State, dev string) bool {
	name := nodecfg.Sysctl{Name: "net/ipv6/conf/" + dev + "/disable_ipv6", Value: "1"}
	return have.Has(name)
}

func isIPv6(o nodecfg.Object) bool {
	switch o := o.(type) {
	case nodecfg.Addr:
		return true
	case nodecfg.Route:
		return o.To.Addr().Is6()
	}
	return false
}

// sift takes out the operations that are not to be done, and remembers why.
func (l *loop) sift(ops []nodecfg.Op) []nodecfg.Op {
	now := time.Now()
	l.held, l.short = make(map[nodecfg.Object]string), false
	do := ops[:0]
	for _, op := range ops {
		why, drained := l.holds(now, op)
		if why == "" {
			do = append(do, op)
			continue
		}
		l.held[op.Object.Key()] = why
		l.short = l.short || !drained
	}
	return do
}

// holds says why an operation is not to be done; "" it is. Drained: nobody
// expects it.
func (l *loop) holds(now time.Time, op nodecfg.Op) (why string, drained bool) {
	key := op.Object.Key()
	if up, ok := key.(nodecfg.LinkUp); ok {
		for _, link := range l.cfg.Links {
			if link.Interface == up.Dev && link.Drained {
				return fmt.Sprintf("link %s is drained: who set its interface down is left alone", link.Name), true
			}
		}
	}
	if nodecfg.MayLeak(op, len(l.fences) > 0) {
		return "", false
	}
	if l.cfg.Guard == nodecfg.Alert && l.ledger.Open(key, l.want[key]) {
		return onlyTells, false
	}
	// Without its rules an intent's packets take other routes, or none: they do
	// not wait for whoever takes the rules away.
	if rule, ok := op.Object.(nodecfg.Rule); ok && rule.Table != 0 {
		return "", false
	}
	return l.ledger.Fight(now, key), false
}

// account says of what is not put back why.
func (l *loop) account() {
	l.ledger.Keep(func(key nodecfg.Object) string {
		if why := l.held[key]; why != "" {
			return why
		}
		if f := l.failures[key]; f != nil {
			return f.err.Error()
		}
		return ""
	})
}

// drifts are those of kernel objects and lanes, the oldest first, and how many
// there were.
func (l *loop) drifts() (latest []nodecfg.Drift, total uint64) {
	latest, total = l.ledger.Drifts(), l.ledger.Total()
	if l.Lanes == nil {
		return latest, total
	}
	more, n := l.Lanes.Drifts()
	latest = append(latest, more...)
	slices.SortStableFunc(latest, func(a, b nodecfg.Drift) int { return a.At.Compare(b.At) })
	return latest[max(len(latest)-guard.MaxDrifts, 0):], total + n
}

// lookAgain reads what changes without a word.
func (l *loop) lookAgain() {
	l.looked = time.Now()
	have, err := l.Kernel.Silent(l.want)
	if err != nil {
		l.dirty = true // a listing says what is wrong
		return
	}
	for key, is := range have {
		if l.have[key] != is {
			l.dirty = true
		}
	}
}
