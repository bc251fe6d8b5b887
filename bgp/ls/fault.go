package ls

import "fmt"

// Action is what a speaker has to do about a fault, from mild to severe.
type Action uint8

// The actions of RFC 7606 section 2 that RFC 9552 section 8.2.2 asks for, and
// IgnoreTLV for what a consumer may overlook.
const (
	// IgnoreTLV: the value is unknown. The TLV stays among the raw ones.
	IgnoreTLV Action = iota + 1
	// DiscardAttribute: the objects stand, nothing is known of them.
	DiscardAttribute
	// DiscardNLRI: the object is skipped, the others of the message stand. Its
	// key cannot be told, so there is nothing to withdraw.
	DiscardNLRI
	// ResetSession: the message cannot be read. Where other address families
	// run over the session, AFI/SAFI disable (RFC 7606 section 2) is preferred.
	ResetSession
)

func (a Action) String() string {
	switch a {
	case IgnoreTLV:
		return "TLV ignored"
	case DiscardAttribute:
		return "attribute discard"
	case DiscardNLRI:
		return "NLRI discard"
	case ResetSession:
		return "session reset"
	}
	return fmt.Sprintf("action %d", uint8(a))
}

// MaxFaults is how many faults are kept of one call.
const MaxFaults = 32

// Fault is one thing that is wrong with what a peer sent.
type Fault struct {
	Action Action
	// Object is the type of the NLRI, or the type that the attribute is of.
	Object NLRIType
	// Attribute: the fault is in the attribute, not in an NLRI.
	Attribute bool
	// Index of the NLRI in its list, from 0; 0 in an attribute.
	Index int
	// TLV is the type of the innermost TLV at fault; 0 where it is none.
	TLV uint16
	// Offset in octets of that TLV, or else of the NLRI, in what was decoded.
	Offset int
	// Reason, in words. It holds numbers of the peer, never its text.
	Reason string
	// More faults followed, but were too many to be kept. Their actions are no
	// more severe than the gravest kept.
	More int
}

// Error says what is wrong, where, and what is to be done.
func (f *Fault) Error() string {
	object := fmt.Sprintf("%v NLRI, number %d of the list", f.Object, f.Index+1)
	if f.Attribute {
		object = fmt.Sprintf("BGP-LS attribute of a %v NLRI", f.Object)
	}
	tlv := ""
	if f.TLV != 0 {
		tlv = fmt.Sprintf("TLV %d ", f.TLV)
	}
	more := ""
	if f.More > 0 {
		more = fmt.Sprintf(", and %d more faults", f.More)
	}
	return fmt.Sprintf("%s: %sat octet %d %s: %v%s", object, tlv, f.Offset, f.Reason, f.Action, more)
}

// Faults are what is wrong with one NLRI list or one attribute, in its order.
type Faults []*Fault

// Worst is the most severe action that the faults ask for, 0 for none.
func (fs Faults) Worst() Action {
	worst := Action(0)
	for _, f := range fs {
		worst = max(worst, f.Action)
	}
	return worst
}

// add keeps a fault. Of too many, a more severe one takes the last place.
func (fs *Faults) add(f Fault) {
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
