package nodecfg

import "slices"

// Strength orders what encryption there is: 0 for none, then as Encryptions.
// A word that is none of them is as strong as anything, for whoever asks for
// it must not get less.
func Strength(encryption string) int {
	if encryption == "" {
		return 0
	}
	if i := slices.Index(Encryptions, encryption); i >= 0 {
		return i + 1
	}
	return len(Encryptions)
}

// Encryption is the word for a Strength.
func Encryption(strength int) string {
	if strength == 0 {
		return ""
	}
	return Encryptions[strength-1]
}

// Asks is the strongest encryption that the policy names.
func (p *Policy) Asks() int {
	asks := Strength(p.Encryption)
	for _, path := range p.Paths {
		if path.Lane != nil {
			asks = max(asks, Strength(path.Lane.Encryption))
		}
	}
	return asks
}

// Gives is the weakest encryption that its packets may get: that of its
// weakest path. Without a path nothing is carried, and only what is asked for
// counts.
func (p *Policy) Gives() int {
	if len(p.Paths) == 0 {
		return p.Asks()
	}
	gives := len(Encryptions)
	for _, path := range p.Paths {
		if path.Lane == nil {
			return 0
		}
		gives = min(gives, Strength(path.Lane.Encryption))
	}
	return gives
}

// table holds the policy's routes. It is another one for each strength: so a
// rule that leads to encrypted paths never leads to others, not even while one
// Config replaces another.
func (p *Policy) table() uint32 { return TableBase + uint32(p.Gives())<<16 + uint32(p.ID) }

// RulePref is the preference of the selector's rule.
func (s Selector) RulePref() uint32 { return s.FencePref() + 1 }

// FencePref is the preference of what is to stop packets just before the
// selector's rule would take them.
func (s Selector) FencePref() uint32 { return RulePrefBase + 2*uint32(s.Pref) }
