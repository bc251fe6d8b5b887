package planout

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/gate"
)

// sample has names and messages that every format must escape, and a finding
// of each verdict.
func sample() *gate.Plan {
	held := gate.State{Status: pathspec.Satisfied, Margin: &pathspec.Margin{}}
	lost := gate.State{Status: pathspec.Infeasible}
	open := gate.State{Status: pathspec.Undecided}
	by := &gate.Blame{Sets: [][]string{{"link:z.delay"}, {"link:y", "drain:srlg:d"}}, Least: true}
	return &gate.Plan{
		Topology: `a "b" <c>`, Verdict: gate.Degraded, Failures: gate.Failures{Kind: "srlg", Tried: 2, Of: 2},
		Changes: []gate.Change{
			{ID: "link:z.delay", Text: "link z: delay 4ms -> 9ms", File: "dir with space/a,b:c%.yaml", Line: 7},
			{ID: "link:y", Text: "link y: removed", Op: "removed", File: "dir with space/a,b:c%.yaml", Line: 9, Was: "old.yaml:8"},
			{ID: "drain:srlg:d", Text: "srlg d: drained", By: "--drain srlg:d"},
		},
		Intents: []gate.Intent{
			{Name: "lost", Verdict: gate.Degraded, Before: held, After: lost},
			{Name: "open", Verdict: gate.Unknown, Before: held, After: open},
			{Name: "never", Verdict: gate.Unchanged, Before: lost, After: lost},
			{Name: "weaker", Verdict: gate.Degraded, Before: held, After: held},
			{Name: "fine", Verdict: gate.Unchanged, Before: held, After: held},
		},
		Findings: []gate.Finding{
			{Intent: "lost", Verdict: gate.Degraded, Characteristic: gate.MaxDelay, Before: "satisfied", After: "infeasible", Message: "50% of <these> & \"those\"\r\nnext: line", Blame: by},
			{Intent: "open", Verdict: gate.Unknown, Characteristic: gate.Requirement, Before: "satisfied", After: "unknown", Message: "no time"},
			{Intent: "weaker", Verdict: gate.Degraded, Characteristic: "survives-srlg", Failure: "srlg:a", Before: "met", After: "none", Message: "when srlg:a fails, no path is left", Blame: by},
			{Intent: "weaker", Verdict: gate.Degraded, Characteristic: "survives-srlg", Failure: "srlg:b", Before: "met", After: "none", Message: "when srlg:b fails, no path is left", Blame: by},
			{Intent: "weaker", Verdict: gate.Degraded, Characteristic: "survives-srlg", Failure: "srlg:c", Before: "met", After: "partial", Message: "when srlg:c fails, one", Blame: &gate.Blame{Sets: [][]string{{"link:y"}}}},
		},
	}
}

func write(t *testing.T, f Format) string {
	t.Helper()
	var b bytes.Buffer
	if err := Print(output.Printer{Out: &b}, f, sample()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGitHub(t *testing.T) {
	const file = "file=dir with space/a%2Cb%3Ac%25.yaml,line=7"
	const by = "%0Aby link z: delay 4ms -> 9ms (dir with space/a,b:c%25.yaml:7)%0Aor 2 changes together: link y: removed (was old.yaml:8); srlg d: drained (--drain srlg:d)\n"
	want := "::error " + file + ",title=lost%3A maxDelay degrades%3A satisfied -> infeasible::50%25 of <these> & \"those\"%0D%0Anext: line" + by +
		"::warning title=open%3A requirement%3A cannot tell::no time\n" +
		"::error " + file + ",title=weaker%3A survives-srlg degrades%3A met -> none::when one of srlg:a, srlg:b fails, no path is left" + by +
		"::error file=dir with space/a%2Cb%3Ac%25.yaml,line=9,title=weaker%3A survives-srlg degrades%3A met -> partial::when srlg:c fails, one%0Aby link y: removed (was old.yaml:8); perhaps by fewer\n"
	if got := write(t, GitHub); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestJUnitIsWellFormed(t *testing.T) {
	got := write(t, JUnit)
	for d := xml.NewDecoder(strings.NewReader(got)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%v\n%s", err, got)
		}
	}
	var s suites
	if err := xml.Unmarshal([]byte(got), &s); err != nil {
		t.Fatal(err)
	}
	counts := [4]int{len(s.Suite.Cases)}
	verdicts := map[string]string{}
	for _, c := range s.Suite.Cases {
		switch name := c.Class + "/" + c.Name; {
		case c.Failure != nil:
			counts[1]++
			verdicts[name] = c.Failure.Text
		case c.Error != nil:
			counts[2]++
			verdicts[name] = c.Error.Text
		case c.Skipped != nil:
			counts[3]++
			verdicts[name] = c.Skipped.Message
		default:
			verdicts[name] = "ok"
		}
	}
	if want := [4]int{s.Suite.Tests, s.Suite.Failures, s.Suite.Errors, s.Suite.Skipped}; counts != want {
		t.Errorf("%v, the suite says %v", counts, want)
	}
	if text := verdicts["lost/maxDelay"]; !strings.HasPrefix(text, "50% of <these> & \"those\"\r\nnext: line\nby link z") {
		t.Errorf("%q", text)
	}
	if text := verdicts["weaker/survives-srlg"]; !strings.Contains(text, "srlg:a, srlg:b") || !strings.Contains(text, "srlg:c") {
		t.Errorf("%q", text)
	}
	for name, want := range map[string]string{"open/requirement": "no time", "never/requirement": "infeasible before, infeasible after", "fine/margin-srlg": "ok", "weaker/margin-srlg": "ok"} {
		if verdicts[name] != want {
			t.Errorf("%s: %q, want %q", name, verdicts[name], want)
		}
	}
}

func TestSARIF(t *testing.T) {
	var log sarifLog
	if err := json.Unmarshal([]byte(write(t, SARIF)), &log); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	if len(run.Results) != 5 {
		t.Fatalf("%d results", len(run.Results))
	}
	for _, r := range run.Results {
		if rule := run.Tool.Driver.Rules[r.RuleIndex]; rule.ID != r.RuleID {
			t.Errorf("rule %s has the index of %s", r.RuleID, rule.ID)
		}
		want := "error"
		if r.Properties["intent"] == "open" {
			want = "warning"
		}
		if r.Level != want {
			t.Errorf("%s: level %s", r.Properties["intent"], r.Level)
		}
	}
	first := run.Results[0]
	if l := first.Locations[0].Physical; l.Artifact.URI != "dir%20with%20space/a,b:c%25.yaml" || l.Region.StartLine != 7 || len(first.Related) != 1 {
		t.Errorf("%+v and %d related", l, len(first.Related))
	}
}

func TestGitLab(t *testing.T) {
	var issues []issue
	if err := json.Unmarshal([]byte(write(t, GitLab)), &issues); err != nil {
		t.Fatal(err)
	}
	if len(issues) != 5 {
		t.Fatalf("%d issues", len(issues))
	}
	for _, i := range issues {
		want := "critical"
		if strings.HasPrefix(i.Description, "open:") {
			want = "major"
		}
		if i.Severity != want || i.Location.Path == "" || i.Location.Lines.Begin < 1 || !strings.HasPrefix(i.CheckName, "keiro/") {
			t.Errorf("%+v", i)
		}
	}
	if l := issues[0].Location; l.Path != "dir with space/a,b:c%.yaml" || l.Lines.Begin != 7 {
		t.Errorf("%+v", l)
	}
}

func TestFormat(t *testing.T) {
	var f Format
	for _, s := range Formats {
		if err := f.Set(s); err != nil || f.String() != s {
			t.Errorf("%s: %v", s, err)
		}
	}
	if err := f.Set("xml"); err == nil || err.Error() != "want one of table, wide, json, yaml, junit, sarif, github, gitlab" {
		t.Errorf("got %v", err)
	}
}
