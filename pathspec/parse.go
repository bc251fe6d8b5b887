package pathspec

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/strictyaml"
)

// Parse reads the intents of a file, YAML or JSON, in their order. A topology
// may stand beside them; topology.Parse reads that. An empty file holds no
// intents. All mistakes are returned at once, as strictyaml.Errors; whether
// the names in the intents exist is for Validate.
func Parse(file string, data []byte) ([]Intent, error) {
	docs, errs := strictyaml.Documents(file, data)
	docs, more := strictyaml.Select(docs, topology.APIVersion, DocumentKind, topology.DocumentKind)
	errs = append(errs, more...)
	intents := make([]Intent, 0, len(docs))
	first := map[string]*strictyaml.Document{}
	for _, d := range docs {
		in, more := build(d)
		errs = append(errs, more...)
		if of, twice := first[in.Name]; twice && in.Name != "" {
			errs.Add(d.Errorf("metadata.name", "intent %.80s stands twice: first on line %d", in.Name, of.Line("metadata.name")))
		} else {
			first[in.Name] = d
		}
		intents = append(intents, in)
	}
	if err := errs.Err(); err != nil {
		return nil, err
	}
	return intents, nil
}

// Format writes intents as canonical YAML, which Parse reads back to equal
// intents.
func Format(intents []Intent) []byte {
	docs := make([]any, len(intents))
	for i := range intents {
		docs[i] = intents[i].document()
	}
	return strictyaml.Marshal(docs...)
}

// MarshalJSON writes the document of the intent, with the same keys, words and
// units as the YAML form.
func (in Intent) MarshalJSON() ([]byte, error) { return json.Marshal(in.document()) }

// UnmarshalJSON reads one such document, as strictly as Parse.
func (in *Intent) UnmarshalJSON(data []byte) error {
	intents, err := Parse("", data)
	if err != nil {
		return err
	}
	if len(intents) != 1 {
		return fmt.Errorf("want one document of kind %s, found %d", DocumentKind, len(intents))
	}
	*in = intents[0]
	return nil
}

// Equal reports whether two intents declare the same, wherever they were read.
func (in *Intent) Equal(other *Intent) bool {
	a, b := []Intent{*in}, []Intent{*other}
	return bytes.Equal(Format(a), Format(b))
}
