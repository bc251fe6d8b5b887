package online

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/controller/api/client"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/pathspec"
)

func newExplainCommand(env *command.Env) *cobra.Command {
	s := &session{Env: env}
	cmd := &cobra.Command{
		Use:   "explain INTENT",
		Short: "Say why an intent has the answer it has",
		Long: `Say why an intent has the answer it has, and what would help. Exit code 3: it is
infeasible; 4: it is undecided.`,
		Example: "  keiro explain tyo-osa-gold",
		Args:    cobra.ExactArgs(1),
	}
	cmd.ValidArgsFunction = s.completes(0, intentNames)
	format := command.FormatFlag(cmd)
	return s.attach(cmd, func(ctx context.Context, c *client.Client, args []string) error {
		e, err := c.Explain(ctx, args[0])
		if err != nil {
			return err
		}
		if err := env.Printer().Print(*format, e, func(t *output.Text) {
			for _, line := range e.Lines {
				t.Printf("%s\n", line)
			}
		}); err != nil {
			return err
		}
		switch e.Answer.Status {
		case pathspec.Satisfied:
			return nil
		case pathspec.Infeasible:
			return command.Exit(command.Degraded, "intent %s is infeasible", e.Intent)
		}
		return command.Exit(command.CannotTell, "intent %s is undecided", e.Intent)
	})
}

func newTraceCommand(env *command.Env) *cobra.Command {
	s := &session{Env: env}
	cmd := &cobra.Command{
		Use:   "trace INTENT",
		Short: "Send packets down every path of an intent and say what they saw",
		Long: `Send packets down every path of an intent, the idle ones as well: for each hop the
node that should be there, the one that answered, and how long it took there and
back; then the time over the whole path. Exit code 3: a path is broken.`,
		Example: "  keiro trace tyo-osa-gold",
		Args:    cobra.ExactArgs(1),
	}
	cmd.ValidArgsFunction = s.completes(0, intentNames)
	format := command.FormatFlag(cmd)
	return s.attach(cmd, func(ctx context.Context, c *client.Client, args []string) error {
		progress := env.Progress()
		progress.Say("sending packets down the paths of %s", args[0])
		trace, err := c.Trace(ctx, args[0])
		progress.Clear()
		if err != nil {
			return err
		}
		if err := env.Printer().Print(*format, trace, func(t *output.Text) { printTrace(t, trace) }); err != nil {
			return err
		}
		var broken []string
		for _, p := range trace.Paths {
			if p.Error != "" {
				broken = append(broken, "path "+p.Name+" is broken: "+p.Error)
			}
		}
		switch {
		case len(broken) > 0:
			return command.Exit(command.Degraded, "%s", strings.Join(broken, "\n"))
		case len(trace.Paths) == 0:
			return command.Exit(command.CannotTell, "intent %s has no path to trace; `keiro explain %s` says why", trace.Intent, trace.Intent)
		}
		return nil
	})
}

func printTrace(t *output.Text, trace *resource.Trace) {
	t.Printf("intent %s, from %s\n", trace.Intent, trace.Headend)
	for _, p := range trace.Paths {
		use, health := "idle", "ok"
		if p.Active {
			use = "active"
		}
		if p.Error != "" {
			health = "broken"
		}
		t.Printf("\npath %s, %s: %s", strings.TrimPrefix(p.Name, trace.Intent+"/"), use, t.Word(health))
		if p.RTTUS > 0 {
			t.Printf(", %s all the way and back", rtt(p.RTTUS))
		}
		t.Printf("\n")
		hops := &output.Table{Heads: []string{"HOP", "WANTED", "SEEN", "ADDRESS", "RTT", "ADDED"}}
		last := int64(0)
		for n, h := range p.Hops {
			hops.Add(hop(n+1, &h, &last)...)
		}
		t.Table(hops)
		if p.Error != "" {
			t.Printf("%s\n", p.Error)
		}
	}
}

// hop is a row of a trace. last is the time to the last hop that answered; what
// is ADDED to it was spent since, and is negative where packets to that hop had
// to wait longer.
func hop(n int, h *nodecfg.TraceHop, last *int64) []string {
	row := []string{fmt.Sprint(n), h.Want, h.Seen, output.Or(h.Addr), "-", "-"}
	switch {
	case h.Addr == "" && h.Seen == "":
		row[2] = "no answer"
		return row
	case h.Seen == "":
		row[2] = "unknown"
	}
	row[4], row[5] = rtt(h.RTTUS), rtt(h.RTTUS-*last)
	*last = h.RTTUS
	return row
}
