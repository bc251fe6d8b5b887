package cli

import (
	"bytes"
	"context"
	"testing"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

func TestVerdict(t *testing.T) {
	const yes, no, open = pathspec.Satisfied, pathspec.Infeasible, pathspec.Undecided
	for _, c := range []struct {
		name     string
		statuses []pathspec.Status
		code     int
		stderr   string
	}{
		{"nothing asked", nil, 0, ""},
		{"all satisfied", []pathspec.Status{yes, yes}, 0, ""},
		{"one infeasible", []pathspec.Status{yes, no}, 3, "keiro: 1 of 2 intents infeasible: b\n"},
		{"one undecided", []pathspec.Status{open, yes}, 4, "keiro: 1 of 2 intents undecided: a\n"},
		{"both: no is more than cannot tell", []pathspec.Status{open, no}, 3, "keiro: 1 of 2 intents infeasible: b\n"},
		{"many", []pathspec.Status{no, no, no, no, no, no, no}, 3,
			"keiro: 7 of 7 intents infeasible: a, b, c, d, e and 2 more\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &pathspec.Solution{}
			for i, status := range c.statuses {
				s.Intents = append(s.Intents, pathspec.Answer{Name: string(rune('a' + i)), Status: status})
			}
			var stderr bytes.Buffer
			if code := exitCode(&stderr, verdict(s)); code != c.code || stderr.String() != c.stderr {
				t.Errorf("exit code %d, stderr %q", code, stderr.String())
			}
		})
	}
}

func TestCostHasAUnit(t *testing.T) {
	for objective, want := range map[pathspec.Objective]string{
		pathspec.MinDelay: "4145us", pathspec.MinMetric: "metric 4145", pathspec.MinHops: "4145 hops", pathspec.Balance: "0.4%",
	} {
		if got := cost(objective, 4145); got != want {
			t.Errorf("%v: got %q, want %q", objective, got, want)
		}
	}
}

func TestMarginAndReserveSayWhatIsNotKnown(t *testing.T) {
	zero := 0
	for got, want := range map[string]string{
		margin(nil):                                      "-",
		margin(&pathspec.Margin{Link: &zero}):            "link 0, node any, srlg any",
		reserve(nil):                                     "-",
		reserve(&pathspec.Reserve{Link: 1}):              "link >=1, node >=0, srlg >=0",
		reserve(&pathspec.Reserve{Node: 2, Exact: true}): "link 0, node 2, srlg 0",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestSolveIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	q := question{topology: topology.New("empty", nil, nil, nil, nil)}
	if s, err := q.solve(ctx, 0); s != nil || err == nil || err.Error() != "interrupted" {
		t.Errorf("got %v, %v", s, err)
	}
}
