package pathspec

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestEveryRule: for every rule that check.go declares, and for every kind of
// disjointness, TestCheck has a wrong answer that violates that rule only. So
// a rule that is removed from Check is missed.
func TestEveryRule(t *testing.T) {
	rules := declaredRules(t)
	for k := range kindNames {
		rules = append(rules, string(ruleDisjoint(Kind(k))))
	}
	cases := map[string]int{} // of every rule: cases that violate nothing else
	for _, c := range checkCases() {
		cases[c.rules]++
		for _, rule := range strings.Fields(c.rules) {
			if !slices.Contains(rules, rule) {
				t.Errorf("%s %s: check.go declares no rule %s", c.rules, c.what, rule)
			}
		}
	}
	for _, rule := range rules {
		if cases[rule] == 0 && !slices.Contains(accompanied, rule) {
			t.Errorf("no case of TestCheck violates %q alone", rule)
		}
	}
	for _, rule := range accompanied {
		if !slices.ContainsFunc(checkCases(), func(c checkCase) bool { return slices.Contains(strings.Fields(c.rules), rule) }) {
			t.Errorf("no case of TestCheck violates %q", rule)
		}
	}
}

// accompanied are the rules that cannot be violated alone: an answer with
// other ends has another margin, and a value that the objective lacks is
// stated wrongly, or lacks to the bandwidth as well.
var accompanied = []string{string(RuleEnds), string(RuleObjective)}

// declaredRules reads the constants of type Rule out of the source, so that
// none can be forgotten.
func declaredRules(t *testing.T) (rules []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "check.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range f.Decls {
		decl, ok := d.(*ast.GenDecl)
		if !ok || decl.Tok != token.CONST {
			continue
		}
		for _, s := range decl.Specs {
			spec := s.(*ast.ValueSpec)
			if typ, ok := spec.Type.(*ast.Ident); !ok || typ.Name != "Rule" {
				continue
			}
			for _, v := range spec.Values {
				rule, err := strconv.Unquote(v.(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				rules = append(rules, rule)
			}
		}
	}
	if len(rules) < 20 {
		t.Fatalf("found %q only", rules)
	}
	return rules
}
