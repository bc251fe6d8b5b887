package labcmd

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/lab"
	"github.com/keiro-net/keiro/topology"
)

func newStatusCommand(env *command.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "status FILE.clab.yml",
		Short:   "Show the nodes and links of a lab as the kernel has them",
		Example: "  keiro lab status examples/jp12.clab.yml -o wide",
		Args:    cobra.ExactArgs(1),
	}
	format := command.FormatFlag(cmd)
	return asRoot(env, cmd, false, func(ctx context.Context, args []string) error {
		l, err := open(ctx, env, args[0])
		if err != nil {
			return err
		}
		status, err := l.Status(ctx)
		if err != nil {
			return err
		}
		return env.Printer().Print(*format, status, func(t *output.Text) { printStatus(t, status) })
	})
}

func printStatus(t *output.Text, status *lab.Status) {
	nodes := &output.Table{Heads: []string{"NODE", "NETNS", "PROCESSES", "LOOPBACK"}}
	for _, n := range status.Nodes {
		nodes.Add(n.Name, n.Netns, fmt.Sprint(len(n.Processes)), words(n.Loopback))
	}
	t.Table(nodes)
	links := &output.Table{Heads: []string{"LINK", "A", "B", "STATE", "CUT BY", "RATE", "LOSS"}, Wide: []string{"MTU", "SRLGS", "ADDRESSES"}}
	for _, l := range status.Links {
		rate := "not limited"
		if l.Rate > 0 {
			rate = topology.Bandwidth(l.Rate).String()
		}
		links.Add(l.Name, l.Ends[0].Node+":"+l.Ends[0].Interface, l.Ends[1].Node+":"+l.Ends[1].Interface, upDown(l.Up), words(l.Causes), rate, loss(l.Loss, l.LossFrom),
			fmt.Sprint(l.MTU), words(l.SRLGs), words(slices.Concat(l.Ends[0].Addresses, l.Ends[1].Addresses)))
	}
	t.Printf("\n")
	t.Table(links)
	if len(status.Notes) > 0 {
		t.Printf("\n")
	}
	printNotes(t, status)
}

func words(list []string) string { return output.Or(strings.Join(list, " ")) }

func upDown(up bool) string {
	if up {
		return "up"
	}
	return "down"
}

// percent shows parts per million.
// loss is a share that is lost, and whose packets those are.
func loss(ppm int64, from string) string {
	if from == "" {
		return percent(ppm)
	}
	return percent(ppm) + " from " + from
}

func percent(ppm int64) string { return strconv.FormatFloat(float64(ppm)/1e4, 'f', -1, 64) + "%" }
