package clab

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// importEnvs asks containerlab for the whole environment of its caller.
const importEnvs = "__IMPORT_ENVS"

// resolve merges defaults, kind and group into a node, the most special last:
// single values override, lists and maps add up.
func (r *reader) resolve(name string) Node {
	t := &r.doc.Topology
	own, defaults := orNone(t.Nodes[name]), orNone(t.Defaults)
	kind := r.kind(own, defaults)
	group := firstOf(own.Group, orNone(t.Kinds[kind]).Group, defaults.Group)
	levels := []*nodeDoc{defaults, orNone(t.Kinds[kind]), orNone(t.Groups[group]), own}

	n := Node{Name: name, Kind: strings.ToLower(kind), Labels: map[string]string{}, Env: map[string]string{}, Sysctls: map[string]string{}}
	ignored := map[string]bool{}
	binds := map[string]string{} // by destination
	for _, level := range levels {
		n.Image, n.Cmd = firstOf(level.Image, n.Image), firstOf(level.Cmd, n.Cmd)
		maps.Copy(n.Labels, level.Labels)
		maps.Copy(n.Env, level.Env)
		maps.Copy(n.Sysctls, level.Sysctls)
		n.Exec = append(n.Exec, level.Exec...)
		for _, bind := range level.Binds {
			destination, _ := bindDestination(bind)
			binds[destination] = bind
		}
		given(level, ignored)
	}
	if _, ok := n.Env[importEnvs]; ok {
		delete(n.Env, importEnvs)
		ignored["env."+importEnvs] = true
	}
	magic := r.magic(name)
	n.Exec = unique(n.Exec)
	for i := range n.Exec {
		n.Exec[i] = magic.Replace(n.Exec[i])
	}
	for _, bind := range binds {
		n.Binds = append(n.Binds, magic.Replace(bind))
	}
	slices.Sort(n.Binds)
	n.Ignored = slices.Sorted(maps.Keys(ignored))
	return n
}

// kind is the node's, else of its own group, else of the group in defaults,
// else in defaults. The group that a kind names does not count: it would be
// chosen by the kind.
func (r *reader) kind(own, defaults *nodeDoc) string {
	groups := r.doc.Topology.Groups
	return firstOf(own.Kind, orNone(groups[own.Group]).Kind, orNone(groups[defaults.Group]).Kind, defaults.Kind)
}

func orNone(n *nodeDoc) *nodeDoc {
	if n == nil {
		return new(nodeDoc)
	}
	return n
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// given collects the keys of a level that mean nothing without a container.
func given(level *nodeDoc, keys map[string]bool) {
	v := reflect.ValueOf(level.nodeIgnored)
	for i := range v.NumField() {
		if !v.Field(i).IsNil() {
			keys[v.Type().Field(i).Tag.Get("json")] = true
		}
	}
}

func unique(list []string) []string {
	seen := map[string]bool{}
	var out []string
	for _, s := range list {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

// bindDestination is the path at which a node sees a bind.
func bindDestination(bind string) (destination string, ok bool) {
	parts := strings.Split(bind, ":")
	if len(parts) < 2 || len(parts) > 3 {
		return bind, false
	}
	return parts[1], parts[0] != "" && parts[1] != ""
}
