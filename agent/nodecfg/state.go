package nodecfg

import (
	"maps"
	"slices"
	"strings"
)

// State is a set of kernel objects by their keys.
type State map[Object]Object

// StateOf makes a State of objects; of several with one key the first stays.
func StateOf(objects ...Object) State {
	s := make(State, len(objects))
	for _, o := range objects {
		s.Add(o)
	}
	return s
}

// Add puts in an object unless there is one with its key.
func (s State) Add(o Object) {
	if k := o.Key(); s[k] == nil {
		s[k] = o
	}
}

// Has says whether exactly this object is in the State.
func (s State) Has(o Object) bool { return s[o.Key()] == o }

// Apply changes the State as the kernel does on an operation that succeeds.
func (s State) Apply(op Op) {
	if op.Verb == Delete {
		delete(s, op.Object.Key())
	} else {
		s[op.Object.Key()] = op.Object
	}
}

// Clone returns a copy.
func (s State) Clone() State { return maps.Clone(s) }

// String lists the objects as commands of iproute2, one a line, sorted.
func (s State) String() string {
	lines := make([]string, 0, len(s))
	for _, o := range s {
		lines = append(lines, o.String()+"\n")
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// Verb is what an Op does.
type Verb string

// The verbs, in iproute2's words.
const (
	Add     Verb = "add"
	Replace Verb = "replace"
	Delete  Verb = "del"
)

// Op is an operation on one object. Replace leaves no moment without it.
type Op struct {
	Verb   Verb
	Object Object
}

// String is the command of iproute2.
func (op Op) String() string { return command(op.Object, string(op.Verb)) }
