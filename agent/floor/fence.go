package floor

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// Fences are the rules that keep the floors against a Config. Of packets that
// have a floor,
//
//   - those that a rule of a weaker policy would take next are stopped just
//     before that rule, so that a stronger policy matched earlier has them;
//   - those that no policy takes are stopped behind all policies, so that the
//     main table does not have them.
//
// They stand whether something is amiss or not: where somebody removes a
// policy's rule by hand its packets find a fence behind it.
func (f Floors) Fences(cfg *nodecfg.Config) ([]nodecfg.Rule, error) {
	var rules []nodecfg.Rule
	seen := make(map[nodecfg.Rule]bool)
	add := func(from, to netip.Prefix, pref uint32) {
		if r := (nodecfg.Rule{From: from, To: to, Pref: pref}); !seen[r] {
			seen[r] = true
			rules = append(rules, r)
		}
	}
	for i := range cfg.Policies {
		p := &cfg.Policies[i]
		gives := p.Gives()
		for _, s := range p.Traffic {
			if f.Blind && gives == 0 {
				add(s.From, s.To, s.FencePref())
			}
			for _, own := range f.Intents {
				for _, t := range own.Traffic {
					if nodecfg.Strength(t.Level) > gives && t.From.Overlaps(s.From) && t.To.Overlaps(s.To) {
						add(narrower(t.From, s.From), narrower(t.To, s.To), s.FencePref())
					}
				}
			}
			if len(rules) > maxFences {
				return nil, fmt.Errorf("it overlaps so much with packets that have a floor that more than %d rules would be needed", maxFences)
			}
		}
	}
	for _, own := range f.Intents {
		for _, t := range own.Traffic {
			add(t.From, t.To, nodecfg.LastRulePref)
		}
	}
	return rules, nil
}

// narrower of two prefixes that overlap is what they share.
func narrower(a, b netip.Prefix) netip.Prefix {
	if a.Bits() > b.Bits() {
		return a
	}
	return b
}

// States say how the floors stand against a Config, as the controller sent it.
func (f Floors) States(cfg *nodecfg.Config) []nodecfg.FloorState {
	j := newJudge(f.Obey(cfg))
	asks := make(map[string]int)
	for i := range cfg.Policies {
		asks[cfg.Policies[i].Intent] = cfg.Policies[i].Asks()
	}
	var states []nodecfg.FloorState
	for _, own := range f.Intents {
		if len(own.Traffic) == 0 {
			continue
		}
		level := own.level()
		s := nodecfg.FloorState{Intent: own.Intent, Level: nodecfg.Encryption(level)}
		var why []string
		for _, t := range own.Traffic {
			if text := j.amiss(t); text != "" {
				why = append(why, text)
			}
		}
		if s.Fenced = len(why) > 0; s.Fenced {
			s.Reason = some(why)
		} else if a := asks[own.Intent]; a > 0 && a < level {
			s.Reason = fmt.Sprintf("the controller asks for %s, its lanes are kept at %s", nodecfg.Encryption(a), s.Level)
		}
		states = append(states, s)
	}
	return states
}

// some of many reasons.
func some(why []string) string {
	const most = 3
	if n := len(why); n > most {
		why = append(slices.Clone(why[:most]), fmt.Sprintf("and %d more", n-most))
	}
	return strings.Join(why, "; ")
}

// judge finds out what the rules do with packets.
type judge struct {
	takers []taker // in the order in which the kernel asks them
	fuel   int
}

// taker is a selector and what its policy gives to packets.
type taker struct {
	nodecfg.Selector
	intent string
	gives  int
}

// enough comparisons for what no honest Config needs: a second or so.
const enough = 1 << 27

func newJudge(cfg *nodecfg.Config) *judge {
	j := &judge{fuel: enough}
	for i := range cfg.Policies {
		p := &cfg.Policies[i]
		for _, s := range p.Traffic {
			j.takers = append(j.takers, taker{s, p.Intent, p.Gives()})
		}
	}
	// Of one preference the weak come first, as fences come before all of it.
	slices.SortStableFunc(j.takers, func(a, b taker) int {
		if a.Pref != b.Pref {
			return int(a.Pref) - int(b.Pref)
		}
		return a.gives - b.gives
	})
	return j
}

// amiss says how a Config would carry some of the traffic with too little; ""
// it would not.
func (j *judge) amiss(t Traffic) string {
	need := nodecfg.Strength(t.Level)
	said := fmt.Sprintf("%s to %s needs %s", t.From, t.To, t.Level)
	pieces := [][2]netip.Prefix{{t.From, t.To}}
	for len(pieces) > 0 {
		from, to := pieces[len(pieces)-1][0], pieces[len(pieces)-1][1]
		pieces = pieces[:len(pieces)-1]
		i := slices.IndexFunc(j.takers, func(k taker) bool {
			j.fuel--
			return k.From.Overlaps(from) && k.To.Overlaps(to)
		})
		if i < 0 {
			return said + ", and no intent takes it"
		}
		k := j.takers[i]
		switch {
		case k.gives < need:
			with := nodecfg.Encryption(k.gives)
			if with == "" {
				with = "none"
			}
			return fmt.Sprintf("%s, and intent %q would carry it with %s", said, k.intent, with)
		case j.fuel <= 0:
			return said + ", and too many selectors overlap to tell who takes it"
		case !contains(k.From, from):
			a, b := halves(from)
			pieces = append(pieces, [2]netip.Prefix{a, to}, [2]netip.Prefix{b, to})
		case !contains(k.To, to):
			a, b := halves(to)
			pieces = append(pieces, [2]netip.Prefix{from, a}, [2]netip.Prefix{from, b})
		}
	}
	return ""
}

// halves of a prefix that is no single address.
func halves(p netip.Prefix) (a, b netip.Prefix) {
	bits := p.Bits() + 1
	raw := p.Addr().AsSlice()
	raw[p.Bits()/8] |= 0x80 >> (p.Bits() % 8)
	high, _ := netip.AddrFromSlice(raw)
	return netip.PrefixFrom(p.Addr(), bits), netip.PrefixFrom(high, bits)
}
