package cli

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
)

// TestEveryCommandHasARealExample parses the example of every command as the
// command line that it is.
func TestEveryCommandHasARealExample(t *testing.T) {
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
		if cmd.Short == "" || cmd.Example == "" {
			t.Errorf("%s: wants a Short and an Example", cmd.CommandPath())
		}
		named := false
		for line := range strings.FieldsFuncSeq(cmd.Example, func(r rune) bool { return r == '\n' || r == '|' }) {
			line, _, _ = strings.Cut(line, ">")
			if args := strings.Fields(line); len(args) > 0 && args[0] == "keiro" {
				found := parses(t, args[1:])
				named = named || found == cmd.CommandPath() || cmd.HasSubCommands()
			}
		}
		if !named {
			t.Errorf("%s: the example does not show it:\n%s", cmd.CommandPath(), cmd.Example)
		}
	}
	visit(newRootCommand(&command.Env{}))
}

// parses reads a command line without running it and returns its command.
func parses(t *testing.T, args []string) string {
	t.Helper()
	cmd, rest, err := newRootCommand(&command.Env{}).Find(args)
	if err == nil {
		err = cmd.ParseFlags(rest)
	}
	if err == nil {
		err = cmd.ValidateRequiredFlags()
	}
	if err == nil {
		err = cmd.ValidateArgs(cmd.Flags().Args())
	}
	if err != nil {
		t.Errorf("keiro %s: %v", strings.Join(args, " "), err)
	}
	return cmd.CommandPath()
}
