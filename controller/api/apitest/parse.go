package apitest

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/strictyaml"
)

// object is any document.
type object struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Metadata   resource.Metadata `json:"metadata"`
	Spec       json.RawMessage   `json:"spec"`
}

// parse reads documents as the controller does. It does not ask whether the
// names in them exist.
func parse(documents []resource.Document) ([]object, error) {
	var objects []object
	var mistakes strictyaml.Errors
	for _, d := range documents {
		var parsed []any
		t, err := topology.Parse(d.Name, d.Data)
		switch {
		case err == nil:
			parsed = append(parsed, t)
		case !errors.Is(err, topology.ErrNoTopology):
			mistakes = append(mistakes, asMistakes(err)...)
			continue
		}
		intents, err := pathspec.Parse(d.Name, d.Data)
		mistakes = append(mistakes, asMistakes(err)...)
		for _, i := range intents {
			parsed = append(parsed, i)
		}
		for _, p := range parsed {
			var o object
			text, err := json.Marshal(p)
			if err == nil {
				err = json.Unmarshal(text, &o)
			}
			if err != nil {
				return nil, err
			}
			objects = append(objects, o)
		}
	}
	if len(mistakes) == 0 {
		return objects, nil
	}
	refusal := resource.Errorf(resource.Invalid, "nothing was changed")
	for _, m := range mistakes {
		what := m.Msg
		m.Msg = ""
		refusal.Details = append(refusal.Details, resource.Detail{Where: strings.TrimRight(m.Error(), ": "), What: what})
	}
	return nil, refusal
}

func asMistakes(err error) (mistakes strictyaml.Errors) {
	errors.As(err, &mistakes)
	return mistakes
}
