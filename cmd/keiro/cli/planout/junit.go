package planout

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/gate"
)

// The JUnit format as Jenkins, GitLab and others read it: a suite of the plan,
// a case for each intent and characteristic.
type suites struct {
	XMLName xml.Name `xml:"testsuites"`
	Suite   suite    `xml:"testsuite"`
}

type suite struct {
	Name     string     `xml:"name,attr"`
	Tests    int        `xml:"tests,attr"`
	Failures int        `xml:"failures,attr"`
	Errors   int        `xml:"errors,attr"`
	Skipped  int        `xml:"skipped,attr"`
	Cases    []testcase `xml:"testcase"`
}

type testcase struct {
	Class   string   `xml:"classname,attr"`
	Name    string   `xml:"name,attr"`
	Failure *outcome `xml:"failure,omitempty"` // degraded
	Error   *outcome `xml:"error,omitempty"`   // cannot tell
	Skipped *outcome `xml:"skipped,omitempty"` // nothing held before
}

type outcome struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

func junit(w io.Writer, plan *gate.Plan) error {
	s := suite{Name: "keiro plan " + plan.Topology}
	by := changesOf(plan)
	found := map[string][]group{}
	for _, g := range groups(plan) {
		found[g[0].Intent] = append(found[g[0].Intent], g)
	}
	for i := range plan.Intents {
		in := &plan.Intents[i]
		cases := casesOf(in, plan.Failures.Kind, found[in.Name], by)
		for _, c := range cases {
			switch {
			case c.Failure != nil:
				s.Failures++
			case c.Error != nil:
				s.Errors++
			case c.Skipped != nil:
				s.Skipped++
			}
		}
		s.Cases = append(s.Cases, cases...)
	}
	s.Tests = len(s.Cases)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(suites{Suite: s}); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// casesOf lists what was compared for an intent: what degrades by its own
// name, and what holds.
func casesOf(in *gate.Intent, failures string, found []group, by map[string]gate.Change) (cases []testcase) {
	if len(found) == 0 && in.Before.Status != pathspec.Satisfied {
		what := fmt.Sprintf("%s before, %s after", in.Before.Status, in.After.Status)
		return []testcase{{Class: in.Name, Name: gate.Requirement, Skipped: &outcome{Message: what}}}
	}
	told := map[string]*testcase{}
	for _, g := range found {
		f := g[0]
		lines := append([]string{g.message()}, blame(f.Blame, by)...)
		one := &outcome{Message: g.title(), Type: f.Characteristic, Text: strings.Join(lines, "\n")}
		c := told[f.Characteristic]
		switch {
		case c == nil && f.Verdict == gate.Degraded:
			cases = append(cases, testcase{Class: in.Name, Name: f.Characteristic, Failure: one})
		case c == nil:
			cases = append(cases, testcase{Class: in.Name, Name: f.Characteristic, Error: one})
		case c.Failure != nil:
			c.Failure.Text += "\n" + one.Text
			continue
		default:
			c.Error.Text += "\n" + one.Text
			continue
		}
		last := cases[len(cases)-1]
		told[f.Characteristic] = &last // its outcome is shared
	}
	if in.After.Status != pathspec.Satisfied {
		return cases
	}
	names := []string{gate.Requirement, "margin-link", "margin-node", "margin-srlg"}
	if in.Before.Reserve != nil && in.After.Reserve != nil {
		names = append(names, "reserve-link", "reserve-node", "reserve-srlg")
	}
	if in.After.Survives != nil {
		names = append(names, "survives-"+failures)
	}
	for _, name := range names {
		if told[name] == nil {
			cases = append(cases, testcase{Class: in.Name, Name: name})
		}
	}
	return cases
}
