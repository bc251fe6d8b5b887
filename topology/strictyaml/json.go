package strictyaml

import (
	"bytes"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// FromJSON writes a JSON document as YAML with the same keys in the same
// order. Strings are quoted only where YAML would read something else.
func FromJSON(data []byte) ([]byte, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("JSON to YAML: %w", err)
	}
	var out bytes.Buffer
	writer := yaml.NewEncoder(&out)
	writer.SetIndent(2)
	if err := writer.Encode(blockStyle(&doc)); err != nil {
		return nil, fmt.Errorf("JSON to YAML: %w", err)
	}
	return out.Bytes(), writer.Close()
}

func blockStyle(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.ScalarNode && n.Style == yaml.DoubleQuotedStyle {
		return stringNode(n.Value)
	}
	n.Style = 0
	for i, child := range n.Content {
		n.Content[i] = blockStyle(child)
	}
	return n
}
