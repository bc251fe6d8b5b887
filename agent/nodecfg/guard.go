package nodecfg

import (
	"slices"
	"strings"
)

// The words of Drift.Change.
const (
	Added   = "added"
	Deleted = "deleted"
	Changed = "changed"
)

// Words names an object in the words of iproute2, without a verb.
func Words(o Object) string {
	noun, rest := o.words()
	return strings.TrimSuffix(noun, " -w") + " " + rest
}

// IsPolicyTable says whether a routing table is in the range of those of policies.
func IsPolicyTable(table uint32) bool { return table > TableBase && table <= TableBase+0x3ffff }

// MayLeak says of an operation that would put back what somebody changed that
// without it packets may go where they must not: it makes a fence, or takes away
// what diverts packets of an intent with encryption. Encrypted: there is such an
// intent on the node, or was.
func MayLeak(op Op, encrypted bool) bool {
	switch o := op.Object.(type) {
	case Route:
		if o.Type == Unreachable && op.Verb != Delete {
			return true
		}
		return op.Verb != Add && IsPolicyTable(o.Table) && o.Table-TableBase > 0xffff
	case Rule:
		if o.Table == 0 {
			return op.Verb != Delete
		}
		return op.Verb == Delete && encrypted
	}
	return false
}

// IntentOf names the intent whose packets a change of an object may touch; ""
// those of all intents or of none.
func (c *Config) IntentOf(o Object) string {
	of := func(p *Policy) bool {
		switch o := o.(type) {
		case Route:
			if o.Table != MainTable {
				return o.Table == p.table()
			}
			return slices.ContainsFunc(p.Paths, func(path Path) bool {
				return path.Lane != nil && o.To == host(LaneAddr(path.Tail, path.Lane.ID))
			})
		case Rule:
			if o.Table != 0 {
				return o.Table == p.table()
			}
			return slices.ContainsFunc(p.Traffic, func(s Selector) bool { return s.From.Overlaps(o.From) && s.To.Overlaps(o.To) })
		case LinkUp:
			return slices.ContainsFunc(p.Paths, func(path Path) bool { return path.Lane != nil && o.Dev == LaneInterface(path.Lane.ID) })
		}
		return false
	}
	if i := slices.IndexFunc(c.Policies, func(p Policy) bool { return of(&p) }); i >= 0 {
		return c.Policies[i].Intent
	}
	return ""
}

// DevicesOf names the interfaces that an object is of.
func DevicesOf(o Object) []string {
	switch o := o.(type) {
	case Addr:
		return []string{o.Dev}
	case LinkUp:
		return []string{o.Dev}
	case Route:
		var devs []string
		if o.Dev != "" {
			devs = append(devs, o.Dev)
		}
		for h := range AllHops(o.Hops) {
			devs = append(devs, h.Dev)
		}
		return devs
	case Sysctl:
		if _, rest, ok := strings.Cut(o.Name, "/conf/"); ok {
			dev, _, _ := strings.Cut(rest, "/")
			return []string{dev}
		}
	}
	return nil
}
