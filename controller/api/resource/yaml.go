package resource

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxDepth bounds the nesting of a document, and so the stack.
const maxDepth = 100

// YAML turns a JSON document into YAML that means the same, keys in the same
// order.
func YAML(document []byte) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(document))
	dec.UseNumber()
	root, err := yamlNode(dec, maxDepth)
	if err != nil {
		return nil, fmt.Errorf("turn JSON into YAML: %w", err)
	}
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(root); err != nil {
		return nil, fmt.Errorf("turn JSON into YAML: %w", err)
	}
	return out.Bytes(), enc.Close()
}

// plain matches the strings that are written without quotes: names and
// quantities, which no version of YAML takes for anything but a string, but
// for the reserved words.
var (
	plain    = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_./-]*|[0-9]+(\.[0-9]+)?([kMGT]?bps|[um]?s|k?m|B))$`)
	reserved = map[string]bool{
		"null": true, "true": true, "false": true, "yes": true, "no": true, "on": true, "off": true, "y": true, "n": true,
	}
)

// yamlNode reads one JSON value of at most the given depth.
func yamlNode(dec *json.Decoder, depth int) (*yaml.Node, error) {
	if depth == 0 {
		return nil, errors.New("nested too deeply")
	}
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch v := token.(type) {
	case json.Delim:
		n := &yaml.Node{Kind: yaml.MappingNode}
		if v == '[' {
			n.Kind = yaml.SequenceNode
		}
		for dec.More() {
			child, err := yamlNode(dec, depth-1) // in an object: key, value, key, value
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, child)
		}
		_, err := dec.Token()
		return n, err
	case string:
		n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: v}
		if !plain.MatchString(v) || reserved[strings.ToLower(v)] {
			n.Style = yaml.DoubleQuotedStyle
		}
		return n, nil
	case json.Number:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: v.String()}, nil
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: fmt.Sprint(v)}, nil
	default:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}, nil
	}
}
