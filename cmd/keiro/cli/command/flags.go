package command

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
)

// Group makes a command that only holds others: alone it prints its help, and
// what it does not know is an error.
func Group(cmd *cobra.Command, commands ...*cobra.Command) *cobra.Command {
	cmd.AddCommand(commands...)
	cmd.SuggestionsMinimumDistance = 2
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		msg := fmt.Sprintf("unknown command %q for %q", args[0], cmd.CommandPath())
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			msg += "; did you mean " + strings.Join(near, " or ") + "?"
		}
		return fmt.Errorf("%s; see `%s --help`", msg, cmd.CommandPath())
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	return cmd
}

// FormatFlag adds -o to a command that prints data.
func FormatFlag(cmd *cobra.Command) *output.Format {
	format := output.TableFormat
	cmd.Flags().VarP(&format, "output", "o", "how to print")
	Complete(cmd, "output", output.Formats...)
	return &format
}

// Complete gives the shell the values of a flag.
func Complete(cmd *cobra.Command, flag string, values ...string) {
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // no such flag: a mistake of the caller
	}
}

// Require marks flags that a command cannot do without.
func Require(cmd *cobra.Command, flags ...string) {
	for _, flag := range flags {
		if err := cmd.MarkFlagRequired(flag); err != nil {
			panic(err) // no such flag: a mistake of the caller
		}
	}
}
