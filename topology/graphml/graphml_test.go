package graphml

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/foreign"
	"github.com/keiro-net/keiro/topology/foreign/foreigntest"
	"github.com/keiro-net/keiro/topology/gml"
	"github.com/keiro-net/keiro/topology/strictyaml/stricttest"
)

func load(t testing.TB, file string) *foreign.Import {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	read := Import
	if strings.HasSuffix(file, ".gml") {
		read = gml.Import
	}
	imported, err := read(filepath.Base(file), data)
	if err != nil {
		t.Fatal(err)
	}
	return imported
}

func TestQuirks(t *testing.T) {
	imported := load(t, "testdata/quirks.graphml")
	foreigntest.ReadBack(t, imported)
	foreigntest.Golden(t, "testdata/quirks.golden", "quirks.graphml", imported, true)
}

// The Zoo has the same graphs in both formats. The files list the links in
// different orders, which is all that may differ.
func TestEqualsGML(t *testing.T) {
	for _, name := range []string{"Abilene", "Interoute", "Sinet"} {
		t.Run(name, func(t *testing.T) {
			got := load(t, "testdata/"+name+".graphml")
			want := load(t, "../gml/testdata/"+name+".gml")
			foreigntest.ReadBack(t, got)
			if g, w := canonical(got.Topology), canonical(want.Topology); !bytes.Equal(g, w) {
				t.Errorf("got\n%s\nwant\n%s", g, w)
			}
		})
	}
}

// canonical writes a topology with its links sorted by name.
func canonical(topo *topology.Topology) []byte {
	order := make([]int, len(topo.Entries))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(topo.Entries[a].Name, topo.Entries[b].Name) })
	entries := make([]topology.Entry, len(order))
	links := make([]topology.Link, 0, 2*len(order))
	for i, e := range order {
		entries[i] = topo.Entries[e]
		links = append(links, topo.Links[2*e], topo.Links[2*e+1])
	}
	return topology.Format(topology.New(topo.Name, topo.Sites, topo.Nodes, entries, links))
}

func TestErrors(t *testing.T) {
	stricttest.Errors(t, "testdata/errors.txtar", func(file string, data []byte) error {
		_, err := Import(file, data)
		return err
	})
}

// What is made to cost the most ends in an error, and soon.
func TestHostile(t *testing.T) {
	const graph = `<graphml><key id="d" for="node" attr.name="label"/><graph edgedefault="undirected">`
	for _, c := range []struct{ name, begin, part, want string }{
		{"deep", graph, "<a>", "hostile:1: elements in elements, deeper than 64"},
		{"long text", graph + `<node id="1"><data key="d">`, "<a/>x", "hostile:1: a text of more than 65536 bytes"},
		{"many keys", "<graphml>", `<key for="node" attr.name="label"/>`, "hostile:1: not XML: unexpected EOF"},
		{"many attributes", graph + "<node ", `a="" `, "hostile:1: not XML: unexpected EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Import("hostile", append([]byte(c.begin), bytes.Repeat([]byte(c.part), 4<<20/len(c.part))...))
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
	for _, file := range []string{"quirks", "Abilene"} {
		data, err := os.ReadFile("testdata/" + file + ".graphml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if imported, err := Import("fuzz", data); err == nil {
			foreigntest.ReadBack(t, imported)
		}
	})
}
