package cause

import (
	"fmt"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/topology"
)

const text = `apiVersion: keiro/v1
kind: Topology
metadata: {name: t}
spec:
  nodes: [{name: a}, {name: b}, {name: c}, {name: d}]
  links:
    - {a: a, b: b, srlgs: [duct]}
    - {a: a, b: c, srlgs: [duct, zone]}
    - {a: c, b: d, srlgs: [zone]}
    - {a: b, b: d}
`

func TestExplain(t *testing.T) {
	topo, err := topology.Parse("t.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ down, failed, want string }{
		{"a--b", "a--b", "link:a--b"},
		{"a--b a--c", "a--b a--c", "srlg:duct"}, // node a fits as well: SRLGs first
		{"a--c c--d", "a--c c--d", "srlg:zone"},
		{"a--b b--d", "a--b b--d", "node:b"},
		{"a--b c--d", "a--b c--d", "link:a--b link:c--d"},
		{"a--b a--c c--d", "a--b a--c c--d", "srlg:duct link:c--d"},
		{"a--b a--c", "a--c", "link:a--c"}, // a--b failed long ago: one link explains itself
		{"a--b a--c c--d b--d", "a--b a--c c--d b--d", "srlg:duct node:d"},
	} {
		down := map[string]bool{}
		for _, l := range strings.Fields(c.down) {
			down[l] = true
		}
		var got []string
		explained := 0
		for _, found := range Explain(topo, strings.Fields(c.failed), func(l string) bool { return down[l] }) {
			got = append(got, found.Name)
			explained += len(found.Failed)
		}
		if fmt.Sprint(got) != fmt.Sprint(strings.Fields(c.want)) || explained != len(strings.Fields(c.failed)) {
			t.Errorf("%s down, %s failed: %v explain %d, want %s", c.down, c.failed, got, explained, c.want)
		}
	}
}
