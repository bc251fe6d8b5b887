// Package resource holds what the REST API says and hears: plain Go types
// with their JSON names, and nothing that acts. It is pure. The controller
// fills them, controller/api serves them, controller/api/client and the
// command line read them, controller/alert sends one of them.
//
// Keys are camelCase; a quantity has its unit in its key (`rtt_us`) and is an
// integer. A time that is not known is left out.
package resource

import (
	"encoding/json"
	"slices"
	"strings"
)

// APIVersion and the kinds stand in every document.
const (
	APIVersion   = "keiro/v1"
	KindTopology = "Topology"
	KindIntent   = "PathIntent"
)

// Metadata names an object.
type Metadata struct {
	Name       string            `json:"name"`
	Labels     map[string]string `json:"labels,omitempty"`
	Generation uint64            `json:"generation" doc:"Generation of the declared state in which this spec was last changed; also its ETag"`
}

// List is the body of every answer that lists objects. Generation is that of
// the declared state they belong to.
type List[T any] struct {
	Generation uint64 `json:"generation"`
	Items      []T    `json:"items" nullable:"false"`
}

// Document is one file, or one part of a stream, as an operator wrote it.
// Name appears in errors; it is never opened.
type Document struct {
	Name string
	Data []byte
}

// State is all that can be read of the controller at one moment. Once
// published neither it nor what it points to changes. Lists are sorted by
// name, Solution follows the order of the intents' files.
//
// An object that did not change should keep its pointer from one State to the
// next: comparing pointers is what makes watches cheap.
type State struct {
	Generation uint64 // of the declared state; rises by every change; 0: nothing was ever declared
	// Topology is the document in force as canonical JSON; nil: none yet.
	Topology           json.RawMessage
	TopologyGeneration uint64
	Intents            []*Intent
	Nodes              []*Node
	Links              []*Link
	Lanes              []*Lane
	Keying             []*Keying
	Drains             []*Drain
	Alerts             []*Alert // firing ones, then resolved ones as far as kept
	Solution           *Solution
	Learned            *LearnedCounts // of what BGP-LS peers say; nil: nobody is listened to
}

// Intent returns the named intent, or nil.
func (s *State) Intent(name string) *Intent {
	for _, i := range s.Intents {
		if i.Metadata.Name == name {
			return i
		}
	}
	return nil
}

// Node returns the named node, or nil.
func (s *State) Node(name string) *Node {
	return find(s.Nodes, func(n *Node) int { return strings.Compare(n.Name, name) })
}

// Link returns the named link, or nil.
func (s *State) Link(name string) *Link {
	return find(s.Links, func(l *Link) int { return strings.Compare(l.Name, name) })
}

// find looks into a sorted list.
func find[T any](list []*T, order func(*T) int) *T {
	i, found := slices.BinarySearchFunc(list, 0, func(t *T, _ int) int { return order(t) })
	if !found {
		return nil
	}
	return list[i]
}
