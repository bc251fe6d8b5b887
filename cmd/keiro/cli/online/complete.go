package online

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/controller/api/client"
)

// completeWithin is how long a shell waits for the controller.
const completeWithin = 2 * time.Second

// names lists names that the controller knows.
type names func(ctx context.Context, c *client.Client) ([]string, error)

// everywhere: all arguments are completed alike.
const everywhere = -1

// completes tells the shell the names for the argument at that position.
// Without a controller there are none.
func (s *session) completes(position int, lists ...names) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if position != everywhere && len(args) != position {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(context.Background(), completeWithin)
		defer cancel()
		c, err := connect(s.Env, s.config)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var all []string
		for _, list := range lists {
			found, err := list(ctx, c)
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			all = append(all, found...)
		}
		return all, cobra.ShellCompDirectiveNoFileComp
	}
}

func intentNames(ctx context.Context, c *client.Client) (out []string, err error) {
	intents, err := c.Intents(ctx)
	for _, i := range intents {
		out = append(out, i.Metadata.Name)
	}
	return out, err
}

func nodeNames(ctx context.Context, c *client.Client) (out []string, err error) {
	nodes, err := c.Nodes(ctx)
	for _, n := range nodes {
		out = append(out, n.Name)
	}
	return out, err
}

func linkNames(ctx context.Context, c *client.Client) (out []string, err error) {
	links, err := c.Links(ctx)
	for _, l := range links {
		out = append(out, l.Name)
	}
	return out, err
}

func laneNames(ctx context.Context, c *client.Client) (out []string, err error) {
	lanes, err := c.Lanes(ctx, "", "")
	for _, l := range lanes {
		out = append(out, l.Name)
	}
	return out, err
}

func peerNames(ctx context.Context, c *client.Client) (out []string, err error) {
	peers, err := c.Peers(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range peers.Items {
		out = append(out, p.Name)
	}
	return out, nil
}

// targets are the names of all that can be drained, with their kinds.
func targets(ctx context.Context, c *client.Client) ([]string, error) {
	var out []string
	nodes, err := nodeNames(ctx, c)
	if err != nil {
		return nil, err
	}
	for _, n := range nodes {
		out = append(out, "node:"+n)
	}
	links, err := c.Links(ctx)
	var srlgs []string
	for _, l := range links {
		out = append(out, "link:"+l.Name)
		for _, g := range l.SRLGs {
			srlgs = append(srlgs, "srlg:"+g)
		}
	}
	slices.Sort(srlgs)
	return append(out, slices.Compact(srlgs)...), err
}

// drained are the names of what is drained, with their kinds.
func drained(ctx context.Context, c *client.Client) (out []string, err error) {
	drains, err := c.Drains(ctx)
	for _, d := range drains {
		out = append(out, d.Kind+":"+d.Name)
	}
	return out, err
}
