package diff

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/strictyaml"
)

// document is a topology in the words of its file, so that whatever a file can
// say can be compared and changed, without a list of fields here.
type document struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Spec spec `json:"spec"`
}

type spec struct {
	Sites []object `json:"sites,omitempty"`
	Nodes []object `json:"nodes,omitempty"`
	Links []object `json:"links,omitempty"`
	SRLGs []object `json:"srlgs,omitempty"`
}

// object is an entry of one of the lists: text, json.Number, bool, or lists
// and mappings of them.
type object map[string]any

func (o object) name() string { return o.text("name") }

func (o object) text(key string) string {
	s, _ := o[key].(string)
	return s
}

// open writes a topology as a document.
func open(t *topology.Topology) *document {
	data, err := t.MarshalJSON()
	d := new(document)
	if err == nil {
		reader := json.NewDecoder(bytes.NewReader(data))
		reader.UseNumber() // a coordinate stays as it is
		err = reader.Decode(d)
	}
	if err != nil {
		panic(fmt.Sprintf("diff: a topology that is no document: %v", err)) // a mistake of package topology
	}
	return d
}

// topology reads the document back.
func (d *document) topology() (*topology.Topology, error) {
	data, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	return topology.Parse("", data)
}

// kinds are the lists, in the order of the file.
var kinds = []string{"site", "node", "link", "srlg"}

func (d *document) list(kind string) *[]object {
	switch kind {
	case "site":
		return &d.Spec.Sites
	case "node":
		return &d.Spec.Nodes
	case "link":
		return &d.Spec.Links
	case "srlg":
		return &d.Spec.SRLGs
	}
	return nil
}

func (d *document) find(kind, name string) object {
	list := d.list(kind)
	if list == nil {
		return nil
	}
	i := slices.IndexFunc(*list, func(o object) bool { return o.name() == name })
	if i < 0 {
		return nil
	}
	return (*list)[i]
}

// index gives the entries of a list by name, and their names in order.
func index(list []object) (names []string, by map[string]object) {
	by = make(map[string]object, len(list))
	for _, o := range list {
		names = append(names, o.name())
		by[o.name()] = o
	}
	return names, by
}

// nested are the keys that hold mappings.
var nested = []string{"ba", "labels", "interfaces", "addresses"}

// derived marks values that were computed. That is no value itself: a delay
// that somebody measured to be what was computed changes nothing.
const derived = "derived"

// fields gives the values of an entry by the path of their keys, such as
// "delay" and "ba.delay".
func (o object) fields() map[string]any {
	out := make(map[string]any, len(o))
	for key, value := range o {
		if key == derived {
			continue
		}
		inner, ok := value.(map[string]any)
		if !ok {
			out[key] = value
			continue
		}
		for k, v := range inner {
			if k != derived || key == "labels" {
				out[strictyaml.Key(key, k)] = v
			}
		}
	}
	return out
}

// put sets a field, or takes it away where the value is nil.
func (o object) put(field string, value any) {
	at := map[string]any(o)
	for _, outer := range nested {
		rest, ok := strings.CutPrefix(field, outer)
		if !ok || rest == "" || rest[0] != '.' && rest[0] != '[' {
			continue
		}
		inner, _ := o[outer].(map[string]any)
		if inner = maps.Clone(inner); inner == nil {
			inner = map[string]any{}
		}
		o[outer], at = inner, inner
		field = unquote(rest)
		defer func() {
			if len(inner) == 0 {
				delete(o, outer)
			}
		}()
		break
	}
	declare(at, field)
	if value == nil {
		delete(at, field)
		return
	}
	at[field] = value
}

// declare takes a value off the list of those that were computed.
func declare(at map[string]any, field string) {
	list, ok := at[derived].([]any)
	if !ok {
		return
	}
	rest := slices.DeleteFunc(slices.Clone(list), func(v any) bool { return v == field })
	if at[derived] = rest; len(rest) == 0 {
		delete(at, derived)
	}
}

// unquote gives the key of `.key` or `["key"]`.
func unquote(rest string) string {
	if quoted, ok := strings.CutPrefix(rest, "["); ok {
		if key, err := strconv.Unquote(strings.TrimSuffix(quoted, "]")); err == nil {
			return key
		}
	}
	return strings.TrimPrefix(rest, ".")
}

// longest is how much of a value is shown.
const longest = 100

// show writes a value for people, as a file would have it on one line.
func show(field string, value any) string {
	if value == nil {
		return absent(field)
	}
	s := flow(value)
	if len(s) > longest {
		s = strings.ToValidUTF8(s[:longest], "") + "..."
	}
	return s
}

func flow(value any) string {
	switch v := value.(type) {
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = flow(v[i])
		}
		return "[" + strings.Join(parts, ", ") + "]"
	default:
		return fmt.Sprint(v)
	}
}

// absent is what it means that nothing is written.
func absent(field string) string {
	switch {
	case field == "metric":
		return "1"
	case field == "qkd":
		return "false"
	case field == "agent":
		return "true"
	case field == "steering":
		return "by the agent, if there is one"
	case field == "guard":
		return "enforce"
	case strings.HasPrefix(field, "ba."):
		return "as from a to b"
	case strings.HasPrefix(field, "labels"):
		return "none"
	}
	return "unknown"
}
