package gml

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/foreign/foreigntest"
	"github.com/keiro-net/keiro/topology/strictyaml/stricttest"
)

// Files of the Internet Topology Zoo, with all that is wrong in them.
func TestZoo(t *testing.T) {
	files, err := filepath.Glob("testdata/*.gml")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			imported, err := Import(name, data)
			if err != nil {
				t.Fatal(err)
			}
			foreigntest.ReadBack(t, imported)
			foreigntest.Golden(t, file+".golden", name, imported, name == "quirks.gml")
		})
	}
}

func TestErrors(t *testing.T) {
	stricttest.Errors(t, "testdata/errors.txtar", func(file string, data []byte) error {
		_, err := Import(file, data)
		return err
	})
}

// What is made to cost the most ends in an error, and soon.
func TestHostile(t *testing.T) {
	for _, c := range []struct {
		name, begin, part string
		size              int
		want              string
	}{
		{"deep", "graph [ x ", "[ x ", 4 << 20, "hostile:1: lists in lists, deeper than 64"},
		{"many nodes", "graph [", "node[id 1]", 4 << 20, "hostile:1: node \"1\" stands twice: first on line 1"},
		{"many lists", "graph [", "a[]", 4 << 20, "hostile:1: the list does not end: want ]"},
		{"long string", `graph [ label "`, "x", 4 << 20, `hostile:1: the string does not end: want " within 65536 bytes`},
		{"quotes", "graph [", `a""`, 4 << 20, "hostile:1: the list does not end: want ]"},
		{"edges", "graph [node[id 1]", "edge[source 1 target 1]", 7 << 20, "hostile:1: too many edges: the limit is 262144"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Import("hostile", append([]byte(c.begin), bytes.Repeat([]byte(c.part), c.size/len(c.part))...))
			if err == nil {
				t.Fatal("no error")
			}
			if first, _, _ := strings.Cut(err.Error(), "\n"); first != c.want {
				t.Errorf("got %s", first)
			}
		})
	}
}

func FuzzImport(f *testing.F) {
	for _, file := range []string{"quirks.gml", "Abilene.gml", "Interoute.gml"} {
		data, err := os.ReadFile("testdata/" + file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`graph [ directed 1 node [ id 0 ] node [ id 1 Latitude 1 Longitude 2 ] edge [ source 0 target 1 ] edge [ source 1 target 0 ] ]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		imported, err := Import("fuzz", data)
		if err != nil {
			return
		}
		foreigntest.ReadBack(t, imported)
		again, err := Import("fuzz", data)
		if err != nil || !bytes.Equal(topology.Format(again.Topology), topology.Format(imported.Topology)) {
			t.Fatal("imported as another topology the second time")
		}
	})
}
