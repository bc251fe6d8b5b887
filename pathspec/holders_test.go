package pathspec

import (
	"slices"
	"testing"

	"github.com/keiro-net/keiro/topology"
)

func TestHolders(t *testing.T) {
	topo, err := topology.Parse("holders.yaml", []byte(`apiVersion: keiro/v1
kind: Topology
metadata: {name: holders}
spec:
  nodes: [{name: a}, {name: b}, {name: c}, {name: d}, {name: e}, {name: f}]
  links:
    - {a: a, b: b, qkd: true}
    - {a: b, b: c, qkd: true}
    - {a: b, b: d, qkd: true}
    - {a: c, b: e, qkd: true}
    - {a: d, b: e, qkd: true}
    - {a: e, b: f}
`))
	if err != nil {
		t.Fatal(err)
	}
	path := func(nodes ...string) Path { return Path{Nodes: nodes} }
	paths := []Path{path("a", "b", "c", "e"), path("a", "b"), path("a", "b", "d", "e"), path("b", "c"), path("e", "f")}
	var got []string
	for _, h := range HoldersOf(topo, &Require{Encryption: QKD}, paths) {
		got = append(got, h.String())
	}
	want := []string{
		"QKD keys of a and e are seen by the KMEs of both, by the trusted nodes on every way of QKD links (b), and by those of others that the QKD network relays them by (any of c, d); the KMEs do not tell which way a key took",
		"QKD keys of a and b are seen by the KMEs of both, and by no other node: QKD links lead nowhere else",
		"QKD keys of b and c are seen by the KMEs of both, and by the trusted nodes that the QKD network relays them by: any of d, e; the KMEs do not tell which way a key took",
		"QKD keys of e and f are seen by the KMEs of both; by whom else cannot be told: the topology has no way of QKD links between them",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
	if h := HoldersOf(topo, &Require{Encryption: PQ}, paths); h == nil || len(h) > 0 {
		t.Errorf("without QKD: %v", h)
	}
}
