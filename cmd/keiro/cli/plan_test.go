package cli

import (
	"bytes"
	"context"
	"testing"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/pathspec/gate"
	"github.com/keiro-net/keiro/topology"
)

func TestPlanVerdict(t *testing.T) {
	for _, c := range []struct {
		verdict gate.Verdict
		code    int
		stderr  string
	}{
		{gate.Unchanged, command.OK, ""},
		{gate.Changes, command.Pending, "keiro: 1 of 4 intents would change: changes\n"},
		{gate.Unknown, command.CannotTell, "keiro: cannot tell for 1 of 4 intents: unknown\n"},
		{gate.Degraded, command.Degraded, "keiro: 1 of 4 intents would degrade: degraded\n"},
	} {
		plan := &gate.Plan{Verdict: c.verdict}
		for _, v := range []gate.Verdict{gate.Unchanged, gate.Changes, gate.Unknown, gate.Degraded} {
			plan.Intents = append(plan.Intents, gate.Intent{Name: string(v), Verdict: v})
		}
		var stderr bytes.Buffer
		if code := command.ExitCode(&stderr, planVerdict(plan)); code != c.code || stderr.String() != c.stderr {
			t.Errorf("%s: exit code %d, stderr %q", c.verdict, code, stderr.String())
		}
	}
}

func TestPlanIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	empty := topology.New("empty", nil, nil, nil, nil)
	c := change{question: question{topology: empty}, after: empty}
	if plan, err := c.evaluate(ctx, &command.Env{}, gate.Evaluate); plan != nil || err == nil || err.Error() != "interrupted" {
		t.Errorf("got %v, %v", plan, err)
	}
}
