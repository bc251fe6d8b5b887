package online

import (
	"bytes"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/cmd/keiro/cli/online/page"
	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/pathspec/gate"
)

// TestVerdict: what degrades is told first, and what cannot be told is no yes.
func TestVerdict(t *testing.T) {
	finding := func(v gate.Verdict) gate.Finding {
		return gate.Finding{Intent: "gold", Characteristic: "margin-srlg", Verdict: v, Message: "what it is"}
	}
	for _, c := range []struct {
		what string
		diff resource.Diff
		code int
	}{
		{"nothing", resource.Diff{}, command.OK},
		{"pending", resource.Diff{Pending: true}, command.Pending},
		{"unknown", resource.Diff{Pending: true, Findings: []gate.Finding{finding(gate.Unknown)}}, command.CannotTell},
		{"degraded", resource.Diff{Pending: true, Findings: []gate.Finding{finding(gate.Unknown), finding(gate.Degraded)}}, command.Degraded},
	} {
		if got := command.ExitCode(new(bytes.Buffer), verdict(&c.diff)); got != c.code {
			t.Errorf("%s: exit code %d, want %d", c.what, got, c.code)
		}
		var out bytes.Buffer
		err := output.Printer{Out: &out}.Print(output.TableFormat, nil, func(t *output.Text) { page.Diff(t, &c.diff) })
		if shown := strings.Count(out.String(), "gold margin-srlg: "); err != nil || shown != len(c.diff.Findings) {
			t.Errorf("%s: %d findings shown of %d: %v", c.what, shown, len(c.diff.Findings), err)
		}
	}
}
