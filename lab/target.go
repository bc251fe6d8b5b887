package lab

import (
	"fmt"
	"slices"
	"strings"
)

// Kind says what a Target is.
type Kind string

// What can be cut.
const (
	Link Kind = "link"
	Node Kind = "node"
	SRLG Kind = "srlg"
)

// Target is something that can fail: a link, a node (all its links) or an SRLG
// (all links that share the risk).
type Target struct {
	Kind Kind
	Name string
}

// String is kind:name, as Lab.Target reads it.
func (t Target) String() string { return string(t.Kind) + ":" + t.Name }

// Target reads link:NAME, node:NAME, srlg:NAME, or a bare name that only one
// of them has.
func (l *Lab) Target(word string) (Target, error) {
	var found []Target
	for _, kind := range []Kind{Link, Node, SRLG} {
		t := Target{kind, word}
		if name, ok := strings.CutPrefix(word, string(kind)+":"); ok {
			t.Name = name
		}
		if len(l.plan.cables(t)) > 0 || kind == Node && l.plan.node(t.Name) >= 0 {
			found = append(found, t)
		}
	}
	switch len(found) {
	case 0:
		return Target{}, fmt.Errorf("lab %s: there is no link, node or SRLG %q", l.name, word)
	case 1:
		return found[0], nil
	}
	return Target{}, fmt.Errorf("lab %s: %q is more than one thing; say which: %v", l.name, word, found)
}

// cables returns the numbers of the cables that a target takes along.
func (p *plan) cables(t Target) []int {
	var numbers []int
	for i, l := range p.Links {
		switch {
		case t.Kind == Link && l.Name == t.Name,
			t.Kind == Node && (l.Ends[0].Node == t.Name || l.Ends[1].Node == t.Name),
			t.Kind == SRLG && slices.Contains(l.SRLGs, t.Name):
			numbers = append(numbers, i)
		}
	}
	return numbers
}
