package pathspec

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/keiro-net/keiro/topology"
)

// package budget: Check stands beside the requirements that it checks, which
// it shares with nobody else.

// Violation is one reason why an answer is wrong, or, where CannotTell, why it
// is not shown to be right.
type Violation struct {
	Intent  string // "" is the document
	Path    int    // index into Answer.Paths; -1 is the answer as a whole
	Rule    Rule
	Message string
	// Lacks: the rule fails only for want of a value that nobody stated.
	Lacks bool
	// Object is what two paths share, as a risk such as srlg:duct, or the QKD keys
	// that run out (KeysOf); "" where the rule is of another kind.
	Object string
}

// KeysOf and the name of a link is a Violation's Object where the keys of its
// QKD system cannot be counted on for long.
const KeysOf = "keys:"

// Rule names what is violated. Stable: programs branch on it.
type Rule string

// The rules. A violated kind of disjointness is `disjoint-` and its name.
const (
	RuleDocument     Rule = "document"     // apiVersion, kind, topology
	RuleAnswer       Rule = "answer"       // an answer for each intent, in order, and nothing else
	RuleStatus       Rule = "status"       // what goes with which status
	RulePath         Rule = "path"         // exists and is contiguous
	RuleSimple       Rule = "simple"       // no node twice
	RuleEnds         Rule = "ends"         // from and to
	RuleMultiplicity Rule = "multiplicity" // number of paths
	RuleBandwidth    Rule = "bandwidth"    // of all intents together, in each direction
	RuleDelay        Rule = "max-delay"
	RuleSpread       Rule = "max-delay-spread"
	RuleHops         Rule = "max-hops"
	RuleCountries    Rule = "countries"
	RuleAvoid        Rule = "avoid"
	RuleNodes        Rule = "nodes" // the CEL condition
	RuleLinks        Rule = "links" // the CEL condition
	RuleEncryption   Rule = "encryption"
	RuleObjective    Rule = "objective" // a link without the value that the objective counts
	RuleStated       Rule = "stated"    // delay_us, metric, bandwidth_bps as the topology has them
	RuleCost         Rule = "cost"
	RuleOrder        Rule = "order" // of the paths in the answer
	RuleMargin       Rule = "margin"
	RuleSeparation   Rule = "separation" // between the cables as laid
	RuleUndecided    Rule = "undecided"  // cannot tell: the answer says `unknown`
	RuleUnproven     Rule = "unproven"   // cannot tell: the answer says `infeasible`
)

func ruleDisjoint(k Kind) Rule { return Rule("disjoint-" + k.String()) }

// CannotTell reports that the answer is not known to be wrong, nor shown to
// be right. It is to be shown neither as yes nor as no.
func (v Violation) CannotTell() bool {
	return v.Rule == RuleUndecided || v.Rule == RuleUnproven
}

func (v Violation) String() string {
	switch {
	case v.Intent == "":
		return fmt.Sprintf("%s: %s", v.Rule, v.Message)
	case v.Path < 0:
		return fmt.Sprintf("%s: %s: %s", v.Intent, v.Rule, v.Message)
	}
	return fmt.Sprintf("%s: path %d: %s: %s", v.Intent, v.Path+1, v.Rule, v.Message)
}

// Check verifies a solution against the topology and the intents, without
// trusting whoever found it. It returns nothing where every answer is
// satisfied and holds. An answer that says `unknown` or `infeasible` is
// returned as one that Check cannot tell.
//
// Check verifies what is claimed of the paths that are there: every
// requirement, the values stated, cost, order and margin. It does not verify
// `optimal` and `reserve`, which are claims about all the other paths, nor the
// content of `why`.
func Check(t *topology.Topology, intents []Intent, s *Solution) []Violation {
	c := &checker{t: t, reserved: make([]topology.Bandwidth, len(t.Links))}
	answers := c.document(intents, s)
	document := c.found
	found := make([][]Violation, len(intents))
	for _, i := range admission(intents) {
		if answers[i] != nil {
			c.found = nil
			c.answer(&intents[i], answers[i])
			found[i] = c.found
		}
	}
	return append(document, slices.Concat(found...)...)
}

// admission is the order in which intents get capacity: higher priority
// first, then file order.
func admission(intents []Intent) []int {
	order := make([]int, len(intents))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(intents[b].Priority, intents[a].Priority) })
	return order
}

type checker struct {
	t        *topology.Topology
	reserved []topology.Bandwidth // of every link, by the answers checked so far
	found    []Violation
}

// document checks the frame and returns the answer of each intent, nil where
// there is none.
func (c *checker) document(intents []Intent, s *Solution) []*Answer {
	if s.APIVersion != "keiro/v1" || s.Kind != "Solution" {
		c.fail("", -1, RuleDocument, "%q %q is not a keiro/v1 Solution", s.APIVersion, s.Kind)
	}
	if s.Topology != c.t.Name {
		c.fail("", -1, RuleDocument, "answers topology %q, not %q", s.Topology, c.t.Name)
	}
	index := map[string]int{}
	for i := range intents {
		index[intents[i].Name] = i
	}
	answers := make([]*Answer, len(intents))
	last := -1
	for j := range s.Intents {
		a := &s.Intents[j]
		i, ok := index[a.Name]
		switch {
		case !ok:
			c.fail(a.Name, -1, RuleAnswer, "answers an intent that does not exist")
		case answers[i] != nil:
			c.fail(a.Name, -1, RuleAnswer, "answered twice")
		default:
			if i < last {
				c.fail(a.Name, -1, RuleAnswer, "answered out of order")
			}
			answers[i], last = a, i
		}
	}
	for i := range intents {
		if answers[i] == nil {
			c.fail(intents[i].Name, -1, RuleAnswer, "not answered")
		}
	}
	return answers
}

func (c *checker) fail(intent string, path int, rule Rule, format string, args ...any) {
	c.found = append(c.found, Violation{Intent: intent, Path: path, Rule: rule, Message: fmt.Sprintf(format, args...)})
}

// lacks fails a rule for want of a value, if unstated.
func (c *checker) lacks(unstated bool, intent string, path int, rule Rule, format string, args ...any) {
	c.fail(intent, path, rule, format, args...)
	c.found[len(c.found)-1].Lacks = unstated
}
