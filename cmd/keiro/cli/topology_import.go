package cli

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/clab"
	"github.com/keiro-net/keiro/topology/foreign"
	"github.com/keiro-net/keiro/topology/gml"
	"github.com/keiro-net/keiro/topology/graphml"
	"github.com/keiro-net/keiro/topology/repetita"
	"github.com/keiro-net/keiro/topology/sndlib"
)

// importFormats are the words that --from takes.
var importFormats = []string{"clab", "gml", "graphml", "repetita", "sndlib"}

// topologyImport is one call of `keiro topology import`.
type topologyImport struct {
	from, module, unit, srlgs string
	demands, quiet            bool
	files                     []repetita.File
}

func newTopologyImportCommand(env *command.Env) *cobra.Command {
	c := &topologyImport{}
	cmd := &cobra.Command{
		Use:   "import --from FORMAT FILE",
		Short: "Make a topology file of another tool's file",
		Long: `Print a Keiro topology, made of a file in another format. What the file does not
say stays unknown. What was derived, changed or left out is told on stderr.

  clab      containerlab
  gml       GML, as the Internet Topology Zoo and networkx write it
  graphml   GraphML, likewise
  repetita  Repetita's .graph; its .demands may follow
  sndlib    SNDlib, XML or native

Names are made legal and unique; the label of the file stays as a label of the
node. Nodes at one point of the map share a site. A delay that the file does not
have is derived from the places of the ends and marked (derived: [delay]):
` + topology.DelayRule + `.

Countries in GML and GraphML files come from a search for the name of the place,
which is wrong in places. Shared risks are in none of the formats but clab.`,
		Example: `  keiro topology import --from clab examples/jp12.clab.yml > jp12.topology.yaml
  keiro topology import --from gml Interoute.gml > interoute.topology.yaml
  keiro topology import --from sndlib --module largest --unit Mbps --demands germany50.xml > germany50.yaml
  keiro topology import --from repetita --demands Abilene.graph Abilene.demands > abilene.yaml`,
		Args: cobra.RangeArgs(1, 2),
	}
	flags := cmd.Flags()
	flags.StringVar(&c.from, "from", "", "the `FORMAT` of the file: "+strings.Join(importFormats, ", "))
	flags.BoolVar(&c.demands, "demands", false, "print the demands as intents behind the topology (sndlib, repetita)")
	flags.StringVar(&c.module, "module", "none", "the module whose capacity a link has on which nothing is installed: "+strings.Join(sndlib.Modules, ", ")+" (sndlib)")
	flags.StringVar(&c.unit, "unit", "", "the `UNIT` of capacities and demands, such as Mbps, where the file has none (sndlib)")
	flags.StringVar(&c.srlgs, "srlgs", "unknown", "what to say about shared risks: unknown, or none to declare that there are none")
	flags.BoolVarP(&c.quiet, "quiet", "q", false, "no report on stderr")
	command.Require(cmd, "from")
	command.Complete(cmd, "from", importFormats...)
	command.Complete(cmd, "module", sndlib.Modules...)
	command.Complete(cmd, "unit", "bps", "kbps", "Mbps", "Gbps", "Tbps")
	command.Complete(cmd, "srlgs", "unknown", "none")
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return c.run(env, cmd, args) }
	return cmd
}

func (c *topologyImport) run(env *command.Env, cmd *cobra.Command, args []string) error {
	if err := c.check(cmd, args); err != nil {
		return err
	}
	for _, arg := range args {
		name, data, err := env.Read(arg)
		if err != nil {
			return err
		}
		c.files = append(c.files, repetita.File{Name: name, Data: data})
	}
	imported, err := c.parse(env)
	if err != nil {
		return err
	}
	t := imported.Topology
	if c.srlgs == "none" {
		for i := range t.Entries {
			if !t.Entries[i].SRLGs.Known() {
				t.Entries[i].SRLGs = topology.Declare([]string{})
			}
		}
	}
	out := topology.Format(t)
	if c.demands && len(imported.Demands) > 0 {
		out = append(append(out, "---\n"...), pathspec.Format(demandIntents(imported))...)
	}
	// What is printed can be read: a topology may be too large for a file.
	if _, err := topology.Parse("the topology of "+c.files[0].Name, out); err != nil {
		return err
	}
	if _, err := env.Stdout.Write(out); err != nil {
		return err
	}
	if !c.quiet {
		c.report(env.Stderr, imported)
	}
	return nil
}

// check refuses flags that mean nothing for the format.
func (c *topologyImport) check(cmd *cobra.Command, args []string) error {
	only := func(flag string, formats ...string) error {
		if cmd.Flags().Changed(flag) && !slices.Contains(formats, c.from) {
			return fmt.Errorf("--%s is for %s, not for %s", flag, strings.Join(formats, " and "), c.from)
		}
		return nil
	}
	switch {
	case !slices.Contains(importFormats, c.from):
		return fmt.Errorf("--from %q: want one of %s", c.from, strings.Join(importFormats, ", "))
	case !slices.Contains(sndlib.Modules, c.module):
		return fmt.Errorf("--module %q: want one of %s", c.module, strings.Join(sndlib.Modules, ", "))
	case c.srlgs != "unknown" && c.srlgs != "none":
		return fmt.Errorf("--srlgs %q: want unknown or none", c.srlgs)
	case c.from == "repetita" && c.demands != (len(args) == 2):
		return errors.New("--demands wants the file of the demands behind that of the graph")
	case c.from != "repetita" && len(args) == 2:
		return fmt.Errorf("want one file: a second one, with demands, is for repetita, not for %s", c.from)
	}
	return errors.Join(only("module", "sndlib"), only("unit", "sndlib"), only("demands", "sndlib", "repetita"))
}

func (c *topologyImport) parse(env *command.Env) (*foreign.Import, error) {
	name, data := c.files[0].Name, c.files[0].Data
	switch c.from {
	case "gml":
		return gml.Import(name, data)
	case "graphml":
		return graphml.Import(name, data)
	case "repetita":
		if !c.demands {
			return repetita.Import(c.files[0], nil)
		}
		graph, demands := c.files[0], c.files[1]
		if repetita.AreDemands(graph.Data) {
			graph, demands = demands, graph
		}
		return repetita.Import(graph, &demands)
	case "sndlib":
		options := sndlib.Options{Module: sndlib.Module(slices.Index(sndlib.Modules, c.module)), Demands: c.demands}
		if c.unit != "" {
			unit, err := topology.ParseBandwidth("1" + c.unit)
			if err != nil {
				return nil, fmt.Errorf("--unit %q: want bps, kbps, Mbps, Gbps or Tbps", c.unit)
			}
			options.Unit = unit
		}
		return sndlib.Import(name, data, options)
	}
	t, err := clab.Import(name, data, env.LookupEnv)
	if err != nil {
		return nil, err
	}
	return &foreign.Import{Topology: t}, nil
}

// report tells what became of the file.
func (c *topologyImport) report(w io.Writer, imported *foreign.Import) {
	t := imported.Topology
	fmt.Fprintf(w, "%s: sites %d, nodes %d, links %d", c.files[0].Name, len(t.Sites), len(t.Nodes), len(t.Entries))
	if c.demands {
		fmt.Fprintf(w, ", intents %d", len(imported.Demands))
	}
	fmt.Fprintln(w)
	for _, line := range imported.Report.Lines() {
		fmt.Fprintln(w, "  "+line)
	}
}

// demandIntents asks for one path for each demand: by delay, or, where a delay
// is unknown and its link would not be used, by metric.
func demandIntents(imported *foreign.Import) []pathspec.Intent {
	objective := pathspec.MinDelay
	if slices.ContainsFunc(imported.Topology.Links, func(l topology.Link) bool { return !l.Delay.Known() }) {
		objective = pathspec.MinMetric
	}
	intents := make([]pathspec.Intent, len(imported.Demands))
	for i, d := range imported.Demands {
		intents[i] = pathspec.Intent{
			Name: d.Name, From: d.From, To: d.To, Objective: objective,
			Require: pathspec.Require{Multiplicity: 1, Bandwidth: d.Bandwidth, MaxHops: d.MaxHops},
		}
	}
	return intents
}
