package cli

import (
	"bytes"
	"context"
	"testing"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
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
			if code := command.ExitCode(&stderr, verdict(s)); code != c.code || stderr.String() != c.stderr {
				t.Errorf("exit code %d, stderr %q", code, stderr.String())
			}
		})
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
