package labcmd

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/lab"
	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/clab"
)

const targetHelp = "A target is link:NAME, node:NAME (all its links) or srlg:NAME (all links that share\nthe risk), or a bare name that only one of them has."

func newCutCommand(env *command.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cut FILE.clab.yml TARGET...",
		Short: "Cut links, nodes or SRLGs",
		Long:  "Cut all links of the targets at once: the nodes at both ends lose carrier.\n" + targetHelp,
		Example: `  keiro lab cut examples/jp12.clab.yml srlg:tokaido-duct
  keiro lab cut examples/jp12.clab.yml tyo1--nag1 node:osa1`,
		Args: cobra.MinimumNArgs(2),
	}
	cmd.ValidArgsFunction = completeTargets(env, targetNames)
	format := command.FormatFlag(cmd)
	return asRoot(env, cmd, false, func(ctx context.Context, args []string) error {
		l, targets, err := targetsOf(ctx, env, args)
		if err != nil {
			return err
		}
		changes, err := l.Cut(ctx, targets...)
		if err != nil {
			return err
		}
		return printChanges(env, *format, changes)
	})
}

func newRestoreCommand(env *command.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "restore FILE.clab.yml [TARGET...]",
		Short: "Take cuts back",
		Long: `Take the cuts of the targets back, each as it was cut: what was cut for more than
one reason stays cut until the last of them is restored.
` + targetHelp,
		Example: `  keiro lab restore examples/jp12.clab.yml srlg:tokaido-duct
  keiro lab restore examples/jp12.clab.yml --all`,
		Args: cobra.MinimumNArgs(1),
	}
	cmd.ValidArgsFunction = completeTargets(env, targetNames)
	all := cmd.Flags().Bool("all", false, "take back all cuts of the lab")
	format := command.FormatFlag(cmd)
	return asRoot(env, cmd, false, func(ctx context.Context, args []string) error {
		if *all == (len(args) > 1) {
			return errors.New("what to restore? name targets, or give --all")
		}
		l, targets, err := targetsOf(ctx, env, args)
		if err != nil {
			return err
		}
		changes, err := l.Restore(ctx, targets...)
		if err != nil {
			return err
		}
		return printChanges(env, *format, changes)
	})
}

// targetsOf opens the lab and reads the words after it as targets.
func targetsOf(ctx context.Context, env *command.Env, args []string) (*lab.Lab, []lab.Target, error) {
	l, err := open(ctx, env, args[0])
	if err != nil {
		return nil, nil, err
	}
	var targets []lab.Target
	var errs []error
	for _, word := range args[1:] {
		target, err := l.Target(word)
		errs = append(errs, err)
		targets = append(targets, target)
	}
	return l, targets, errors.Join(errs...)
}

func printChanges(env *command.Env, format output.Format, changes []lab.Change) error {
	return env.Printer().Print(format, append([]lab.Change{}, changes...), func(t *output.Text) {
		table := &output.Table{Heads: []string{"LINK", "STATE", "CUT BY"}}
		for _, c := range changes {
			table.Add(c.Link, upDown(c.Up), words(c.Causes))
		}
		t.Table(table)
	})
}

func newImpairCommand(env *command.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "impair FILE.clab.yml LINK",
		Short: "Make a link lossy or slow",
		Long: `Make a link lose packets at random, or limit its rate below its capacity, in both
directions, in place of any impairment that it has. With --from only packets that this
node sends are lost: an interface that is up, and silent one way.`,
		Example: `  keiro lab impair examples/jp12.clab.yml tyo1--nag1 --loss 1% --rate 10Mbps
  keiro lab impair examples/jp12.clab.yml tyo1--nag1 --loss 100% --from tyo1
  keiro lab impair examples/jp12.clab.yml tyo1--nag1 --clear`,
		Args: cobra.ExactArgs(2),
	}
	cmd.ValidArgsFunction = completeTargets(env, linkNames)
	loss := cmd.Flags().String("loss", "", "share of packets to lose, in `PERCENT`: 1%, 0.05%")
	from := cmd.Flags().String("from", "", "lose only packets that this `NODE` sends")
	rate := cmd.Flags().String("rate", "", "`RATE` to limit to: 10Mbps")
	clearIt := cmd.Flags().Bool("clear", false, "take the impairment back")
	_ = cmd.RegisterFlagCompletionFunc("from", completeTargets(env, nodeNames))
	return asRoot(env, cmd, false, func(ctx context.Context, args []string) error {
		if *clearIt == (*loss != "" || *rate != "") {
			return errors.New("want --loss, --rate or both; or --clear")
		}
		var i lab.Impairment
		var err error
		if *loss != "" {
			if i.Loss, err = parsePercent(*loss); err != nil {
				return err
			}
		}
		if *rate != "" {
			bandwidth, err := topology.ParseBandwidth(*rate)
			if err != nil {
				return fmt.Errorf("--rate: %w", err)
			}
			i.Rate = int64(bandwidth)
		}
		i.From = *from
		l, err := open(ctx, env, args[0])
		if err != nil {
			return err
		}
		link := strings.TrimPrefix(args[1], "link:")
		if err := l.Impair(ctx, link, i); err != nil {
			return err
		}
		_, err = fmt.Fprintf(env.Stdout, "link %s: %s\n", link, impairment(i))
		return err
	})
}

// impairment says what is wrong with a link.
func impairment(i lab.Impairment) string {
	var told []string
	if i.Loss > 0 {
		told = append(told, "loses "+loss(i.Loss, i.From))
	}
	if i.Rate > 0 {
		told = append(told, "limited to "+topology.Bandwidth(i.Rate).String())
	}
	if len(told) == 0 {
		return "not impaired"
	}
	return strings.Join(told, ", ")
}

// parsePercent reads a share as parts per million.
func parsePercent(s string) (int64, error) {
	digits, isPercent := strings.CutSuffix(s, "%")
	share, err := strconv.ParseFloat(digits, 64)
	ppm := math.Round(share * 1e4)
	if !isPercent || err != nil || !(share >= 0 && share <= 100) || math.Abs(share*1e4-ppm) > 1e-6 {
		return 0, fmt.Errorf("--loss: bad share %q: want 0%% to 100%%, such as 0.5%%, at most four decimals", s)
	}
	return int64(ppm), nil
}

func targetNames(file *clab.File) []string {
	var out, srlgs []string
	for _, l := range file.Links {
		out = append(out, "link:"+l.Traits.Name)
		groups, _ := l.Traits.SRLGs.Get()
		for _, g := range groups {
			srlgs = append(srlgs, "srlg:"+g)
		}
	}
	for _, n := range file.Nodes {
		out = append(out, "node:"+n.Name)
	}
	slices.Sort(srlgs)
	return append(out, slices.Compact(srlgs)...)
}

func linkNames(file *clab.File) []string {
	var out []string
	for _, l := range file.Links {
		out = append(out, l.Traits.Name)
	}
	return out
}

func nodeNames(file *clab.File) []string {
	var out []string
	for _, n := range file.Nodes {
		out = append(out, n.Name)
	}
	return out
}
