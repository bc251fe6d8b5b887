package cli

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve"
	"github.com/keiro-net/keiro/topology"
)

// question is what offline commands are asked: a topology and intents.
type question struct {
	topologyFile, intentsFile string
	topology                  *topology.Topology
	withLines                 bool            // lines are wanted: they keep the whole file
	lines                     *topology.Lines // nil without
	intents                   []pathspec.Intent
	policy                    solve.Policy
}

// large is a topology, in bytes, with which memory counts for more than time:
// its YAML is garbage once it is read, and is collected before memory grows.
const large = 8 << 20

// flags adds -t and -i.
func (q *question) flags(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&q.topologyFile, "topology", "t", "", "topology `FILE`, - for stdin")
	cmd.Flags().StringVarP(&q.intentsFile, "intents", "i", "", "intents `FILE`, - for stdin (the same stream as -t -, where both are given)")
	command.Require(cmd, "topology", "intents")
}

// read reads both files and tells the mistakes of both at once.
func (q *question) read(env *command.Env) error {
	var topologyErr, intentsErr error
	file, data, err := env.Read(q.topologyFile)
	if len(data) > large {
		debug.SetMemoryLimit(int64(40 * len(data))) // soft; the network takes half of that
	}
	if err == nil && q.withLines {
		q.topology, q.lines, err = topology.ParseLines(file, data)
	} else if err == nil {
		q.topology, err = topology.Parse(file, data)
	}
	topologyErr = err
	file, data, err = env.Read(q.intentsFile)
	if err == nil {
		q.intents, err = pathspec.Parse(file, data)
	}
	intentsErr = err
	switch {
	case topologyErr != nil && intentsErr != nil && topologyErr.Error() == intentsErr.Error():
		return topologyErr // one stream, one mistake
	case topologyErr != nil || intentsErr != nil:
		return errors.Join(topologyErr, intentsErr)
	}
	if len(q.intents) == 0 {
		fmt.Fprintf(env.Stderr, "keiro: %s: no document of kind %s: nothing is asked\n", file, pathspec.DocumentKind)
	}
	return pathspec.Validate(q.topology, q.intents)
}
