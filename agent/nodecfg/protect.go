package nodecfg

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// maxProtected bounds the intents that a node looks for.
const maxProtected = maxPolicies

// protected checks what packets are looked for.
func (v *validator) protected(c *Config) {
	selectors, lanes := 0, 0
	for i, p := range c.Protected {
		at := fmt.Sprintf("protected[%d] %s", i, p.Intent)
		v.check(p.Intent != "", "%s: intent is empty", at)
		v.check(i == 0 || c.Protected[i-1].Intent < p.Intent, "%s: is not after %s: twice, or not sorted", at, c.Protected[max(i-1, 0)].Intent)
		v.check(p.Encryption == "" || slices.Contains(Encryptions, p.Encryption), "%s: encryption %q is none of %s",
			at, p.Encryption, strings.Join(Encryptions, ", "))
		for j, t := range p.Traffic {
			v.check(isPrefix(t.From) && isPrefix(t.To) && t.From.Addr().Is4() == t.To.Addr().Is4(),
				"%s: traffic[%d]: from %s to %s is no pair of prefixes of one family", at, j, t.From, t.To)
		}
		for _, l := range slices.Concat(p.Links, p.Near) {
			v.knownLink(at, l)
		}
		for _, id := range p.Lanes {
			v.check(id >= 1 && id <= MaxLaneID, "%s: lane %d is not in 1 to %d", at, id, MaxLaneID)
		}
		selectors, lanes = selectors+len(p.Traffic), lanes+len(p.Lanes)
	}
	v.check(len(c.Protected) <= maxProtected, "protected: %d intents are more than %d", len(c.Protected), maxProtected)
	v.check(selectors <= 2*maxSelectors, "protected: %d selectors are more than %d", selectors, 2*maxSelectors)
	v.check(lanes <= MaxLaneID, "protected: %d lanes are more than %d", lanes, MaxLaneID)
}

// LaneOf is the number of the lane whose outer packets go from or to an
// address; not ok: of none.
func LaneOf(a netip.Addr) (id uint16, ok bool) {
	if !a.Is6() {
		return 0, false
	}
	b := a.As16()
	id = uint16(b[14])<<8 | uint16(b[15])
	locator, err := a.Prefix(48)
	return id, err == nil && id >= 1 && id <= MaxLaneID && a == LaneAddr(locator, id)
}
