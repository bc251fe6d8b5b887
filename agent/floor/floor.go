// Package floor decides what encryption a node's packets must have whatever
// its Configs say: what was encrypted once is never carried with less. A
// floor is of an intent and of the packets that were ever its: it rises with
// Configs and falls by the word of the node's root alone. From floors and a
// Config follow the rules that stop packets which the Config would carry with
// less, and what to say about it. It is pure; the loop of package agent keeps
// the floors on disk and puts the rules into the kernel.
package floor

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// Floors are those of one node. The zero value is a node's that never carried
// anything encrypted. Methods return new Floors and leave the old.
type Floors struct {
	Intents []Floor // sorted by intent
	// Blind: what was kept cannot be read. Then nobody knows which packets
	// were encrypted, and no policy may carry any without encryption.
	Blind bool
}

// Floor is that of one intent.
type Floor struct {
	Intent  string    `json:"intent"`
	Traffic []Traffic `json:"traffic"` // that was ever encrypted, sorted
	// Lowered is when root lowered the floor last.
	Lowered time.Time `json:"lowered,omitzero"`
}

// Traffic are packets and the least encryption they get.
type Traffic struct {
	From  netip.Prefix `json:"from"`
	To    netip.Prefix `json:"to"`
	Level string       `json:"level"` // one of nodecfg.Encryptions
}

// Bounds on what a controller can have a node keep. Every selector and every
// fence is a rule of the kernel, and is compared with packets one by one.
const (
	maxTraffic = nodecfg.MaxPref
	maxFences  = 2 * nodecfg.MaxPref
)

// level is the highest that an intent ever had: its lanes keep it.
func (f *Floor) level() int {
	level := 0
	for _, t := range f.Traffic {
		level = max(level, nodecfg.Strength(t.Level))
	}
	return level
}

func (f Floors) find(intent string) (*Floor, int, bool) {
	i, ok := slices.BinarySearchFunc(f.Intents, intent, func(f Floor, intent string) int { return cmp.Compare(f.Intent, intent) })
	if !ok {
		return &Floor{Intent: intent}, i, false
	}
	return &f.Intents[i], i, true
}

// Obey is what a Config comes to above the floors: the lanes of an encrypted
// policy are keyed to the floor of its intent, and to the most that the Config
// asks for any of them. It is the Config itself where there is nothing to
// change.
func (f Floors) Obey(cfg *nodecfg.Config) *nodecfg.Config {
	out := cfg
	for i := range cfg.Policies {
		p := cfg.Policies[i]
		own, _, _ := f.find(p.Intent)
		asks := p.Asks()
		level := max(asks, own.level())
		lower := func(path nodecfg.Path) bool {
			return path.Lane != nil && nodecfg.Strength(path.Lane.Encryption) < level
		}
		if asks == 0 || nodecfg.Strength(p.Encryption) == level && !slices.ContainsFunc(p.Paths, lower) {
			continue
		}
		if out == cfg {
			c := *cfg
			c.Policies = slices.Clone(cfg.Policies)
			out = &c
		}
		p.Encryption, p.Paths = nodecfg.Encryption(level), slices.Clone(p.Paths)
		for j := range p.Paths {
			if l := p.Paths[j].Lane; l != nil {
				lane := *l
				lane.Encryption = p.Encryption
				p.Paths[j].Lane = &lane
			}
		}
		out.Policies[i] = p
	}
	return out
}

// Raise adds what a Config asks for.
func (f Floors) Raise(cfg *nodecfg.Config) (Floors, error) {
	out := Floors{slices.Clone(f.Intents), f.Blind}
	for i := range cfg.Policies {
		p := &cfg.Policies[i]
		asks := p.Asks()
		if asks == 0 || len(p.Traffic) == 0 {
			continue
		}
		own, at, ok := out.find(p.Intent)
		raised := *own
		raised.Traffic = slices.Clone(own.Traffic)
		for _, s := range p.Traffic {
			raised.add(Traffic{s.From, s.To, nodecfg.Encryption(max(asks, own.level()))})
		}
		if !ok {
			out.Intents = slices.Insert(out.Intents, at, Floor{})
		}
		out.Intents[at] = raised
	}
	n := 0
	for _, i := range out.Intents {
		n += len(i.Traffic)
	}
	if n > maxTraffic {
		return f, fmt.Errorf("with it %d selectors would have a floor, more than %d: lower the floors of intents that are gone with `keiro-agent floor lower INTENT`", n, maxTraffic)
	}
	return out, nil
}

// add puts in traffic, and leaves out what that says already.
func (f *Floor) add(t Traffic) {
	says := func(a, b Traffic) bool {
		return contains(a.From, b.From) && contains(a.To, b.To) && nodecfg.Strength(a.Level) >= nodecfg.Strength(b.Level)
	}
	if slices.ContainsFunc(f.Traffic, func(old Traffic) bool { return says(old, t) }) {
		return
	}
	f.Traffic = append(slices.DeleteFunc(f.Traffic, func(old Traffic) bool { return says(t, old) }), t)
	slices.SortFunc(f.Traffic, compare)
}

func compare(a, b Traffic) int {
	return cmp.Or(a.From.Compare(b.From), a.To.Compare(b.To), cmp.Compare(a.Level, b.Level))
}

// Lower forgets the floor of an intent: the next Raise makes it what the
// Config then asks for. Only the node's root may have it done, at time now.
func (f Floors) Lower(intent string, now time.Time) (Floors, error) {
	own, at, ok := f.find(intent)
	switch {
	case f.Blind:
		return f, fmt.Errorf("the floors on disk cannot be read, so there is none to lower")
	case !ok || len(own.Traffic) == 0:
		return f, fmt.Errorf("intent %q has no floor at this node: `keiro-agent floor list` shows those that there are", intent)
	}
	out := Floors{Intents: slices.Clone(f.Intents)}
	// It must be later than the last time, whatever the clock says.
	if least := own.Lowered.Add(time.Millisecond); now.Before(least) {
		now = least
	}
	out.Intents[at] = Floor{Intent: intent, Lowered: now.UTC().Round(0)}
	return out, nil
}

// Lowered is when root lowered which floors last.
func (f Floors) Lowered() map[string]time.Time {
	lowered := make(map[string]time.Time)
	for _, i := range f.Intents {
		if !i.Lowered.IsZero() {
			lowered[i.Intent] = i.Lowered
		}
	}
	return lowered
}

// Equal says whether both say the same.
func (f Floors) Equal(other Floors) bool {
	return f.Blind == other.Blind && slices.EqualFunc(f.Intents, other.Intents, func(a, b Floor) bool { return a.equal(b) })
}

func (f Floor) equal(other Floor) bool {
	return f.Intent == other.Intent && f.Lowered.Equal(other.Lowered) && slices.Equal(f.Traffic, other.Traffic)
}

// Unkept names the paths of a Config that may not carry yet, since the floors
// of their intents are not on disk as they must be: kept are.
func (f Floors) Unkept(kept Floors, cfg *nodecfg.Config) []string {
	var paths []string
	for i := range cfg.Policies {
		p := &cfg.Policies[i]
		want, _, _ := f.find(p.Intent)
		have, _, _ := kept.find(p.Intent)
		if p.Asks() == 0 || f.Blind || want.equal(*have) {
			continue
		}
		for _, path := range p.Paths {
			paths = append(paths, path.Name)
		}
	}
	return paths
}

func contains(a, b netip.Prefix) bool {
	return a.Bits() <= b.Bits() && a.Overlaps(b)
}

// Moved names the paths of one Config whose lane has another owner in the
// next, or less encryption. They must not lead there any more when it gets the
// keys of that.
func Moved(before, next *nodecfg.Config) []string {
	type owner struct {
		intent string
		index  int
	}
	owners, strength := make(map[uint16]owner), make(map[uint16]int)
	for i := range next.Policies {
		for _, path := range next.Policies[i].Paths {
			if l := path.Lane; l != nil {
				owners[l.ID], strength[l.ID] = owner{next.Policies[i].Intent, l.Index}, nodecfg.Strength(l.Encryption)
			}
		}
	}
	var moved []string
	for i := range before.Policies {
		for _, path := range before.Policies[i].Paths {
			if l := path.Lane; l != nil {
				now, ok := owners[l.ID]
				if ok && (now != owner{before.Policies[i].Intent, l.Index} || strength[l.ID] < nodecfg.Strength(l.Encryption)) {
					moved = append(moved, path.Name)
				}
			}
		}
	}
	return moved
}
