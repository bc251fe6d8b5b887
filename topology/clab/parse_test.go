package clab

import (
	"net/netip"
	"os"
	"reflect"
	"testing"

	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/strictyaml/stricttest"
)

func noEnv(string) (string, bool) { return "", false }

func parseFile(t *testing.T, name string, env func(string) (string, bool)) *File {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Parse(name, data, env)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestParseErrors(t *testing.T) {
	stricttest.Errors(t, "testdata/errors.txtar", func(file string, data []byte) error {
		_, err := Parse(file, data, noEnv)
		return err
	})
}

func TestInherit(t *testing.T) {
	f := parseFile(t, "inherit.clab.yml", noEnv)
	want := []Node{{
		Name: "bare", Kind: "linux", Image: "from-kind", Cmd: "from-group",
		Labels:  map[string]string{"site": "0123", "level": "defaults"},
		Env:     map[string]string{"LEVEL": "group", "DEFAULTS": "yes", "EMPTY": "", "KIND": "1e3"},
		Exec:    []string{"echo defaults", "echo shared", "echo kind"},
		Binds:   []string{"defaults:/only", "group:/data:ro"},
		Sysctls: map[string]string{"net.ipv6.conf.all.seg6_enabled": "1"},
		Ignored: []string{"env.__IMPORT_ENVS", "ports"},
	}, {
		Name: "own", Kind: "linux", Image: "from-node", Cmd: "from-node",
		Labels:  map[string]string{"site": "0123", "level": "node", "rack": "12"},
		Env:     map[string]string{"LEVEL": "node", "DEFAULTS": "yes", "EMPTY": "", "KIND": "1e3"},
		Exec:    []string{"echo defaults", "echo shared", "echo kind", "echo node own of clab-inherit", "echo $HOME $UNSET ${UNSET}"},
		Binds:   []string{"defaults:/only", "own:/data"},
		Sysctls: map[string]string{"net.ipv6.conf.all.seg6_enabled": "1"},
		Ignored: []string{"healthcheck", "ports", "stages", "user"},
	}}
	if f.Name != "inherit" || f.Prefix != "" {
		t.Errorf("got name %q, prefix %q", f.Name, f.Prefix)
	}
	if !reflect.DeepEqual(f.Nodes, want) {
		t.Errorf("got  %+v\nwant %+v", f.Nodes, want)
	}
}

func TestLinks(t *testing.T) {
	f := parseFile(t, "inherit.clab.yml", noEnv)
	traits := Traits{
		Capacity: topology.Declare(topology.Bandwidth(400e6)), Delay: topology.Declare(topology.Delay(4450)),
		SRLGs: topology.Declare([]string{"duct-1", "no"}), Operator: "alpha", Metric: 10, QKD: true, Name: "own--bare#2",
	}
	back := traits
	back.Name, back.SRLGs = "back", topology.Declare([]string{})
	want := []Link{{
		A:   Endpoint{Node: "own", Interface: "eth1", IPv4: netip.MustParsePrefix("10.0.0.1/30")},
		B:   Endpoint{Node: "bare", Interface: "eth1", IPv4: netip.MustParsePrefix("10.0.0.2/30"), IPv6: netip.MustParsePrefix("2001:db8::2/64")},
		MTU: 1500, Traits: Traits{Name: "own--bare"}, Line: 44, path: "topology.links[0]",
	}, {
		A:      Endpoint{Node: "own", Interface: "eth2", MAC: "02:00:00:00:00:01", IPv4: netip.MustParsePrefix("10.0.1.1/30")},
		B:      Endpoint{Node: "bare", Interface: "eth2", IPv6: netip.MustParsePrefix("2001:db8:1::2/64")},
		Labels: map[string]string{"colour": "red"}, Traits: traits, Line: 48, path: "topology.links[1]",
	}, {
		A: Endpoint{Node: "bare", Interface: "eth3"}, B: Endpoint{Node: "own", Interface: "eth3"},
		Traits: back, Line: 62, path: "topology.links[2]",
	}}
	if !reflect.DeepEqual(f.Links, want) {
		t.Errorf("got  %+v\nwant %+v", f.Links, want)
	}
}

// The group of a node may come from defaults, from the environment, or from
// its kind; its kind from its group.
func TestKindAndGroup(t *testing.T) {
	const text = `
name: t
topology:
  defaults: {kind: linux, group: one}
  kinds: {linux: {group: two}, other: {image: other}}
  groups: {one: {cmd: one, kind: ""}, two: {cmd: two}, three: {cmd: three, kind: Linux}}
  nodes:
    null-node:
    plain: {}
    three: {group: three}
    undeclared: {group: "no section needs to describe a group"}
`
	f, err := Parse("t", []byte(text), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, n := range f.Nodes {
		got[n.Name] = n.Kind + " " + n.Cmd
	}
	want := map[string]string{"null-node": "linux two", "plain": "linux two", "three": "linux three", "undeclared": "linux "}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestEnvironment(t *testing.T) {
	f := parseFile(t, "inherit.clab.yml", func(name string) (string, bool) {
		return map[string]string{"GROUP": "empty", "UNSET": "set after all"}[name], name == "GROUP" || name == "UNSET"
	})
	if got := f.Nodes[0].Cmd; got != "" {
		t.Errorf("the group from the environment is not taken: cmd %q", got)
	}
	if got := f.Nodes[1].Exec[4]; got != "echo $HOME set after all set after all" {
		t.Errorf("exec: %q", got)
	}
}
