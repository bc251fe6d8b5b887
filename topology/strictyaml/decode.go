package strictyaml

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Value is a part of a document that is decoded later, when it is known what
// it should be. The zero Value is absent.
type Value struct {
	doc  *Document
	node *yaml.Node
	path string
}

// Present reports whether there is anything: a null is something.
func (v Value) Present() bool { return v.node != nil }

// IsMapping, IsList and IsNull tell what there is.
func (v Value) IsMapping() bool { return v.node != nil && v.node.Kind == yaml.MappingNode }

// IsList reports whether there is a list.
func (v Value) IsList() bool { return v.node != nil && v.node.Kind == yaml.SequenceNode }

// IsNull reports whether nothing is written where a value could be.
func (v Value) IsNull() bool {
	return v.node != nil && v.node.Kind == yaml.ScalarNode && scalarOf(v.node) == nullScalar
}

// Path is where the value stands.
func (v Value) Path() string { return v.path }

// Line is the line on which the value begins.
func (v Value) Line() int { return v.node.Line }

// Errorf makes an error about the value.
func (v Value) Errorf(format string, args ...any) Error {
	return Error{File: v.doc.file, Line: v.node.Line, Path: v.path, Msg: fmt.Sprintf(format, args...)}
}

// Decode is Document.Decode for a part of the document.
func (v Value) Decode(into any) Errors {
	d := decoder{doc: v.doc}
	d.value(v.node, reflect.ValueOf(into).Elem(), v.path)
	return d.errs
}

// Decode reads the document into the struct that the pointer points to. Keys
// are the names of `json` tags; `strict:"required"` makes one mandatory. The
// types are strings, booleans, integers, floats, whatever has UnmarshalText,
// pointers, lists, maps by string, structs and Value. A list or map that is
// given and empty is not nil. What is wrong stays zero and is reported.
func (d *Document) Decode(into any) Errors {
	return Value{doc: d, node: d.root}.Decode(into)
}

type decoder struct {
	doc    *Document
	errs   Errors
	fields map[reflect.Type][]field
}

func (d *decoder) fail(n *yaml.Node, path, format string, args ...any) {
	d.errs.Add(Value{d.doc, n, path}.Errorf(format, args...))
}

var (
	valueType = reflect.TypeFor[Value]()
	textType  = reflect.TypeFor[encoding.TextUnmarshaler]()
)

func (d *decoder) value(n *yaml.Node, v reflect.Value, path string) {
	if v.Type() == valueType {
		v.Set(reflect.ValueOf(Value{d.doc, n, path}))
		return
	}
	if n.Kind == yaml.ScalarNode && scalarOf(n) == nullScalar {
		if !d.doc.lenient {
			d.fail(n, path, "no value: give one or leave the key out")
		}
		return
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem(), path)
		return
	}
	if v.Addr().Type().Implements(textType) {
		if d.want(n, yaml.ScalarNode, "a text", path) {
			if err := v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(n.Value)); err != nil {
				d.fail(n, path, "%v", err)
			}
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.structure(n, v, path)
	case reflect.Map:
		d.mapping(n, v, path)
	case reflect.Slice:
		if d.want(n, yaml.SequenceNode, "a list", path) {
			v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
			for i, c := range n.Content {
				d.value(c, v.Index(i), Index(path, i))
			}
		}
	default:
		d.scalar(n, v, path)
	}
}

// want reports whether the node is of the wanted kind, and complains if not.
func (d *decoder) want(n *yaml.Node, kind yaml.Kind, what, path string) bool {
	if n.Kind != kind {
		d.fail(n, path, "want %s, found %s", what, describe(n))
	}
	return n.Kind == kind
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value, path string) {
	if !d.want(n, yaml.MappingNode, "a mapping", path) {
		return
	}
	v.Set(reflect.MakeMapWithSize(v.Type(), len(n.Content)/2))
	for i := 0; i < len(n.Content); i += 2 {
		element := reflect.New(v.Type().Elem()).Elem()
		d.value(n.Content[i+1], element, Key(path, n.Content[i].Value))
		v.SetMapIndex(reflect.ValueOf(n.Content[i].Value), element)
	}
}

func (d *decoder) structure(n *yaml.Node, v reflect.Value, path string) {
	if !d.want(n, yaml.MappingNode, "a mapping", path) {
		return
	}
	fields, known := d.fields[v.Type()]
	if !known {
		fields = fieldsOf(v.Type())
		if d.fields == nil {
			d.fields = map[reflect.Type][]field{}
		}
		d.fields[v.Type()] = fields
	}
	given := make([]bool, len(fields))
	for i := 0; i < len(n.Content); i += 2 {
		key := n.Content[i]
		f := find(fields, key.Value)
		if f < 0 {
			d.fail(key, Key(path, key.Value), "unknown key%s", suggest(key.Value, fields))
			continue
		}
		given[f] = true
		d.value(n.Content[i+1], v.FieldByIndex(fields[f].index), Key(path, key.Value))
	}
	for i, f := range fields {
		if f.required && !given[i] {
			d.fail(n, Key(path, f.name), "missing")
		}
	}
}

func (d *decoder) scalar(n *yaml.Node, v reflect.Value, path string) {
	kind := stringScalar
	if n.Kind == yaml.ScalarNode {
		kind = scalarOf(n)
	}
	ok := n.Kind == yaml.ScalarNode
	var what string
	switch v.Kind() {
	case reflect.String:
		what = "a text"
		if kind != stringScalar && ok && !d.doc.lenient {
			d.fail(n, path, "want a text, found %s: quote it", describe(n))
			return
		}
		v.SetString(n.Value)
	case reflect.Bool:
		what = "true or false"
		var b bool
		if ok && kind == boolScalar || d.doc.lenient && n.Style == 0 {
			b, ok = parseBool(n.Value, d.doc.lenient)
			v.SetBool(b)
		} else {
			ok = false
		}
	case reflect.Int, reflect.Int64:
		what = "a whole number"
		number, err := strconv.ParseInt(n.Value, 0, 64)
		switch digits := strings.TrimLeft(n.Value, "+-"); {
		case kind != intScalar:
		case len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9':
			d.fail(n, path, "bad number %s: the leading zero could mean octal", shorten(n.Value))
			return
		case err != nil:
			d.fail(n, path, "bad number %s: too large", shorten(n.Value))
			return
		}
		ok = ok && kind == intScalar
		v.SetInt(number)
	case reflect.Float64:
		what = "a number"
		number, err := strconv.ParseFloat(n.Value, 64)
		ok = ok && (kind == intScalar || kind == floatScalar) && err == nil && !math.IsInf(number, 0) && !math.IsNaN(number)
		v.SetFloat(number)
	default:
		panic("strictyaml: no way to read a " + v.Type().String())
	}
	if !ok {
		v.SetZero()
		d.fail(n, path, "want %s, found %s", what, describe(n))
	}
}
