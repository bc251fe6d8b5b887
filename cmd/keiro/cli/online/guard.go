package online

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/cmd/keiro/cli/online/page"
	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/cmd/keiro/cli/planout"
	"github.com/keiro-net/keiro/controller/api/client"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/pathspec/gate"
)

// findingsOf is why the gate refuses a change; none: it was refused otherwise,
// or not at all.
func findingsOf(err error) []gate.Finding {
	var refusal *resource.Error
	if errors.As(err, &refusal) {
		return refusal.Findings
	}
	return nil
}

// refuse prints what the gate found, and ends with what it means.
func refuse(env *command.Env, format string, err error, findings []gate.Finding) error {
	if err := env.Printer().Print(output.Format(format), items[gate.Finding]{findings}, func(t *output.Text) { page.Findings(t, findings) }); err != nil {
		return err
	}
	code := command.CannotTell
	if slices.ContainsFunc(findings, func(f gate.Finding) bool { return f.Verdict == gate.Degraded }) {
		code = command.Degraded
	}
	return command.Exit(code, "%v", err)
}

// questions are the flags that ask the gate.
var questions = []string{"remove", "drain", "undrain", "failures", "reserve"}

func questionFlags(cmd *cobra.Command) *resource.Changes {
	q := &resource.Changes{}
	flags := cmd.Flags()
	flags.StringArrayVar(&q.Remove, "remove", nil, "as if that `INTENT` were taken back; may be given several times")
	flags.StringArrayVar(&q.Drain, "drain", nil, "as if that node, link or SRLG were drained, as KIND:NAME; `WHAT` may be given several times")
	flags.StringArrayVar(&q.Undrain, "undrain", nil, "as if `WHAT` were undrained; may be given several times")
	flags.StringVar(&q.Failures, "failures", "none", "compare every single failure of a `KIND`: none, link, node, srlg")
	flags.BoolVar(&q.Reserve, "reserve", false, "compare reserves as well, which takes much longer")
	command.Complete(cmd, "failures", "none", "link", "node", "srlg")
	return q
}

func asks(cmd *cobra.Command) bool {
	return slices.ContainsFunc(questions, cmd.Flags().Changed)
}

// ask asks the gate of the controller, and prints what it says.
func ask(ctx context.Context, env *command.Env, c *client.Client, f files, args []string, q *resource.Changes, format output.Format) error {
	if len(f)+len(args) > 0 {
		documents, err := f.read(env, args)
		if err != nil {
			return err
		}
		q.Documents = documents
	}
	for _, what := range append(slices.Clone(q.Drain), q.Undrain...) {
		if _, _, err := target(what); err != nil {
			return err
		}
	}
	plan, err := c.Changes(ctx, *q)
	if err != nil {
		return err
	}
	if err := planout.Print(env.Printer(), planout.Format(format), plan); err != nil {
		return err
	}
	switch plan.Verdict {
	case gate.Degraded:
		return command.Exit(command.Degraded, "%s would degrade", output.Count(len(plan.Findings), "declared characteristic"))
	case gate.Unknown:
		return command.Exit(command.CannotTell, "cannot tell of %s whether it would degrade", output.Count(len(plan.Findings), "declared characteristic"))
	case gate.Changes:
		return command.Exit(command.Pending, "nothing degrades; the intents would change")
	}
	return nil
}
