package update

import "fmt"

// Action is what a speaker has to do about a fault, from mild to severe (RFC
// 7606 section 2).
type Action uint8

// The actions.
const (
	// DiscardAttribute: the routes stand, the attribute is not there.
	DiscardAttribute Action = iota + 1
	// TreatAsWithdraw: the routes of the UPDATE, or the one route at fault, are
	// withdrawn.
	TreatAsWithdraw
	// DisableFamily: the NLRIs cannot be told apart. AFI/SAFI disable, or a
	// session reset where the session carries nothing else.
	DisableFamily
)

func (a Action) String() string {
	switch a {
	case DiscardAttribute:
		return "attribute discard"
	case TreatAsWithdraw:
		return "treat-as-withdraw"
	case DisableFamily:
		return "AFI/SAFI disable"
	}
	return fmt.Sprintf("action %d", uint8(a))
}

// MaxFaults is how many faults are kept of one UPDATE.
const MaxFaults = 32

// Fault is one thing that is wrong with what a peer sent.
type Fault struct {
	Action Action
	// Attribute is the type of the path attribute at fault, 0 for an NLRI.
	Attribute uint8
	// TLV is the type of the innermost TLV or sub-TLV at fault, 0 for none.
	TLV uint16
	// Offset in octets within the attribute's value or the NLRIs.
	Offset int
	// Reason, in words. It holds numbers of the peer, never its text.
	Reason string
	// More faults followed, but were too many to be kept. Their actions are no
	// more severe than the gravest kept.
	More int
}

// Error says what is wrong, where, and what is to be done.
func (f *Fault) Error() string {
	where := "NLRI"
	if f.Attribute != 0 {
		where = fmt.Sprintf("path attribute %d", f.Attribute)
	}
	if f.TLV != 0 {
		where += fmt.Sprintf(", TLV %d", f.TLV)
	}
	more := ""
	if f.More > 0 {
		more = fmt.Sprintf(", and %d more faults", f.More)
	}
	return fmt.Sprintf("%s at octet %d %s: %v%s", where, f.Offset, f.Reason, f.Action, more)
}

// Faults are what is wrong with one UPDATE.
type Faults []*Fault

// Worst is the most severe action that the faults ask for, 0 for none.
func (fs Faults) Worst() Action {
	worst := Action(0)
	for _, f := range fs {
		worst = max(worst, f.Action)
	}
	return worst
}

// Add keeps a fault. Of too many, a more severe one takes the last place.
func (fs *Faults) Add(f Fault) {
	if len(*fs) < MaxFaults {
		kept := f // so that a fault that is not kept costs no memory
		*fs = append(*fs, &kept)
		return
	}
	last := (*fs)[MaxFaults-1]
	if f.Action > fs.Worst() {
		f.More = last.More + 1
		*last = f
		return
	}
	last.More++
}
