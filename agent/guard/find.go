// Package guard keeps the account of what others change on a node: what, how,
// who as far as the kernel tells, and since when; whether it was put back, and
// if not why. It tells a drift from what the agent does itself, and when
// somebody fights for an object it says when to try again. It is pure and
// bounded: of a storm it keeps some changes and the number of the others. The
// loop of package agent calls it.
package guard

import "github.com/keiro-net/keiro/agent/nodecfg"

// Found is an object that somebody else changed.
type Found struct {
	Key    nodecfg.Object
	Object nodecfg.Object // as it should be; of one that was added, as it is
	How    string         // nodecfg.Added, Deleted or Changed
	Again  bool           // the agent has just put it back
}

// Find compares two listings and returns what was right in the first and is
// not in the second. Touched are the objects that the agent has changed in
// between: of these only what others did too counts, as told says.
func Find(before, have, want nodecfg.State, touched map[nodecfg.Object]bool, told func(key nodecfg.Object) bool) []Found {
	if before == nil {
		return nil // nobody knows how it was
	}
	var found []Found
	look := func(k nodecfg.Object) {
		is, should := have[k], want[k]
		if is == should {
			return
		}
		if touched[k] && !told(k) || !touched[k] && before[k] != should {
			return // not yet as it should be: ours to do
		}
		f := Found{Key: k, Object: should, How: nodecfg.Changed, Again: touched[k]}
		switch {
		case is == nil:
			f.How = nodecfg.Deleted
		case should == nil:
			f.Object, f.How = is, nodecfg.Added
		}
		found = append(found, f)
	}
	for k := range want {
		look(k)
	}
	for k := range have {
		if want[k] == nil && !loose(k) {
			look(k)
		}
	}
	return found
}

// loose: what is not wanted of it does not matter.
func loose(k nodecfg.Object) bool {
	switch k.(type) {
	case nodecfg.Sysctl, nodecfg.LinkUp:
		return true
	}
	return false
}
