package clab

import (
	"os"
	"reflect"
	"testing"

	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/strictyaml/stricttest"
)

// The topologies that the files make, as topology.Format writes them.
func TestTopology(t *testing.T) {
	for _, name := range []string{"jp12", "inherit"} {
		topo, err := parseFile(t, name+".clab.yml", noEnv).Topology()
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile("testdata/" + name + ".topology.yaml")
		if err != nil {
			t.Fatal(err)
		}
		if got := topology.Format(topo); string(got) != string(want) {
			t.Errorf("%s: got\n%s", name, got)
		}
		again, err := topology.Parse(name, want)
		if err != nil || !reflect.DeepEqual(again, topo) {
			t.Errorf("%s: read back: %v\ngot  %+v\nwant %+v", name, err, again, topo)
		}
	}
}

func TestTopologyErrors(t *testing.T) {
	stricttest.Errors(t, "testdata/topology-errors.txtar", func(file string, data []byte) error {
		f, err := Parse(file, data, noEnv)
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.Topology()
		return err
	})
}

// A File need not come from a file.
func TestTopologyOfMade(t *testing.T) {
	f := &File{Name: "made", Nodes: []Node{{Name: "a", Kind: "linux"}, {Name: "b", Kind: "linux"}}}
	for range 2 {
		f.Links = append(f.Links, Link{A: Endpoint{Node: "a"}, B: Endpoint{Node: "b"}})
	}
	topo, err := f.Topology()
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := topo.Entry("a--b#2"); !ok {
		t.Errorf("got %+v", topo.Entries)
	}
	f.Links = append(f.Links, Link{A: Endpoint{Node: "a"}, B: Endpoint{Node: "z"}})
	if _, err := f.Topology(); err == nil || err.Error() != "link a--z.endpoints: no such node: a or z" {
		t.Errorf("got %v", err)
	}
}

// Import takes what Parse refuses for want of containers.
func TestImport(t *testing.T) {
	const text = `
name: leaf-spine
topology:
  defaults: {kind: nokia_srlinux}
  nodes: {leaf: , spine: }
  links:
    - endpoints: ["leaf:ethernet-1/1", "spine:e1-1"]
    - endpoints: ["leaf:e1-2", "host:veth"]
`
	if _, err := Parse("t", []byte(text), noEnv); err == nil {
		t.Error("Parse takes it as well")
	}
	topo, err := Import("t", []byte(text), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	if len(topo.Nodes) != 2 || len(topo.Entries) != 1 || topo.Entries[0].AInterface != "" || topo.Entries[0].BInterface != "e1-1" {
		t.Errorf("got %+v", topo)
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"jp12", "inherit"} {
		data, err := os.ReadFile("testdata/" + name + ".clab.yml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("name: ${A:-x}\ntopology: {nodes: {a: }, links: [{endpoints: [\"a:b\", $A]}]}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		env := func(name string) (string, bool) { return name + "\n- &a [*a]", len(name)%2 == 0 }
		if _, err := Parse("fuzz.yml", data, env); err != nil {
			_ = err.Error()
		}
		topo, err := Import("fuzz.yml", data, noEnv)
		if err != nil {
			return
		}
		text := topology.Format(topo)
		again, err := topology.Parse("again.yaml", text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if string(topology.Format(again)) != string(text) {
			t.Fatalf("not canonical:\n%s\n%s", text, topology.Format(again))
		}
	})
}
