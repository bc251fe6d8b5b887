package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/clab"
)

func newTopologyCommand(env *command.Env) *cobra.Command {
	return command.Group(&cobra.Command{
		Use:     "topology",
		Short:   "Work with topology files",
		Example: "  keiro topology import --from clab examples/jp12.clab.yml",
	}, newTopologyImportCommand(env), newTopologyRisksCommand(env))
}

// importers read foreign formats, by the name that --from takes.
var importers = map[string]func(env *command.Env, file string, data []byte) (*topology.Topology, error){
	"clab": func(env *command.Env, file string, data []byte) (*topology.Topology, error) {
		return clab.Import(file, data, env.LookupEnv)
	},
}

func newTopologyImportCommand(env *command.Env) *cobra.Command {
	formats := slices.Sorted(maps.Keys(importers))
	cmd := &cobra.Command{
		Use:   "import --from FORMAT FILE",
		Short: "Make a topology file of another tool's file",
		Long: `Print a Keiro topology, made of a file in another format. What that format does
not say stays unknown. Formats: clab (containerlab).`,
		Example: "  keiro topology import --from clab examples/jp12.clab.yml > jp12.topology.yaml",
		Args:    cobra.ExactArgs(1),
	}
	from := cmd.Flags().String("from", "", "the `FORMAT` of the file: "+strings.Join(formats, ", "))
	command.Require(cmd, "from")
	command.Complete(cmd, "from", formats...)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		parse, ok := importers[*from]
		if !ok {
			return fmt.Errorf("--from %q: want one of %s", *from, strings.Join(formats, ", "))
		}
		file, data, err := env.Read(args[0])
		if err != nil {
			return err
		}
		t, err := parse(env, file, data)
		if err != nil {
			return err
		}
		_, err = env.Stdout.Write(topology.Format(t))
		return err
	}
	return cmd
}
