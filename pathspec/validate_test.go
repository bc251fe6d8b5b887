package pathspec

import (
	"testing"

	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/strictyaml/stricttest"
)

const validateTopology = `
apiVersion: keiro/v1
kind: Topology
metadata: {name: t}
spec:
  sites: [{name: s}, {name: empty}, {name: both}, {name: t}]
  nodes: [{name: a, site: s, operator: alpha}, {name: b, site: s}, {name: c}, {name: d}, {name: both, site: t}]
  links: [{a: a, b: c, srlgs: [duct], operator: beta}]
`

func TestValidate(t *testing.T) {
	topo, err := topology.Parse("t.yaml", []byte(validateTopology))
	if err != nil {
		t.Fatal(err)
	}
	stricttest.Errors(t, "testdata/validate.txtar", func(file string, data []byte) error {
		intents, err := Parse(file, data)
		if err != nil {
			t.Fatal(err)
		}
		return Validate(topo, intents)
	})

	fine := []Intent{
		{Name: "x", From: "a", To: "c", Require: Require{Avoid: Avoid{
			Nodes: []string{"b"}, Links: []string{}, SRLGs: []string{"duct"}, Sites: []string{"empty"}, Operators: []string{"beta"}}}},
		{Name: "y", From: "s", To: "t", Require: Require{Avoid: Avoid{Nodes: []string{"a"}, Links: []string{"a--c"}}}},
	}
	if err := Validate(topo, fine); err != nil {
		t.Error(err)
	}
	made := []Intent{{Name: "made", From: "a", To: "nowhere"}}
	if err := Validate(topo, made); err == nil || err.Error() != `intent made: spec.to: no such node or site "nowhere"` {
		t.Error(err)
	}
}
