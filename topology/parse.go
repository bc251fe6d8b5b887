package topology

import (
	"errors"
	"fmt"

	"github.com/keiro-net/keiro/topology/strictyaml"
)

// ErrNoTopology is what Parse returns for a file without a mistake and
// without a topology, such as one that holds intents only.
var ErrNoTopology = errors.New("no document of kind " + DocumentKind)

// Parse reads the one topology of a file, YAML or JSON. Documents of kind
// PathIntent may stand beside it; pathspec.Parse reads those. All mistakes are
// returned at once, as strictyaml.Errors.
func Parse(file string, data []byte) (*Topology, error) {
	t, _, err := ParseLines(file, data)
	return t, err
}

// ParseLines is Parse, and where in the file everything stands.
func ParseLines(file string, data []byte) (*Topology, *Lines, error) {
	docs, errs := strictyaml.Documents(file, data)
	docs, more := strictyaml.Select(docs, APIVersion, DocumentKind, "PathIntent")
	errs = append(errs, more...)
	var t *Topology
	for i, d := range docs {
		if i > 0 {
			errs.Add(d.Errorf("kind", "a second topology: the first is on line %d", docs[0].Line("kind")))
			continue
		}
		var more strictyaml.Errors
		t, more = build(d)
		errs = append(errs, more...)
	}
	if err := errs.Err(); err != nil {
		return nil, nil, err
	}
	if t == nil {
		return nil, nil, fmt.Errorf("%s: %w", file, ErrNoTopology)
	}
	return t, &Lines{File: file, doc: docs[0], t: t}, nil
}
