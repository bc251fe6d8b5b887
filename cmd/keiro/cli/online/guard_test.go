package online

import (
	"errors"
	"fmt"
	"testing"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/pathspec/gate"
)

// What degrades for certain is told by another exit code than what cannot be told.
func TestRefusalsExitCode(t *testing.T) {
	for _, c := range []struct {
		verdicts []gate.Verdict
		code     int
	}{{[]gate.Verdict{gate.Unknown}, 4}, {[]gate.Verdict{gate.Unknown, gate.Degraded}, 3}} {
		e := resource.Errorf(resource.Conflict, "nothing was changed")
		for _, v := range c.verdicts {
			e.Findings = append(e.Findings, gate.Finding{Intent: "gold", Characteristic: gate.Disjoint, Verdict: v})
		}
		found := findingsOf(fmt.Errorf("drain: %w", e))
		out, complaint := newPaper(), newPaper()
		err := refuse(&command.Env{Stdout: out, Stderr: complaint}, "table", e, found)
		if code := command.ExitCode(complaint, err); code != c.code {
			t.Errorf("%v: exit code %d, want %d", c.verdicts, code, c.code)
		}
		out.wait(t, "gold")
		complaint.wait(t, "nothing was changed")
	}
	if findingsOf(errors.New("disk on fire")) != nil || findingsOf(nil) != nil {
		t.Error("findings where there are none")
	}
}
