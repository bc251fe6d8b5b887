package cli

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/cmd/internal/version"
	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/cmd/keiro/cli/online"
	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/controller/api/resource"
)

func newVersionCommand(env *command.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Say which Keiro this is, and the controller's, if there is one",
		Example: "  keiro version -o json",
		Args:    cobra.NoArgs,
	}
	controller := online.VersionOf(cmd, env)
	format := command.FormatFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		v := struct {
			Version    string            `json:"version"`
			Go         string            `json:"go"`
			OS         string            `json:"os"`
			Arch       string            `json:"arch"`
			Controller *resource.Version `json:"controller,omitempty"`
		}{Version: version.String(), Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
		var err error
		if v.Controller, err = controller(cmd.Context()); err != nil {
			fmt.Fprintf(env.Stderr, "keiro: the controller's version is not known: %v\n", err)
		}
		return env.Printer().Print(*format, v, func(t *output.Text) {
			t.Printf("keiro %s (%s, %s/%s)\n", v.Version, v.Go, v.OS, v.Arch)
			if v.Controller != nil {
				t.Printf("keiro-controller %s (%s)\n", v.Controller.Version, v.Controller.Go)
			}
		})
	}
	return cmd
}
