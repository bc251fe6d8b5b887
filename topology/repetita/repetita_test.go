package repetita

import (
	"bytes"
	"os"
	"testing"

	"github.com/keiro-net/keiro/topology/foreign/foreigntest"
	"github.com/keiro-net/keiro/topology/strictyaml/stricttest"
)

func load(t testing.TB, name string) File {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return File{Name: name, Data: data}
}

func TestImport(t *testing.T) {
	for _, name := range []string{"three", "quirks"} {
		t.Run(name, func(t *testing.T) {
			graph, demands := load(t, name+".graph"), load(t, name+".demands")
			if AreDemands(graph.Data) || !AreDemands(demands.Data) {
				t.Error("graph and demands are not told apart")
			}
			imported, err := Import(graph, &demands)
			if err != nil {
				t.Fatal(err)
			}
			foreigntest.ReadBack(t, imported)
			foreigntest.Golden(t, "testdata/"+name+".golden", name, imported, true)
		})
	}
}

func TestErrors(t *testing.T) {
	stricttest.Errors(t, "testdata/errors.txtar", func(file string, data []byte) error {
		_, err := Import(File{file, data}, nil)
		return err
	})
}

func TestDemandErrors(t *testing.T) {
	demands := File{"bad.demands", []byte("DEMANDS 2\nlabel src dest bw\na 0 3 1\nb 0 1 1e30\n")}
	_, err := Import(load(t, "three.graph"), &demands)
	const want = `bad.demands:3: no node "3": want a number from 0, below 3
bad.demands:4: bw "1e30" is too large: want at most 1000Tbps`
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

// What is made to cost the most ends in an error, and soon.
func TestHostile(t *testing.T) {
	for _, c := range []struct{ begin, part string }{
		{"NODES 99999999\nlabel x y\n", "a 1 1\n"},
		{"NODES 99999999\nlabel x y\n", "a "},
		{"", "\n"},
		{"NODES 1\nlabel x y\na 1 1\nEDGES 999999999\n1 2 3 4 5 6\n", "e 0 1 1 1 1\n"},
	} {
		data := append([]byte(c.begin), bytes.Repeat([]byte(c.part), 1<<20/len(c.part))...)
		if _, err := Import(File{"hostile", data}, nil); err == nil {
			t.Errorf("%s%s: no error", c.begin, c.part)
		}
	}
}

func FuzzImport(f *testing.F) {
	for _, name := range []string{"three", "quirks"} {
		f.Add(load(f, name+".graph").Data, load(f, name+".demands").Data)
	}
	f.Fuzz(func(t *testing.T, graph, demands []byte) {
		if imported, err := Import(File{"fuzz", graph}, &File{"fuzz", demands}); err == nil {
			foreigntest.ReadBack(t, imported)
		}
	})
}
