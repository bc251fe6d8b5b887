package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/keiro-net/keiro/lab"
	"github.com/keiro-net/keiro/lab/router/rib"
	"github.com/keiro-net/keiro/lab/world"
	"github.com/keiro-net/keiro/topology"
)

// What the story of routers is about.
const (
	bgpLab      = "bgp.clab.yml"
	bgpTopology = "bgp.topology.yaml"
	bgpIntents  = "bgp.intents.yaml"
	bgpSteering = "bgp.steering.yaml"
	bgpPeers    = "bgp.yaml"
	bgpRouters  = "bgp.routers.yaml"
	bgpAgent    = "bgp.sdj1.yaml" // for the agent of byBGP

	place   = "ctl"  // node that the controller is in
	byBGP   = "sdj1" // node with an agent that is told by BGP
	transit = "nno-hkt-transit"
	across  = "tyo-hkt-gold"
	between = "nag1--myj1" // link between two routers, on a path of both
	foreign = "nno1"       // head of transit, a router
	far     = "hkt1"       // its tail
)

// crossing is traffic of transit.
var crossing = traffic{"10.11.0.1", "10.4.1.1"}

// changes is what the last line of the story says.
type changes struct {
	known, told, flowing time.Duration
	lost, sent           int
}

// routers is the story of a network of which half is plain routers.
func (d *demo) routers() story {
	var c changes
	return story{
		lab: bgpLab, programs: []string{"keiro", "keiro-controller", "keiro-agent", "keiro-lab-router"},
		acts: []func(context.Context) error{
			d.connect, d.hear, d.cross,
			func(ctx context.Context) error { return d.severed(ctx, &c) },
			func(ctx context.Context) error { return d.healed(ctx, &c) },
		},
		try: []string{"%s get peers", "%s describe node " + foreign, "keiro lab cut %f " + between,
			"%s get topology --learned", "%s get intents", "keiro lab restore %f --all"},
		end: func() string {
			return fmt.Sprintf("a cut between two routers known after %.1f ms, new SR Policy after %.1f ms, packets after %.1f ms; lost %d of %d packets",
				millis(c.known), millis(c.told), millis(c.flowing), c.lost, c.sent)
		},
	}
}

// without are the nodes without an agent.
func (d *demo) without() ([]string, error) {
	data, err := os.ReadFile(d.example(bgpTopology))
	if err != nil {
		return nil, err
	}
	network, err := topology.Parse(d.example(bgpTopology), data)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, n := range network.Nodes {
		if n.NoAgent {
			out = append(out, n.Name)
		}
	}
	if !slices.Contains(out, foreign) {
		return nil, fmt.Errorf("%s: node %s has an agent: the example shows nothing", bgpTopology, foreign)
	}
	return out, nil
}

// connect is the lab, the controller in it, agents and routers.
func (d *demo) connect(ctx context.Context) error {
	d.say("Keiro: declare what a path must be; get it, proven; also where half of the routers are somebody else's. " +
		"What follows happens on this machine: each node is a network namespace, each packet is real.")
	plain, err := d.without()
	if err != nil {
		return err
	}
	d.act("Routers without an agent")
	file := d.example(bgpLab)
	d.command("keiro lab up %s", file)
	start := time.Now()
	d.world, err = world.Start(ctx, world.Options{
		File: d.file, Bin: d.Bin, Place: place, Routers: plain, RouterFile: d.example(bgpRouters),
		Controller: []string{"--bgp", d.example(bgpPeers), "--wait-to-restore", waitToRestore.String()},
		AgentOf:    map[string][]string{byBGP: {"--bgp", d.example(bgpAgent)}},
		Built: func(*lab.Lab) {
			d.say("%d nodes, up in %.2f s. %d of them are plain routers (%s): gobgp and the kernel's SRv6, no agent. The controller is in node %s, "+
				"with a cable to each of them for BGP.", len(d.file.Nodes), time.Since(start).Seconds(), len(plain), strings.Join(plain, ", "), place)
			d.command("keiro lab exec %s %s -- keiro-controller --bgp %s &", file, place, d.example(bgpPeers))
			d.command("keiro lab exec %s %s -- keiro-lab-router --config %s --node %s &", file, foreign, d.example(bgpRouters), foreign)
			d.command("keiro lab exec %s tyo1 -- keiro-agent --node tyo1 &", file)
			d.say("... and so on for each node.")
			start = time.Now()
		},
	})
	if err != nil {
		return err
	}
	err = world.Wait(ctx, "the BGP sessions", func() error {
		peers, err := d.world.Client.Peers(ctx)
		if err != nil {
			return err
		}
		for _, p := range peers.Items {
			if p.State != "Established" {
				return fmt.Errorf("peer %s is %s", p.Name, p.State)
			}
		}
		return nil
	})
	d.say("Agents and routers are connected after %.2f s: agents by gRPC, routers by BGP.", time.Since(start).Seconds())
	return err
}

// hear shows what routers say.
func (d *demo) hear(ctx context.Context) error {
	d.act("What routers say of themselves")
	d.command("export KEIRO_CONFIG=%s", world.ClientConfig(d.file.Name))
	if err := d.keiro(ctx, 0, "get", "peers"); err != nil {
		return err
	}
	d.printf("\n")
	d.say("Each router says by BGP-LS what is its own: its SIDs, and its half of each link. Together that is a topology, which nobody has declared:")
	return d.keiro(ctx, 0, "get", "topology", "--learned")
}

// cross declares intents over both kinds, and shows where they lead.
func (d *demo) cross(ctx context.Context) error {
	d.act("Paths over both kinds")
	d.say("What no router knows, such as which ducts links lie in, is in the operator's file; the rest is joined with it.")
	if err := d.keiro(ctx, 0, "apply", "-f", d.example(bgpTopology), "-f", d.example(bgpIntents)); err != nil {
		return err
	}
	if err := d.world.Settled(ctx); err != nil {
		return err
	}
	d.say("Where the values of a link come from, and how old they are:")
	for _, args := range [][]string{{"describe", "link", between}, {"explain", transit}} {
		if err := d.keiro(ctx, 0, args...); err != nil {
			return err
		}
		d.printf("\n")
	}
	d.say("%s begins at an agent, which sends packets down its paths, over routers that know nothing of them:", across)
	if err := d.keiro(ctx, 0, "trace", across); err != nil {
		return err
	}
	d.printf("\n")
	d.say("%s begins at the router %s, which got an SR Policy (SAFI 73) and colored routes. What it has installed it says by BGP-LS (RFC 9857):", transit, foreign)
	if err := d.showRIB(ctx); err != nil {
		return err
	}
	d.printf("\n")
	d.say("An agent can be told by BGP as well: node %s has `steering: bgp`. It does not report, so nobody waits for that.", byBGP)
	if err := d.keiro(ctx, 0, "apply", "--wait=false", "-f", d.example(bgpSteering)); err != nil {
		return err
	}
	if err := d.world.Settled(ctx); err != nil {
		return err
	}
	return d.keiro(ctx, 0, "get", "intents")
}

// showRIB asks the router itself.
func (d *demo) showRIB(ctx context.Context) error {
	program, socket := "keiro-lab-router", d.world.RouterSocket(foreign)
	d.command("%s --rib --socket %s", program, socket)
	cmd := exec.CommandContext(ctx, filepath.Join(d.Bin, program), "--rib", "--socket", socket)
	cmd.Stdout, cmd.Stderr = d.Out, d.Out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s --rib: %w", program, err)
	}
	return nil
}

// installed is what the router has in its kernel.
func (d *demo) installed(ctx context.Context) ([]rib.Installed, error) {
	found, err := rib.Read(ctx, d.world.RouterSocket(foreign))
	return found.Installed, err
}

// severed cuts a link between two routers.
func (d *demo) severed(ctx context.Context, c *changes) error {
	d.act("A cut that only routers see")
	d.say("No agent is at %s, nor is %s at either end of it. %d packets per second go from %s to %s.", between, foreign, rate, foreign, far)
	before, err := d.installed(ctx)
	if err != nil {
		return err
	}
	target, err := d.world.Lab.Target(between)
	if err != nil {
		return err
	}
	var cutAt time.Time
	result, err := d.streamedFrom(ctx, foreign, far, crossing, time.Second, func() error {
		d.command("keiro lab cut %s %s", d.example(bgpLab), between)
		cutAt = time.Now()
		if _, err := d.world.Lab.Cut(ctx, target); err != nil {
			return err
		}
		return d.repoliced(ctx, before, cutAt, c)
	})
	if err != nil {
		return err
	}
	if c.known, err = d.heard(ctx, cutAt); err != nil {
		return err
	}
	c.flowing, c.lost, c.sent = longest(result), result.Lost, result.Sent
	d.rows(
		[2]string{"withdrawn", fmt.Sprintf("both ends withdrew the link from BGP-LS; the controller knew %.1f ms after the cut", millis(c.known))},
		[2]string{"new policy", fmt.Sprintf("in the RIB and the kernel of %s %.1f ms after the cut", foreign, millis(c.told))},
		[2]string{"packets", fmt.Sprintf("%d sent at %d per second, %d lost", result.Sent, rate, result.Lost)},
		[2]string{"repaired", fmt.Sprintf("%.1f ms from the last packet before the cut to the first after it", millis(c.flowing))},
	)
	if err := d.world.Settled(ctx); err != nil {
		return err
	}
	if err := d.showRIB(ctx); err != nil {
		return err
	}
	d.printf("\n")
	return d.keiro(ctx, 0, "get", "intents")
}

// repoliced waits until the router has another path.
func (d *demo) repoliced(ctx context.Context, before []rib.Installed, since time.Time, c *changes) error {
	return world.Wait(ctx, "the new SR Policy at "+foreign, func() error {
		now, err := d.installed(ctx)
		if err != nil {
			return err
		}
		for _, i := range now {
			if i.Interface == "" || slices.ContainsFunc(before, i.Equal) {
				return fmt.Errorf("%s has %v", foreign, i)
			}
		}
		if len(now) != len(before) {
			return errors.New("there is none")
		}
		c.told = time.Since(since)
		return nil
	})
}

// heard is how long after the cut the controller knew of it.
func (d *demo) heard(ctx context.Context, cutAt time.Time) (time.Duration, error) {
	events, err := d.world.Client.Events(ctx, 0, 1000)
	if err != nil {
		return 0, err
	}
	for _, e := range slices.Backward(events) {
		if e.Type == "LinkDown" && e.Object == "link:"+between {
			return e.Time.Sub(cutAt), nil
		}
	}
	return 0, fmt.Errorf("no event LinkDown of %s", between)
}

// healed takes the cut back.
func (d *demo) healed(ctx context.Context, c *changes) error {
	d.act("The link is whole again")
	before, err := d.installed(ctx)
	if err != nil {
		return err
	}
	result, err := d.streamedFrom(ctx, foreign, far, crossing, time.Second, func() error {
		start := time.Now()
		if err := d.keiro(ctx, 0, "lab", "restore", d.example(bgpLab), between); err != nil {
			return err
		}
		if err := d.repoliced(ctx, before, start, new(changes)); err != nil {
			return err
		}
		d.say("The routers say so, and after %.1f s the first path is back (links must have been up for %v, in the demo).", time.Since(start).Seconds(), waitToRestore)
		return d.world.Settled(ctx)
	})
	if err != nil {
		return err
	}
	d.rows([2]string{"packets", fmt.Sprintf("%d sent meanwhile, %d lost", result.Sent, result.Lost)})
	c.lost += result.Lost
	c.sent += result.Sent
	if result.Lost > 0 {
		return fmt.Errorf("%d packets lost on the way back, where none should be", result.Lost)
	}
	return nil
}
