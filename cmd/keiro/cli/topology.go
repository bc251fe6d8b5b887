package cli

import (
	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
)

func newTopologyCommand(env *command.Env) *cobra.Command {
	return command.Group(&cobra.Command{
		Use:     "topology",
		Short:   "Work with topology files",
		Example: "  keiro topology import --from clab examples/jp12.clab.yml",
	}, newTopologyImportCommand(env), newTopologyRisksCommand(env))
}
