package online

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/cmd/keiro/cli/online/page"
	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/controller/api/client"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/topology/strictyaml"
)

func newDescribeCommand(env *command.Env) *cobra.Command {
	s := &session{Env: env}
	cmd := &cobra.Command{
		Use:   "describe [intent|node|link|peer] NAME",
		Short: "Show all about one intent, node, link or BGP peer",
		Long: `Show all about one thing. Of the values of a node or link it says which counts,
what the file says, what routers say by BGP-LS, who said so and since when; with
-o wide also all else that routers say. Of a BGP peer that has no session it says
what to look at.`,
		Example: `  keiro describe tyo-osa-gold
  keiro describe link tyo1--nag1
  keiro describe peer rr1`,
		Args: cobra.RangeArgs(1, 2),
	}
	cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return s.completeGet(cmd, args, typed)
		}
		intents, directive := s.completes(0, intentNames)(cmd, args, typed)
		return append([]string{"intent", "node", "link", "peer"}, intents...), directive
	}
	format := command.FormatFlag(cmd)
	return s.attach(cmd, func(ctx context.Context, c *client.Client, args []string) error {
		if len(args) == 1 {
			args = []string{"intent", args[0]}
		}
		d := describer{c: c, env: env, format: *format}
		switch plural(args[0]) {
		case "intents":
			return d.intent(ctx, args[1])
		case "nodes":
			return d.node(ctx, args[1])
		case "links":
			return d.link(ctx, args[1])
		case "peers":
			return d.peer(ctx, args[1])
		}
		return fmt.Errorf("cannot describe %q: want intent, node, link or peer", args[0])
	})
}

type describer struct {
	c      *client.Client
	env    *command.Env
	format output.Format
}

func (d describer) intent(ctx context.Context, name string) error {
	i, err := d.c.Intent(ctx, name)
	if err != nil {
		return err
	}
	text, err := strictyaml.FromJSON(i.Spec)
	if err != nil {
		return err
	}
	p := intentPage{Intent: i}
	if p.Lanes, err = d.c.Lanes(ctx, name, ""); err != nil {
		return err
	}
	if p.Compliance, err = d.c.ComplianceOf(ctx, name); err != nil {
		return err
	}
	now := d.env.Now()
	return d.env.Printer().Print(d.format, p, func(t *output.Text) { page.Intent(t, now, i, p.Lanes, p.Compliance, string(text)) })
}

// intentPage is all about one intent.
type intentPage struct {
	*resource.Intent
	Lanes      []resource.Lane      `json:"lanes,omitempty"` // where it asks for encryption
	Compliance *resource.Compliance `json:"compliance"`      // what is remembered of it
}

// nodePage is all about one node.
type nodePage struct {
	Node    *resource.NodeDetail `json:"node"`
	Links   []resource.Link      `json:"links"`
	Intents []string             `json:"intents"`          // whose paths cross it
	Lanes   []resource.Lane      `json:"lanes"`            // that end at it
	Keying  *resource.Keying     `json:"keying,omitempty"` // what it says of its keys, if it does
	Alerts  []resource.Alert     `json:"alerts"`           // about it, or about it and another node
}

func (d describer) node(ctx context.Context, name string) error {
	node, err := d.c.Node(ctx, name)
	if err != nil {
		return err
	}
	links, err := d.c.Links(ctx)
	if err != nil {
		return err
	}
	intents, err := d.c.Intents(ctx)
	if err != nil {
		return err
	}
	p := nodePage{Node: node, Links: []resource.Link{}}
	for _, l := range links {
		if l.A == name || l.B == name {
			p.Links = append(p.Links, l)
		}
	}
	p.Intents = crossing(intents, func(p *resource.PathStatus) bool { return slices.Contains(p.Nodes, name) })
	if err := d.keys(ctx, &p); err != nil {
		return err
	}
	now := d.env.Now()
	return d.env.Printer().Print(d.format, p, func(t *output.Text) {
		page.Node(t, now, p.Node, p.Links, p.Intents)
		if len(p.Lanes) > 0 {
			t.Printf("\n")
			page.Lanes(t, now, p.Lanes)
		}
		if p.Keying != nil {
			t.Printf("\n")
			page.Keying(t, now, p.Keying)
		}
		if len(p.Alerts) > 0 {
			t.Printf("\n")
			page.Alerts(t, now, p.Alerts)
		}
	})
}

// keys adds the lanes of a node, what it says of their keys, and what fires.
func (d describer) keys(ctx context.Context, p *nodePage) error {
	name := p.Node.Name
	lanes, err := d.c.Lanes(ctx, "", name)
	if err != nil {
		return err
	}
	keying, err := d.c.Keying(ctx)
	if err != nil {
		return err
	}
	alerts, err := d.c.Alerts(ctx)
	if err != nil {
		return err
	}
	p.Lanes, p.Alerts = append([]resource.Lane{}, lanes...), []resource.Alert{}
	if at := slices.IndexFunc(keying, func(k resource.Keying) bool { return k.Node == name }); at >= 0 {
		p.Keying = &keying[at]
	}
	for _, a := range alerts {
		kind, ends, _ := strings.Cut(a.Cause.Object, ":")
		if kind == "node" && ends == name || kind == "pair" && slices.Contains(strings.Split(ends, "~"), name) {
			p.Alerts = append(p.Alerts, a)
		}
	}
	return nil
}

// linkPage is all about one link.
type linkPage struct {
	Link    *resource.LinkDetail `json:"link"`
	Intents []string             `json:"intents"` // whose paths cross it
}

func (d describer) link(ctx context.Context, name string) error {
	link, err := d.c.Link(ctx, name)
	if err != nil {
		return err
	}
	intents, err := d.c.Intents(ctx)
	if err != nil {
		return err
	}
	p := linkPage{link, crossing(intents, func(p *resource.PathStatus) bool { return slices.Contains(p.Links, name) })}
	now := d.env.Now()
	return d.env.Printer().Print(d.format, p, func(t *output.Text) { page.Link(t, now, p.Link, p.Intents) })
}

func (d describer) peer(ctx context.Context, name string) error {
	p, err := d.c.Peer(ctx, name)
	if err != nil {
		return err
	}
	now := d.env.Now()
	return d.env.Printer().Print(d.format, p, func(t *output.Text) { page.Peer(t, now, p) })
}

// crossing names the intents with a path that stands and crosses something.
func crossing(intents []resource.Intent, crosses func(*resource.PathStatus) bool) []string {
	out := []string{}
	for _, i := range intents {
		for n := range i.Status.Paths {
			if crosses(&i.Status.Paths[n]) {
				out = append(out, i.Metadata.Name)
				break
			}
		}
	}
	return out
}
