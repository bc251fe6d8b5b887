package iac

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/strictyaml"
)

// Kind is that of the document that a Map is written in.
const Kind = "GateMap"

// Map says which resources carry which part of a topology. The first Rule that
// fits a resource counts.
type Map struct {
	Rules    []Rule
	Unmapped Unmapped
}

// Unmapped is what becomes of a resource that changes and that no Rule fits.
type Unmapped string

// Ignore says nothing of it, Tell names it, Fail makes it an error.
const (
	Ignore Unmapped = "ignore"
	Tell   Unmapped = "tell"
	Fail   Unmapped = "fail"
)

// Rule maps resources of a type to an object of the topology. Object, and the
// values of Set, are templates.
type Rule struct {
	Type    string // of the resource; * and ? as in a file name
	Address string // likewise; "": any
	Kind    string // link, node, srlg or site
	Object  string // its name
	// Set gives fields of the object from attributes of the resource, such as
	// capacity: "{bandwidth}"; they count where the attributes change.
	Set []Field
	// Deleted says what the end of the resource does to the object: remove (for
	// good), drain or ignore; Replaced, what its replacement does.
	Deleted, Replaced string
	line              int
	file              string
}

// Field is a field of an object, in the words of a topology, and its template.
type Field struct{ Name, Value string }

var (
	kinds   = []string{"link", "node", "srlg", "site"}
	effects = []string{"remove", "drain", "ignore"}
)

// ParseMap reads a Map, and tells all mistakes at once.
//
//	apiVersion: keiro/v1
//	kind: GateMap
//	metadata: {name: clouds}
//	spec:
//	  unmapped: tell
//	  rules:
//	    - {type: aws_dx_connection, link: "{tags.keiro_link}", set: {capacity: "{bandwidth}"}}
//	    - {type: "google_compute_interconnect_*", address: "module.osaka.*", link: "{name}", deleted: drain}
func ParseMap(file string, data []byte) (*Map, error) {
	docs, errs := strictyaml.Documents(file, data)
	docs, more := strictyaml.Select(docs, topology.APIVersion, Kind)
	errs = append(errs, more...)
	m := &Map{}
	for _, d := range docs {
		var doc struct {
			APIVersion string `json:"apiVersion" strict:"required"`
			Kind       string `json:"kind" strict:"required"`
			Metadata   struct {
				Name string `json:"name"`
			} `json:"metadata"`
			Spec struct {
				Unmapped Unmapped `json:"unmapped"`
				Rules    []struct {
					Type     string            `json:"type" strict:"required"`
					Address  string            `json:"address"`
					Link     string            `json:"link"`
					Node     string            `json:"node"`
					SRLG     string            `json:"srlg"`
					Site     string            `json:"site"`
					Set      map[string]string `json:"set"`
					Deleted  string            `json:"deleted"`
					Replaced string            `json:"replaced"`
				} `json:"rules"`
			} `json:"spec" strict:"required"`
		}
		c := d.Check(&doc)
		if m.Unmapped = doc.Spec.Unmapped; m.Unmapped == "" {
			m.Unmapped = Tell
		}
		if !slices.Contains([]Unmapped{Ignore, Tell, Fail}, m.Unmapped) {
			c.Fail("spec.unmapped", "%q: want ignore, tell or fail", m.Unmapped)
		}
		for n, in := range doc.Spec.Rules {
			at := strictyaml.Index("spec.rules", n)
			r := Rule{Type: in.Type, Address: in.Address, Deleted: in.Deleted, Replaced: in.Replaced, file: file, line: c.Line(at)}
			for i, object := range []string{in.Link, in.Node, in.SRLG, in.Site} {
				if object != "" && r.Kind != "" {
					c.Fail(at, "%s and %s: want one object", r.Kind, kinds[i])
				}
				if object != "" {
					r.Kind, r.Object = kinds[i], object
				}
			}
			if r.Kind == "" {
				c.Fail(at, "want one of %s", strings.Join(kinds, ", "))
			}
			c.Check(at, checkTemplate(r.Object))
			for _, pattern := range []string{r.Type, r.Address} {
				if _, err := path.Match(pattern, ""); err != nil {
					c.Fail(at, "%q: bad pattern", pattern)
				}
			}
			for _, e := range []struct {
				word  *string
				field string
				or    string
			}{{&r.Deleted, "deleted", "remove"}, {&r.Replaced, "replaced", "drain"}} {
				if *e.word == "" {
					*e.word = e.or
				}
				if !slices.Contains(effects, *e.word) {
					c.Fail(strictyaml.Key(at, e.field), "%q: want %s", *e.word, strings.Join(effects, ", "))
				}
			}
			for name, value := range in.Set {
				c.Check(strictyaml.Key(strictyaml.Key(at, "set"), name), checkTemplate(value))
				r.Set = append(r.Set, Field{name, value})
			}
			slices.SortFunc(r.Set, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
			m.Rules = append(m.Rules, r)
		}
		errs = append(errs, c.Errors...)
	}
	if len(errs) == 0 && len(docs) != 1 {
		return nil, fmt.Errorf("%s: want one document of kind %s, found %d", file, Kind, len(docs))
	}
	if err := errs.Err(); err != nil {
		return nil, err
	}
	return m, nil
}

// rule is the first that fits; nil: none does.
func (m *Map) rule(r *Resource) *Rule {
	for n := range m.Rules {
		rule := &m.Rules[n]
		byType, _ := path.Match(rule.Type, r.Type)
		// An address has slashes only within an index, where they mean nothing.
		flat := strings.NewReplacer("/", "_", "[", "(", "]", ")")
		byAddress, _ := path.Match(flat.Replace(rule.Address), flat.Replace(r.Address))
		if byType && (rule.Address == "" || byAddress) {
			return rule
		}
	}
	return nil
}
