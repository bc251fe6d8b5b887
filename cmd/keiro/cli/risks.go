package cli

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/geo"
)

// groundReport is the document that `topology risks -o json` prints.
type groundReport struct {
	APIVersion   string        `json:"apiVersion"`
	Kind         string        `json:"kind"`
	Topology     string        `json:"topology"`
	WithinM      int64         `json:"within_m"`
	MinSharedM   int64         `json:"min_shared_m"`
	Groups       []groundGroup `json:"groups"`
	NoRoute      []string      `json:"no_route"`      // links of which nobody can tell
	SRLGsUnknown []string      `json:"srlgs_unknown"` // links of new groups that cannot be added to what is unknown
}

type groundGroup struct {
	Name    string     `json:"name"`
	Stated  bool       `json:"stated"` // an SRLG that all the links have already
	Links   []string   `json:"links"`
	SharedM int64      `json:"shared_m"`
	From    [2]float64 `json:"from"` // latitude and longitude of the longest stretch
	To      [2]float64 `json:"to"`
	LeastM  int64      `json:"least_m"`
	At      [2]float64 `json:"at"` // where the two that come nearest do
}

func newTopologyRisksCommand(env *command.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "risks -t TOPOLOGY --within DISTANCE",
		Short: "Find links whose cables run side by side: candidate shared risks",
		Long: `List the links whose cables, as laid (route), run within a distance of each
other. Cables share ground where all of them are within the distance of one
place on one of them: digging there, a fire or a flood takes them all. Each such
set, the largest only, is a candidate shared risk (SRLG).

-o yaml prints the topology with the candidates in the srlgs of their links, and
what was found as comments, for review. Sets that have an SRLG in common already
(stated) are not added again. Where the srlgs of a link are unknown they stay
so, since a list that is given is complete; --assume-known takes the ground to
be all that links with a route share.

Cables that cross at a right angle share twice the distance, and links that meet
at a node share some ground there: --min-shared leaves such short ground out.
Distances are measured on a sphere, 0.56 % off at most.

Exit code 4: a link has no route, so nobody can tell what it shares.`,
		Example: `  keiro topology risks -t examples/routes.topology.yaml --within 200m
  keiro topology risks -t examples/routes.topology.yaml --within 200m -o yaml > reviewed.topology.yaml`,
		Args: cobra.NoArgs,
	}
	var within, shared topology.Distance
	file := cmd.Flags().StringP("topology", "t", "", "topology `FILE`, - for stdin")
	cmd.Flags().TextVar(&within, "within", topology.Distance(0), "`DISTANCE` between cables that counts as side by side, such as 200m")
	cmd.Flags().Lookup("within").DefValue = "" // there is none
	cmd.Flags().TextVar(&shared, "min-shared", topology.Distance(1000), "`LENGTH` for which they run so at least, all places together")
	complete := cmd.Flags().Bool("assume-known", false, "with -o yaml: links with a route share nothing but what is stated and found")
	command.Require(cmd, "topology", "within")
	command.Complete(cmd, "within", "50m", "200m", "1km")
	command.Complete(cmd, "min-shared", "200m", "1km", "5km")
	format := command.FormatFlag(cmd)
	cmd.RunE = func(*cobra.Command, []string) error {
		if within == 0 {
			return errors.New("--within: want more than 0m")
		}
		name, data, err := env.Read(*file)
		if err != nil {
			return err
		}
		t, err := topology.Parse(name, data)
		if err != nil {
			return err
		}
		ground := geo.Survey(t)
		risks := ground.Risks(within, shared)
		report := reportGround(t, ground, risks, within, shared)
		if *format == output.YAML {
			if left := report.SRLGsUnknown; len(left) > 0 && !*complete {
				fmt.Fprintf(env.Stderr, "keiro: candidates not added where srlgs are unknown (%s); see --assume-known\n", output.Some(left))
			}
			document := append(groundComments(report, *complete), topology.Format(ground.Declare(risks, *complete))...)
			_, err = env.Stdout.Write(document)
		} else {
			err = env.Printer().Print(*format, report, func(t *output.Text) { printGround(t, report) })
		}
		if err == nil && len(report.NoRoute) > 0 {
			return command.Exit(command.CannotTell, "cannot tell what %s without a route may share: %s",
				output.Count(len(report.NoRoute), "link"), output.Some(report.NoRoute))
		}
		return err
	}
	return cmd
}

func reportGround(t *topology.Topology, ground *geo.Ground, risks []geo.Risk, within, shared topology.Distance) *groundReport {
	r := &groundReport{
		APIVersion: topology.APIVersion, Kind: "SharedGround", Topology: t.Name, WithinM: int64(within), MinSharedM: int64(shared),
		Groups: make([]groundGroup, 0, len(risks)), NoRoute: []string{}, SRLGsUnknown: []string{},
	}
	candidate := make([]bool, len(t.Entries))
	for _, risk := range risks {
		g := groundGroup{
			Name: risk.Name, Stated: risk.Stated, SharedM: int64(math.Round(risk.Length)), LeastM: int64(risk.Least),
			From: latLon(risk.From), To: latLon(risk.To), At: latLon(risk.At),
		}
		for _, e := range risk.Entries {
			g.Links = append(g.Links, t.Entries[e].Name)
			candidate[e] = candidate[e] || !risk.Stated
		}
		r.Groups = append(r.Groups, g)
	}
	for e := range t.Entries {
		if !ground.Known(e) {
			r.NoRoute = append(r.NoRoute, t.Entries[e].Name)
		} else if candidate[e] && !t.Entries[e].SRLGs.Known() {
			r.SRLGsUnknown = append(r.SRLGsUnknown, t.Entries[e].Name)
		}
	}
	return r
}

func latLon(p topology.Point) [2]float64 {
	p = geo.Rounded(p)
	return [2]float64{p.Lat, p.Lon}
}

func printGround(t *output.Text, r *groundReport) {
	table := &output.Table{
		Heads: []string{"GROUP", "STATUS", "SHARED", "LEAST", "AT", "LINKS"},
		Wide:  []string{"FROM", "TO"},
	}
	place := func(p [2]float64) string { return geo.Text(topology.Point{Lat: p[0], Lon: p[1]}) }
	for _, g := range r.Groups {
		status := "new"
		if g.Stated {
			status = "stated"
		}
		table.Add(g.Name, status, length(g.SharedM), length(g.LeastM), place(g.At), strings.Join(g.Links, " "), place(g.From), place(g.To))
	}
	for _, link := range r.NoRoute {
		table.Add("-", "unknown", "-", "-", "-", link, "-", "-")
	}
	if len(r.Groups)+len(r.NoRoute) == 0 {
		t.Printf("no two links run within %s of each other for %s\n", topology.Distance(r.WithinM), topology.Distance(r.MinSharedM))
		return
	}
	t.Table(table)
}

// length is a distance that a person can take in.
func length(metres int64) string {
	if metres < 10_000 {
		return fmt.Sprintf("%dm", metres)
	}
	return fmt.Sprintf("%.1fkm", float64(metres)/1000)
}

// groundComments say above the topology what the names in it stand for.
func groundComments(r *groundReport, complete bool) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Candidate shared risks: cables within %s of each other for %s or more.\n# Review them before use.\n",
		topology.Distance(r.WithinM), topology.Distance(r.MinSharedM))
	for _, g := range r.Groups {
		status := ""
		if g.Stated {
			status = " (stated before)"
		}
		fmt.Fprintf(&b, "# %s%s: %s: %s, at least %s apart\n", g.Name, status, strings.Join(g.Links, ", "), length(g.SharedM), length(g.LeastM))
	}
	if len(r.NoRoute) > 0 {
		fmt.Fprintf(&b, "# No route, so cannot tell: %s\n", strings.Join(r.NoRoute, ", "))
	}
	if len(r.SRLGsUnknown) > 0 && !complete {
		fmt.Fprintf(&b, "# Not added, the srlgs are unknown: %s\n", strings.Join(r.SRLGsUnknown, ", "))
	}
	return b.Bytes()
}
