// Package foreigntest checks what every importer promises: a topology that is
// read back, names that intents can use, and a report that is known. Tests of
// the importers call it; nothing else does.
package foreigntest

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/foreign"
)

// T is what a test and a drawn test have in common.
type T interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// ReadBack fails the test where the topology, once written, is read as another
// one or not at all, or where a node and a site share a name.
func ReadBack(t T, imported *foreign.Import) {
	t.Helper()
	text := topology.Format(imported.Topology)
	again, err := topology.Parse("imported.yaml", text)
	if err != nil {
		t.Fatalf("reading back: %v\n%s", err, text)
	}
	if !bytes.Equal(topology.Format(again), text) || !slices.Equal(again.Links, imported.Topology.Links) {
		t.Fatalf("read back as another topology:\n%s", text)
	}
	for _, site := range again.Sites {
		if _, both := again.Node(site.Name); both {
			t.Errorf("%s is a node and a site", site.Name)
		}
	}
	for _, d := range imported.Demands {
		_, from := again.Node(d.From)
		_, to := again.Node(d.To)
		if !from || !to || d.From == d.To || topology.CheckName(d.Name) != nil {
			t.Errorf("demand %+v", d)
		}
	}
}

// Golden is what people see of an import: the sizes, the report and, where
// whole, the topology.
func Golden(t *testing.T, golden, name string, imported *foreign.Import, whole bool) {
	t.Helper()
	topo := imported.Topology
	var got bytes.Buffer
	fmt.Fprintf(&got, "%s: %s, %d sites, %d nodes, %d links, %d demands\n",
		name, topo.Name, len(topo.Sites), len(topo.Nodes), len(topo.Entries), len(imported.Demands))
	for _, line := range imported.Report.Lines() {
		fmt.Fprintln(&got, "  "+line)
	}
	if whole {
		got.Write(topology.Format(topo))
		for _, d := range imported.Demands {
			fmt.Fprintf(&got, "# demand %s: %s to %s, %v, %d hops\n", d.Name, d.From, d.To, d.Bandwidth, d.MaxHops)
		}
	}
	Compare(t, golden, got.Bytes())
}

// Compare compares with a golden file, or writes it, by the flag of stricttest.
func Compare(t *testing.T, golden string, got []byte) {
	t.Helper()
	if update := flag.Lookup("update"); update != nil && update.Value.String() == "true" {
		if err := os.WriteFile(golden, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got\n%s", golden, got)
	}
}
