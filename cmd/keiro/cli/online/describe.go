package online

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/controller/api/client"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/strictyaml"
)

func newDescribeCommand(env *command.Env) *cobra.Command {
	s := &session{Env: env}
	cmd := &cobra.Command{
		Use:   "describe [intent|node|link] NAME",
		Short: "Show all about one intent, node or link",
		Example: `  keiro describe tyo-osa-gold
  keiro describe link tyo1--nag1`,
		Args: cobra.RangeArgs(1, 2),
	}
	cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return s.completeGet(cmd, args, typed)
		}
		intents, directive := s.completes(0, intentNames)(cmd, args, typed)
		return append([]string{"intent", "node", "link"}, intents...), directive
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
		}
		return fmt.Errorf("cannot describe %q: want intent, node or link", args[0])
	})
}

type describer struct {
	c      *client.Client
	env    *command.Env
	format output.Format
}

// fields are lines of a name and a value; a value "" is left out.
func fields(t *output.Text, pairs ...string) {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			t.Printf("%-12s %s\n", pairs[i]+":", pairs[i+1])
		}
	}
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
	now, a := d.env.Now(), &i.Status.Answer
	objective := specOf(i).Objective
	return d.env.Printer().Print(d.format, i, func(t *output.Text) {
		status := t.Word(string(a.Status))
		if a.Why == nil && a.Optimal {
			status += ", optimal, cost " + output.Cost(objective, a.Cost)
		}
		fields(t, "Intent", i.Metadata.Name, "Labels", labels(i.Metadata.Labels), "Generation", fmt.Sprint(i.Metadata.Generation), "Status", status)
		if a.Margin != nil {
			fields(t, "Margin", output.Margin(a.Margin))
		}
		if a.Reserve != nil {
			fields(t, "Reserve", output.Reserve(a.Reserve))
		}
		t.Printf("\nSpec:\n")
		for line := range strings.Lines(string(text)) {
			t.Printf("  %s", line)
		}
		t.Printf("\n")
		conditions := &output.Table{Heads: []string{"CONDITION", "STATUS", "AGE", "REASON", "MESSAGE"}}
		for _, c := range i.Status.Conditions {
			conditions.Add(c.Type, string(c.Status), output.Age(now, c.LastTransitionTime), c.Reason, c.Message)
		}
		list(t, conditions, len(i.Status.Conditions), "conditions yet")
		t.Printf("\n")
		paths := &output.Table{Heads: []string{"HEADEND", "PATH", "STATE", "ACTIVE", "INSTALLED", "RTT", "AGE", "NODES"}}
		for _, p := range i.Status.Paths {
			state, trip := string(p.State), "-"
			if p.Cause != "" {
				state += " (" + p.Cause + ")"
			}
			if p.RTTUS > 0 {
				trip = rtt(p.RTTUS)
			}
			paths.Add(p.Headend, strings.TrimPrefix(p.Name, name+"/"), state, output.YesNo(p.Active), output.YesNo(p.Installed),
				trip, output.Age(now, p.Since), strings.Join(p.Nodes, " "))
		}
		list(t, paths, len(i.Status.Paths), "paths stand")
		if a.Why != nil {
			output.Why(t, objective, a)
		}
	})
}

func labels(m map[string]string) string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(m)) {
		out = append(out, key+"="+m[key])
	}
	return strings.Join(out, ", ")
}

// nodePage is all about one node.
type nodePage struct {
	Node    resource.Node   `json:"node"`
	Links   []resource.Link `json:"links"`
	Intents []string        `json:"intents"` // whose paths cross it
}

func (d describer) node(ctx context.Context, name string) error {
	nodes, err := d.c.Nodes(ctx)
	links, err2 := d.c.Links(ctx)
	intents, err3 := d.c.Intents(ctx)
	if err := errors.Join(err, err2, err3); err != nil {
		return err
	}
	at := slices.IndexFunc(nodes, func(n resource.Node) bool { return n.Name == name })
	if at < 0 {
		return fmt.Errorf("there is no node %s", name)
	}
	page := nodePage{Node: nodes[at], Links: []resource.Link{}}
	for _, l := range links {
		if l.A == name || l.B == name {
			page.Links = append(page.Links, l)
		}
	}
	page.Intents = crossing(intents, func(p *resource.PathStatus) bool { return slices.Contains(p.Nodes, name) })
	now, n := d.env.Now(), &page.Node
	return d.env.Printer().Print(d.format, page, func(t *output.Text) {
		fields(t, "Node", n.Name, "Site", n.Site, "Locator", n.Locator,
			"Agent", t.Word(agent(n))+" for "+output.Age(now, n.Since), "Version", n.Agent, "Revision", revision(n),
			"Drained", output.YesNo(n.Drained), "Intents", output.Or(strings.Join(page.Intents, ", ")))
		for _, e := range n.Errors {
			t.Printf("\nnot as wanted: %s\n  %s\n", e.Object, e.Error)
		}
		t.Printf("\n")
		linkTable(t, now, page.Links)
	})
}

// linkPage is all about one link.
type linkPage struct {
	Link    resource.Link `json:"link"`
	Intents []string      `json:"intents"` // whose paths cross it
}

func (d describer) link(ctx context.Context, name string) error {
	links, err := d.c.Links(ctx)
	intents, err2 := d.c.Intents(ctx)
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	at := slices.IndexFunc(links, func(l resource.Link) bool { return l.Name == name })
	if at < 0 {
		return fmt.Errorf("there is no link %s", name)
	}
	page := linkPage{links[at], crossing(intents, func(p *resource.PathStatus) bool { return slices.Contains(p.Links, name) })}
	now, l := d.env.Now(), &page.Link
	return d.env.Printer().Print(d.format, page, func(t *output.Text) {
		fields(t, "Link", l.Name, "Ends", l.A+", "+l.B, "State", t.Word(string(l.State))+" for "+output.Age(now, l.Since),
			"Drained", output.YesNo(l.Drained), "Delay", delay(l.DelayUS), "Capacity", capacity(l.CapacityBPS),
			"Reserved", topology.Bandwidth(l.ReservedBPS).String(), "SRLGs", srlgs(l.SRLGs),
			"Intents", output.Or(strings.Join(page.Intents, ", ")))
	})
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
