package leak

import (
	"cmp"
	"reflect"
	"slices"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// The filter. While a Config becomes true, nodes have not all obeyed it yet and
// packets are still under way. So an intent that is new, or whose traffic,
// lanes or encryption are others than before, is left alone for Grace, and a
// link that its paths have left is still theirs for as long.
//
// Packets in the clear are told at the first one: what was read cannot be made
// unread. What is outside of its paths or elsewhere is told when as many
// packets as Enough were seen, the first and the last at least Lasting apart:
// nobody is to be woken for one that waited in a queue.
//
// A leak fades Fade after it was seen last.
const (
	Grace   = 10 * time.Second
	Enough  = 3
	Lasting = 200 * time.Millisecond
	Fade    = time.Minute
	// maxLeaks bounds what is told: whatever somebody sends, a report has an end.
	maxLeaks = 100
)

// Ledger keeps what was seen.
type Ledger struct {
	// Grace is that of the filter; 0: Grace.
	Grace time.Duration

	intents map[string]*standing
	leaks   map[key]*nodecfg.Leak
	told    map[key]bool
	watch   *watch
	until   time.Time // when watch is another one without news; zero: never
}

type key struct{ intent, link, kind string }

// standing is an intent and since when it stands so.
type standing struct {
	nodecfg.Protected
	from time.Time            // when it is looked for
	left map[string]time.Time // until when links that it has left are its
}

// Set makes the intents of a Config those that are looked for.
func (l *Ledger) Set(all []nodecfg.Protected, now time.Time) {
	grace := cmp.Or(l.Grace, Grace)
	first := l.intents == nil
	old := l.intents
	l.intents = make(map[string]*standing, len(all))
	for _, p := range all {
		s := &standing{Protected: p, from: now.Add(grace), left: map[string]time.Time{}}
		if o := old[p.Intent]; o != nil {
			if o.same(p) {
				s.from = o.from
			}
			for _, link := range o.Links {
				s.left[link] = now.Add(grace)
			}
			for link, until := range o.left {
				s.left[link] = later(s.left[link], until)
			}
			for _, link := range p.Links {
				delete(s.left, link)
			}
		}
		l.intents[p.Intent] = s
	}
	if first {
		l.leaks, l.told = map[key]*nodecfg.Leak{}, map[key]bool{}
	}
	l.look(now)
}

// same: nothing but its links is another.
func (s *standing) same(p nodecfg.Protected) bool {
	o := s.Protected
	o.Links, o.Near = p.Links, p.Near
	return reflect.DeepEqual(o, p)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// look makes watch anew for what counts now.
func (l *Ledger) look(now time.Time) {
	var all []nodecfg.Protected
	l.until = time.Time{}
	wait := func(until time.Time) bool {
		if !now.Before(until) {
			return false
		}
		if l.until.IsZero() || until.Before(l.until) {
			l.until = until
		}
		return true
	}
	for _, s := range l.intents {
		if wait(s.from) {
			continue
		}
		p := s.Protected
		p.Links = slices.Clone(p.Links)
		for link, until := range s.left {
			if wait(until) {
				p.Links = append(p.Links, link)
			}
		}
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b nodecfg.Protected) int { return cmp.Compare(a.Intent, b.Intent) })
	l.watch = newWatch(all)
}

// Packet takes in one that was seen on a link, of IPv4 or IPv6 by its protocol
// number, and says whether Leaks says something new.
func (l *Ledger) Packet(link string, proto uint8, packet []byte, now time.Time) bool {
	if l.watch == nil {
		return false
	}
	s := l.watch.judge(link, proto, packet)
	if s.kind == "" {
		return false
	}
	k := key{s.intent, link, s.kind}
	leak := l.leaks[k]
	if leak == nil {
		if len(l.leaks) >= maxLeaks {
			return false
		}
		leak = &nodecfg.Leak{Intent: s.intent, Link: link, Kind: s.kind, First: now, Packet: s.packet}
		l.leaks[k] = leak
	}
	leak.Seen++
	leak.Last = now
	if l.told[k] || s.kind != nodecfg.LeakClear && (leak.Seen < Enough || now.Sub(leak.First) < Lasting) {
		return false
	}
	l.told[k] = true
	return true
}

// Tick lets time pass, and says whether Leaks says something new.
func (l *Ledger) Tick(now time.Time) bool {
	if !l.until.IsZero() && !now.Before(l.until) {
		l.look(now)
	}
	news := false
	for k, leak := range l.leaks {
		gone := Fade
		if !l.told[k] {
			gone = cmp.Or(l.Grace, Grace) // strays
		}
		if now.Sub(leak.Last) >= gone || l.intents[k.intent] == nil {
			news = news || l.told[k]
			delete(l.leaks, k)
			delete(l.told, k)
		}
	}
	return news
}

// Leaks are those that stand, sorted.
func (l *Ledger) Leaks() []nodecfg.Leak {
	var all []nodecfg.Leak
	for k := range l.told {
		all = append(all, *l.leaks[k])
	}
	slices.SortFunc(all, func(a, b nodecfg.Leak) int {
		return cmp.Or(cmp.Compare(a.Intent, b.Intent), cmp.Compare(a.Link, b.Link), cmp.Compare(a.Kind, b.Kind))
	})
	return all
}
