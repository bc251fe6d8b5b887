package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/topology"
)

// completions tell the shell what a change can name, out of the file that -t
// names. Without one there is nothing to tell.
func (c *change) completions(env *command.Env, cmd *cobra.Command) {
	for flag, list := range map[string]func(*topology.Topology) []string{
		"drain":  drainable,
		"remove": drainable,
		"set":    settable,
	} {
		err := cmd.RegisterFlagCompletionFunc(flag, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			directive := cobra.ShellCompDirectiveNoFileComp
			if flag == "set" {
				directive |= cobra.ShellCompDirectiveNoSpace
			}
			if c.topologyFile == "" || c.topologyFile == "-" {
				return nil, directive
			}
			file, data, err := env.Read(c.topologyFile)
			if err != nil {
				return nil, directive
			}
			t, err := topology.Parse(file, data)
			if err != nil {
				return nil, directive
			}
			return list(t), directive
		})
		if err != nil {
			panic(err) // no such flag: a mistake of this file
		}
	}
}

// things are what a change can name one by one.
func things(t *topology.Topology) (out []string) {
	for i := range t.Nodes {
		out = append(out, "node:"+t.Nodes[i].Name)
	}
	for i := range t.Entries {
		out = append(out, "link:"+t.Entries[i].Name)
	}
	return out
}

func drainable(t *topology.Topology) []string {
	var more []string
	for i := range t.Sites {
		more = append(more, "site:"+t.Sites[i].Name)
	}
	for i := range t.Nodes {
		if o := t.Nodes[i].Operator; o != "" {
			more = append(more, "operator:"+o)
		}
	}
	for i := range t.Entries {
		groups, _ := t.Entries[i].SRLGs.Get()
		for _, g := range groups {
			more = append(more, "srlg:"+g)
		}
		if o := t.Entries[i].Operator; o != "" {
			more = append(more, "operator:"+o)
		}
	}
	slices.Sort(more)
	return append(things(t), slices.Compact(more)...)
}

// settable are the fields that a change of a link most likely sets, and the
// beginnings of the rest.
func settable(t *topology.Topology) (out []string) {
	for _, name := range things(t) {
		if !strings.HasPrefix(name, "link:") {
			out = append(out, name+".")
			continue
		}
		for _, field := range []string{"capacity", "delay", "metric", "operator", "srlgs"} {
			out = append(out, name+"."+field+"=")
		}
	}
	return out
}
