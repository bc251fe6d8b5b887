package iac

import (
	"encoding/json"
	"fmt"
	"strings"
)

// A template is text with attributes of a resource in braces, such as
// `{tags.keiro_link}`; a dot leads into an object. `{@name}` and `{@index}` are
// the resource's own.

// checkTemplate says what is wrong with a template.
func checkTemplate(s string) error {
	for rest := s; ; {
		open := strings.IndexAny(rest, "{}")
		if open < 0 {
			return nil
		}
		if rest[open] == '}' {
			return fmt.Errorf("%q: } without {", s)
		}
		end := strings.IndexAny(rest[open+1:], "{}")
		if end < 1 || rest[open+1+end] != '}' {
			return fmt.Errorf("%q: want {attribute}", s)
		}
		rest = rest[open+end+2:]
	}
}

// unknownValue is an error: a value that only the apply will tell.
type unknownValue struct{ attribute string }

func (u unknownValue) Error() string { return u.attribute + " is known after the apply only" }

// fill puts in the attributes of one side of a resource's change.
func (r *Resource) fill(template string, side, unknown json.RawMessage) (string, error) {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(template, "{")
		out.WriteString(before)
		if !found {
			return out.String(), nil
		}
		name, after, _ := strings.Cut(rest, "}")
		value, err := r.attribute(name, side, unknown)
		if err != nil {
			return "", err
		}
		out.WriteString(value)
		template = after
	}
}

func (r *Resource) attribute(name string, side, unknown json.RawMessage) (string, error) {
	switch name {
	case "@name":
		return r.Name, nil
	case "@index":
		return scalar(name, r.Index)
	}
	path := strings.Split(name, ".")
	if is, _ := walk(unknown, path, true); string(is) == "true" {
		return "", unknownValue{name}
	}
	value, err := walk(side, path, false)
	if err != nil {
		return "", fmt.Errorf("attribute %s: %w", name, err)
	}
	return scalar(name, value)
}

// walk follows a path into objects. With early, a `true` on the way is what is
// found: all below it is unknown.
func walk(value json.RawMessage, path []string, early bool) (json.RawMessage, error) {
	for n, key := range path {
		if early && string(value) == "true" {
			return value, nil
		}
		var object map[string]json.RawMessage
		if err := json.Unmarshal(value, &object); err != nil || object == nil {
			return nil, fmt.Errorf("no object to find %s in", strings.Join(path[n:], "."))
		}
		next, ok := object[key]
		if !ok {
			return nil, fmt.Errorf("there is no %s", strings.Join(path[:n+1], "."))
		}
		value = next
	}
	return value, nil
}

// scalar is a value as text.
func scalar(name string, value json.RawMessage) (string, error) {
	var v any
	d := json.NewDecoder(strings.NewReader(string(value)))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return "", fmt.Errorf("attribute %s: it has no value", name)
	}
	switch v := v.(type) {
	case string:
		return v, nil
	case json.Number:
		return v.String(), nil
	case bool:
		return fmt.Sprint(v), nil
	}
	return "", fmt.Errorf("attribute %s: want text, a number or a truth value, not %s", name, value)
}
