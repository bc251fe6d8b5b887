package cli

import (
	"runtime"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/cmd/internal/version"
	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
)

func newVersionCommand(env *command.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Say which Keiro this is",
		Example: "  keiro version -o json",
		Args:    cobra.NoArgs,
	}
	format := command.FormatFlag(cmd)
	cmd.RunE = func(*cobra.Command, []string) error {
		v := struct {
			Version string `json:"version"`
			Go      string `json:"go"`
			OS      string `json:"os"`
			Arch    string `json:"arch"`
		}{version.String(), runtime.Version(), runtime.GOOS, runtime.GOARCH}
		return env.Printer().Print(*format, v, func(t *output.Text) {
			t.Printf("keiro %s (%s, %s/%s)\n", v.Version, v.Go, v.OS, v.Arch)
		})
	}
	return cmd
}
