package apitest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"

	"github.com/keiro-net/keiro/controller/api/resource"
)

// object is any document.
type object struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Metadata   resource.Metadata `json:"metadata"`
	Spec       json.RawMessage   `json:"spec"`
}

// parse reads documents well enough for a test: name and kind must be right.
func parse(documents []resource.Document) ([]object, error) {
	refusal := resource.Errorf(resource.Invalid, "the documents have mistakes")
	complain := func(file string, line int, path, what string) {
		refusal.Details = append(refusal.Details, resource.Detail{Where: fmt.Sprintf("%s:%d: %s", file, line, path), What: what})
	}
	var objects []object
	for _, d := range documents {
		dec := yaml.NewDecoder(bytes.NewReader(d.Data))
		for {
			var node yaml.Node
			err := dec.Decode(&node)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				complain(d.Name, 1, "", err.Error())
				break
			}
			var tree map[string]any
			var o object
			if err := node.Decode(&tree); err != nil {
				complain(d.Name, node.Line, "", "want a mapping")
				continue
			}
			text, err := json.Marshal(tree)
			if err == nil {
				err = json.Unmarshal(text, &o)
			}
			switch {
			case err != nil:
				complain(d.Name, node.Line, "", err.Error())
			case o.Kind != resource.KindTopology && o.Kind != resource.KindIntent:
				complain(d.Name, node.Line, "kind", fmt.Sprintf("unknown kind %q", o.Kind))
			case o.Metadata.Name == "":
				complain(d.Name, node.Line, "metadata.name", "missing")
			default:
				objects = append(objects, o)
			}
		}
	}
	if len(refusal.Details) > 0 {
		return nil, refusal
	}
	return objects, nil
}
