package labcmd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/lab"
	"github.com/keiro-net/keiro/lab/kmes"
)

func newUpCommand(env *command.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "up FILE.clab.yml",
		Short: "Bring a lab up",
		Long: `Bring the lab of a containerlab file up. Where it is up already, nothing happens.
Capacities are real limits; delays are not emulated. Nodes with a link that has
qkd: true get a KME, whose keys are worthless as secrets.`,
		Example: "  keiro lab up examples/jp12.clab.yml",
		Args:    cobra.ExactArgs(1),
	}
	format := command.FormatFlag(cmd)
	return asRoot(env, cmd, true, func(ctx context.Context, args []string) error {
		file, err := readFile(env, args[0])
		if err != nil {
			return err
		}
		progress := env.Progress()
		l, err := lab.Up(ctx, file, lab.Options{Progress: func(p lab.Progress) {
			progress.Say("lab %s: %d of %d: %s", file.Name, p.Done, p.Total, p.Doing)
		}})
		progress.Clear()
		if err != nil {
			return err
		}
		withKME, err := startKMEs(ctx, env, l, file, args[0])
		if err != nil {
			return err
		}
		status, err := l.Status(ctx)
		if err != nil {
			return err
		}
		return env.Printer().Print(*format, status, func(t *output.Text) {
			t.Printf("lab %s is up: %s, %s\n", status.Name, output.Count(len(status.Nodes), "node"), output.Count(len(status.Links), "link"))
			if len(withKME) > 0 {
				t.Printf("QKD: a KME in each of %s; for keiro-agent there: --kme %s\n", strings.Join(withKME, ", "), kmes.File(l, "NODE"))
			}
			printNotes(t, status)
		})
	})
}

func printNotes(t *output.Text, status *lab.Status) {
	for _, note := range status.Notes {
		t.Printf("note: %s\n", note)
	}
}

func newDownCommand(env *command.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "down FILE.clab.yml",
		Short:   "Take a lab down, with all that runs in it, if it is up",
		Example: "  keiro lab down examples/jp12.clab.yml",
		Args:    cobra.ExactArgs(1),
	}
	return asRoot(env, cmd, false, func(ctx context.Context, args []string) error {
		name, err := labName(env, args[0])
		if err != nil {
			return err
		}
		progress := env.Progress()
		progress.Say("lab %s: going down", name)
		err = lab.Down(ctx, name)
		progress.Clear()
		told := "is down"
		if errors.Is(err, lab.ErrNotUp) {
			told, err = "was not up", nil
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(env.Stdout, "lab %s %s\n", name, told)
		return err
	})
}
