package strictyaml

import (
	"bytes"
	"encoding"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Marshal writes documents as YAML, from the same structs that Decode fills.
// Equal values give equal bytes. It panics on types that Decode does not know
// and on values that cannot be written, which are mistakes of the program.
func Marshal(docs ...any) []byte {
	var out bytes.Buffer
	for i, doc := range docs {
		if i > 0 {
			out.WriteString("---\n")
		}
		writer := yaml.NewEncoder(&out)
		writer.SetIndent(2)
		err := writer.Encode(encode(reflect.ValueOf(doc), false))
		if err == nil {
			err = writer.Close()
		}
		if err != nil {
			panic(fmt.Sprintf("strictyaml: writing a %T: %v", doc, err))
		}
	}
	return out.Bytes()
}

// encode makes the node of a value; flow puts it on one line.
func encode(v reflect.Value, flow bool) *yaml.Node {
	if text, ok := v.Interface().(encoding.TextMarshaler); ok && (v.Kind() != reflect.Pointer || !v.IsNil()) {
		b, err := text.MarshalText()
		if err != nil {
			panic(fmt.Sprintf("strictyaml: writing a %v: %v", v.Type(), err))
		}
		return stringNode(string(b))
	}
	n := &yaml.Node{}
	if flow {
		n.Style = yaml.FlowStyle
	}
	switch v.Kind() {
	case reflect.Pointer:
		return encode(v.Elem(), flow)
	case reflect.Struct:
		n.Kind = yaml.MappingNode
		for _, f := range fieldsOf(v.Type()) {
			value := v.FieldByIndex(f.index)
			if f.omitzero && value.IsZero() {
				continue
			}
			child := encode(value, flow)
			if f.flow {
				onOneLine(child)
			}
			n.Content = append(n.Content, stringNode(f.name), child)
		}
	case reflect.Map:
		n.Kind = yaml.MappingNode
		for _, key := range slices.Sorted(maps.Keys(v.Interface().(map[string]string))) {
			n.Content = append(n.Content, stringNode(key), encode(v.MapIndex(reflect.ValueOf(key)), flow))
		}
	case reflect.Slice:
		n.Kind = yaml.SequenceNode
		for i := range v.Len() {
			n.Content = append(n.Content, encode(v.Index(i), flow))
		}
	case reflect.String:
		return stringNode(v.String())
	case reflect.Bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: strconv.FormatBool(v.Bool())}
	case reflect.Int, reflect.Int64:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: strconv.FormatInt(v.Int(), 10)}
	case reflect.Float64:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: strconv.FormatFloat(v.Float(), 'f', -1, 64)}
	default:
		panic("strictyaml: no way to write a " + v.Type().String())
	}
	return n
}

// onOneLine puts a value on one line, or, in a list of lists or mappings, each
// of these.
func onOneLine(n *yaml.Node) {
	if n.Kind == yaml.SequenceNode && len(n.Content) > 0 && n.Content[0].Kind != yaml.ScalarNode {
		for _, c := range n.Content {
			c.Style |= yaml.FlowStyle
		}
		return
	}
	n.Style |= yaml.FlowStyle
}

// stringNode writes a text so that it is read back as that text, by readers of
// YAML 1.1 as well.
func stringNode(s string) *yaml.Node {
	s = strings.ToValidUTF8(s, "\uFFFD")
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	_, oldBool := parseBool(s, true)
	notPlain := func(r rune) bool { return r < ' ' || r > '~' }
	if oldBool && len(s) > 1 || resolve(s) != stringScalar || strings.ContainsFunc(s, notPlain) || strings.Contains(s, ":") && !strings.Contains(s, `"`) {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}
