package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/keiro-net/keiro/lab"
	"github.com/keiro-net/keiro/lab/world"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// bringUp is the lab, and then the controller and the agents.
func (d *demo) bringUp(ctx context.Context) (err error) {
	d.say("Keiro: declare what a path must be; get it, proven; keep it when a cable breaks. " +
		"What follows happens on this machine: each node is a network namespace, each packet is real.")
	d.act("A network to try it in")
	d.command("keiro lab up %s", d.example(labFile))
	start := time.Now()
	d.world, err = world.Start(ctx, world.Options{
		File: d.file, Bin: d.Bin,
		Controller: []string{"--alerting", d.hook.config, "--wait-to-restore", waitToRestore.String()},
		// Helpers use a new key at once, the kernel's WireGuard within 120 s.
		Agent: []string{"--lanes", "helper"},
		Built: func(l *lab.Lab) {
			d.say("%d nodes and %d links of a Japanese research network, up in %.2f s. Data centers behind Tokyo (tyo1), Osaka (osa1) "+
				"and Fukuoka (hkt1). Capacities are real limits; delay is not emulated: this kernel has no means for it.",
				len(d.file.Nodes), len(d.file.Links), time.Since(start).Seconds())
			d.act("A controller, and an agent on every node")
			state := filepath.Join(l.Dir(), "controller")
			d.command("keiro-controller --state %s &", state)
			d.command("keiro token create --node %s", head)
			d.command("KEIRO_TOKEN=... keiro-agent --node %s &", head)
			d.say("... and so on for each of the %d nodes.", len(d.file.Nodes))
			start = time.Now()
		},
	})
	// What the controller was to find it has read.
	if err := errors.Join(err, os.RemoveAll(d.dir)); err != nil {
		return err
	}
	d.say("All %d agents have enrolled, each with a token of its own, and are connected (mutual TLS 1.3) after %.2f s.",
		len(d.file.Nodes), time.Since(start).Seconds())
	return nil
}

// declare applies the examples and compares with what is often done.
func (d *demo) declare(ctx context.Context) error {
	d.act("What the paths must be")
	d.command("export KEIRO_CONFIG=%s", world.ClientConfig(d.file.Name))
	d.say("An intent says what the paths of some traffic must be: how many, disjoint in what, how fast, through where. %s holds four, %s one too many.",
		intentsFile, tooMuchFile)
	err := d.keiro(ctx, 3, "apply", "-f", d.example(topologyFile), "-f", d.example(intentsFile), "-f", d.example(tooMuchFile))
	if err != nil {
		return err
	}
	d.say("Exit code 3, as it should be: four intents are in place and one cannot be met; nothing is relaxed silently. Why, and what would help:")
	if err := d.keiro(ctx, 3, "explain", infeasible); err != nil {
		return err
	}
	if err := d.world.Settled(ctx); err != nil {
		return err
	}
	return d.compare(ctx)
}

// compare shows what computing the paths of one intent together is good for.
func (d *demo) compare(ctx context.Context) error {
	data, err := os.ReadFile(d.example(topologyFile))
	if err != nil {
		return err
	}
	network, err := topology.Parse(d.example(topologyFile), data)
	if err != nil {
		return err
	}
	if data, err = os.ReadFile(d.example(intentsFile)); err != nil {
		return err
	}
	intents, err := pathspec.Parse(d.example(intentsFile), data)
	if err != nil {
		return err
	}
	have, err := d.world.Client.Intent(ctx, protected)
	if err != nil {
		return err
	}
	for _, i := range intents {
		if i.Name != protected {
			continue
		}
		want := i.Require.Multiplicity
		one, both := greedy(network, i), have.Status.Answer.Paths
		if len(one) >= want || len(both) != want {
			return fmt.Errorf("%s: one by one %d paths, together %d, of %d: the example shows nothing", protected, len(one), len(both), want)
		}
		d.printf("\n")
		d.say("%s asks for %d paths without a common link or duct. Taking the shortest, and then the shortest of what is left, finds %d of %d. "+
			"Keiro computes them together:", protected, want, len(one), want)
		d.rows(append(described("one by one", one), described("together", both)...)...)
		return nil
	}
	return fmt.Errorf("%s: no intent %s", d.example(intentsFile), protected)
}

func described(how string, paths []pathspec.Path) [][2]string {
	var rows [][2]string
	for n, p := range paths {
		delay := "unknown"
		if p.DelayUS != nil {
			delay = topology.Delay(*p.DelayUS).String()
		}
		rows = append(rows, [2]string{how, fmt.Sprintf("path %d   %-26s   %s", n+1, strings.Join(p.Nodes, " "), delay)})
		how = ""
	}
	return rows
}

// look shows what there is.
func (d *demo) look(ctx context.Context) error {
	d.act("What they are, and what packets see of them")
	if err := d.keiro(ctx, 0, "get", "intents"); err != nil {
		return err
	}
	d.printf("\n")
	d.say("Each path is a list of SRv6 segments in the kernel. Packets sent down it say where they came by:")
	return d.keiro(ctx, 0, "trace", protected)
}

func (d *demo) example(name string) string { return filepath.Join(d.Examples, name) }

// keiro runs the command line itself and wants that exit code.
func (d *demo) keiro(ctx context.Context, code int, args ...string) error {
	d.command("keiro %s", strings.Join(args, " "))
	cmd := exec.CommandContext(ctx, filepath.Join(d.Bin, "keiro"), args...)
	cmd.Env = clientEnv(d.file.Name)
	cmd.Stdout, cmd.Stderr = d.Out, d.Out
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return fmt.Errorf("run keiro %s: %w", args[0], err)
	}
	if got := cmd.ProcessState.ExitCode(); got != code {
		return fmt.Errorf("keiro %s: exit code %d, not %d", strings.Join(args, " "), got, code)
	}
	return nil
}

// clientEnv is our environment with the lab's controller as the one to speak
// to.
func clientEnv(name string) []string {
	return append(os.Environ(), "KEIRO_CONFIG="+world.ClientConfig(name), "KEIRO_SERVER=", "KEIRO_CA=", "KEIRO_TOKEN_FILE=")
}
