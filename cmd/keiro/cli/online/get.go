package online

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/cmd/keiro/cli/online/page"
	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/controller/api/client"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/pathspec"
)

// kinds are what get shows.
var kinds = []string{"intents", "nodes", "links", "lanes", "keystores", "peers", "drains", "waivers", "alerts", "topology", "solution"}

func newGetCommand(env *command.Env) *cobra.Command {
	s := &session{Env: env}
	cmd := &cobra.Command{
		Use:   "get [KIND [NAME]]",
		Short: "Show intents, nodes, links and more, as they are now",
		Long: "Show what there is now, all of a kind or one by its name. Kinds: " + strings.Join(kinds, ", ") + `.
AGE is how long it has been so. Of a lane each end tells by itself: 17/16 says
what the one and the other do, in the order of ENDS, where they differ. With --learned, topology is what
routers say by BGP-LS and what of it is declared; as YAML or JSON, a document to
start a file from. It says what is, be it good or bad, and exits with 0; explain
gives a verdict.`,
		Example: `  keiro get intents -o wide
  keiro get link tyo1--nag1 -o yaml
  keiro get lanes tyo-osa-gold -o wide
  keiro get peers
  keiro get topology -o yaml
  keiro get topology --learned -o yaml > net.yaml`,
		Args: cobra.MaximumNArgs(2),
	}
	cmd.ValidArgsFunction = s.completeGet
	learned := cmd.Flags().Bool("learned", false, "of topology: what routers say by BGP-LS")
	format := command.FormatFlag(cmd)
	return s.attach(cmd, func(ctx context.Context, c *client.Client, args []string) error {
		kind, name := "intents", ""
		if len(args) > 0 {
			kind = plural(args[0])
		}
		if len(args) > 1 {
			name = args[1]
		}
		now := env.Now()
		g := getter{ctx, env, *format, strings.TrimSuffix(kind, "s"), name}
		if *learned {
			if kind != "topology" {
				return fmt.Errorf("--learned is of topology: keiro get topology --learned")
			}
			return g.learned(c, now)
		}
		switch kind {
		case "intents":
			if name != "" { // the API knows better why there is none
				intent, err := c.Intent(ctx, name)
				if err != nil {
					return err
				}
				return g.print(intent, func(t *output.Text) { page.Intents(t, now, []resource.Intent{*intent}) })
			}
			return show(g, c.Intents, nil, func(t *output.Text, all []resource.Intent) { page.Intents(t, now, all) })
		case "nodes":
			return show(g, c.Nodes, func(n resource.Node) string { return n.Name }, func(t *output.Text, all []resource.Node) { page.Nodes(t, now, all) })
		case "links":
			return show(g, c.Links, func(l resource.Link) string { return l.Name }, func(t *output.Text, all []resource.Link) { page.Links(t, now, all) })
		case "lanes":
			return g.lanes(c, now)
		case "keystores":
			return g.keyStores(c, now)
		case "peers":
			return g.peers(c, now)
		case "waivers":
			return show(g, c.Waivers, func(w resource.Waiver) string { return w.Intent + "/" + w.Characteristic }, func(t *output.Text, all []resource.Waiver) { page.Waivers(t, now, all) })
		case "drains":
			return show(g, c.Drains, func(d resource.Drain) string { return d.Kind + ":" + d.Name }, func(t *output.Text, all []resource.Drain) { page.Drains(t, now, all) })
		case "alerts":
			return show(g, c.Alerts, func(a resource.Alert) string { return a.ID }, func(t *output.Text, all []resource.Alert) { page.Alerts(t, now, all) })
		case "topology":
			return g.topology(c)
		case "solution":
			return g.solution(c)
		}
		return fmt.Errorf("unknown kind %q: want one of %s", args[0], strings.Join(kinds, ", "))
	})
}

// plural takes `intent` for `intents`.
func plural(kind string) string {
	if !strings.HasSuffix(kind, "s") && slices.Contains(kinds, kind+"s") {
		return kind + "s"
	}
	return kind
}

func (s *session) completeGet(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return kinds, cobra.ShellCompDirectiveNoFileComp
	}
	list, known := map[string]names{"intents": intentNames, "nodes": nodeNames, "links": linkNames, "lanes": laneNames, "peers": peerNames, "drains": drained}[plural(args[0])]
	if !known {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return s.completes(1, list)(cmd, args, typed)
}

// getter prints what was asked for.
type getter struct {
	ctx    context.Context
	env    *command.Env
	format output.Format
	kind   string // one of it: "node"
	name   string // "": all
}

func (g getter) print(data any, text func(*output.Text)) error {
	return g.env.Printer().Print(g.format, data, text)
}

// items is a list as JSON.
type items[T any] struct {
	Items []T `json:"items"`
}

// show prints all objects of a kind, or the one that is named.
func show[T any](g getter, list func(context.Context) ([]T, error), name func(T) string, text func(*output.Text, []T)) error {
	all, err := list(g.ctx)
	if err != nil {
		return err
	}
	if g.name == "" {
		return g.print(items[T]{append([]T{}, all...)}, func(t *output.Text) { text(t, all) })
	}
	for _, one := range all {
		if name(one) == g.name {
			return g.print(one, func(t *output.Text) { text(t, []T{one}) })
		}
	}
	return fmt.Errorf("there is no %s %s", g.kind, g.name)
}

// topology prints the document that is in force; as a table, what is in it.
func (g getter) topology(c *client.Client) error {
	text, err := c.Topology(g.ctx, g.format == output.YAML)
	if err != nil {
		return err
	}
	if g.format == output.YAML {
		_, err = g.env.Stdout.Write(text)
		return err
	}
	var doc struct {
		Metadata resource.Metadata
		Spec     struct{ Sites, Nodes, Links []json.RawMessage }
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		return fmt.Errorf("read the topology: %w", err)
	}
	if g.name != "" && g.name != doc.Metadata.Name {
		return fmt.Errorf("the topology in force is %s, not %s", doc.Metadata.Name, g.name)
	}
	return g.print(json.RawMessage(text), func(t *output.Text) {
		table := &output.Table{Heads: []string{"NAME", "SITES", "NODES", "LINKS"}}
		table.Add(doc.Metadata.Name, fmt.Sprint(len(doc.Spec.Sites)), fmt.Sprint(len(doc.Spec.Nodes)), fmt.Sprint(len(doc.Spec.Links)))
		t.Table(table)
	})
}

// lanes prints all of them, one by its name, or those of an intent.
func (g getter) lanes(c *client.Client, now time.Time) error {
	intent := g.name
	if strings.Contains(g.name, "/") {
		intent = ""
	} else {
		g.name = ""
	}
	list := func(ctx context.Context) ([]resource.Lane, error) { return c.Lanes(ctx, intent, "") }
	return show(g, list, func(l resource.Lane) string { return l.Name }, func(t *output.Text, all []resource.Lane) { page.Lanes(t, now, all) })
}

// keyStores prints those of all nodes, or of one.
func (g getter) keyStores(c *client.Client, now time.Time) error {
	all, err := c.Keying(g.ctx)
	if err != nil {
		return err
	}
	stores := []page.KeyStore{}
	for _, k := range all {
		for _, s := range k.Stores {
			if g.name == "" || g.name == k.Node {
				stores = append(stores, page.KeyStore{Node: k.Node, KeyStore: s})
			}
		}
	}
	return g.print(items[page.KeyStore]{stores}, func(t *output.Text) { page.KeyStores(t, now, stores) })
}

func (g getter) solution(c *client.Client) error {
	solution, err := c.Solution(g.ctx)
	if err != nil {
		return err
	}
	intents, err := c.Intents(g.ctx) // what a cost counts stands in the spec
	if err != nil {
		return err
	}
	objectives := map[string]pathspec.Objective{}
	for i := range intents {
		objectives[intents[i].Metadata.Name] = page.Objective(&intents[i])
	}
	return g.print(solution, func(t *output.Text) {
		output.Solution(t, func(name string) pathspec.Objective { return objectives[name] }, solution)
	})
}
