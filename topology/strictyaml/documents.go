package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// The bounds of what is read. A file of maxMarks structural characters has at
// most about as many values, each of which costs 200 bytes of memory.
const (
	MaxBytes  = 64 << 20
	maxMarks  = 4 << 20
	maxDepth  = 64
	maxValues = 1 << 20 // in a document after its aliases are followed
)

// Document is one document of a file.
type Document struct {
	APIVersion, Kind string // "" where missing or no string; Decode says so

	file string
	// lenient is how containerlab reads: any scalar will do for a string, and
	// null for nothing.
	lenient bool
	root    *yaml.Node // a mapping
}

// Documents reads the documents of a file of our own. Anchors, aliases, merge
// keys and tags are errors. Documents without a mistake are returned together
// with the errors of the others. Empty documents are skipped.
func Documents(file string, data []byte) ([]*Document, Errors) { return read(file, data, false) }

// Lenient reads the documents of a file whose format is not ours: aliases and
// merge keys are followed as far as that stays small, any scalar may stand for
// a string, and null for nothing.
func Lenient(file string, data []byte) ([]*Document, Errors) { return read(file, data, true) }

func read(file string, data []byte, lenient bool) ([]*Document, Errors) {
	if len(data) > MaxBytes {
		return nil, Errors{{File: file, Msg: fmt.Sprintf("%d bytes are too many: the limit is %d", len(data), MaxBytes)}}
	}
	if n := countMarks(data); n > maxMarks {
		return nil, Errors{{File: file, Msg: fmt.Sprintf("too many values: the limit is about %d", maxMarks)}}
	}
	var docs []*Document
	var errs Errors
	for reader := yaml.NewDecoder(bytes.NewReader(yamlEscapes(data))); ; {
		var node yaml.Node
		if err := reader.Decode(&node); errors.Is(err, io.EOF) {
			return docs, errs
		} else if err != nil {
			errs.Add(syntaxError(file, data, err))
			return docs, errs
		}
		root := node.Content[0]
		if root.Kind == yaml.ScalarNode && scalarOf(root) == nullScalar && root.Anchor == "" {
			continue
		}
		l := loader{file: file, lenient: lenient}
		root = l.load(root, "", 0)
		if len(l.errs) == 0 && root.Kind != yaml.MappingNode {
			l.fail(root.Line, "", "want a mapping, found %s", describe(root))
		}
		if len(l.errs) > 0 {
			errs = append(errs, l.errs...)
			continue
		}
		d := &Document{file: file, lenient: lenient, root: root}
		d.APIVersion, d.Kind = d.header("apiVersion"), d.header("kind")
		docs = append(docs, d)
	}
}

// countMarks counts the characters of which every value needs at least one.
func countMarks(data []byte) int {
	n := 0
	for _, c := range data {
		switch c {
		case ',', ':', '[', '{', '-', '?', '\n', '\r':
			n++
		}
	}
	return n
}

var syntaxLine = regexp.MustCompile(`^line (\d+): `)

// syntaxError makes an Error of one of the library, which counts lines from 0
// where its parser, not its scanner, complains, and which gives none for bytes
// that are no text.
func syntaxError(file string, data []byte, err error) Error {
	e := Error{File: file, Msg: strings.TrimPrefix(err.Error(), "yaml: ")}
	if m := syntaxLine.FindStringSubmatch(e.Msg); m != nil {
		e.Line, _ = strconv.Atoi(m[1])
		e.Msg = e.Msg[len(m[0]):]
	}
	switch {
	case strings.HasPrefix(e.Msg, "did not find expected"):
		e.Line++
	case e.Line == 0:
		if at := noText(data); at >= 0 {
			e.Line = 1 + bytes.Count(data[:at], []byte("\n"))
		}
	}
	e.Msg = "not YAML: " + e.Msg
	return e
}

// noText is where the data cease to be text, or -1.
func noText(data []byte) int {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 || unicode.IsControl(r) && !strings.ContainsRune("\t\n\r\u0085", r) {
			return i
		}
		i += size
	}
	return -1
}

func (d *Document) header(key string) string {
	for i := 0; i < len(d.root.Content); i += 2 {
		if v := d.root.Content[i+1]; d.root.Content[i].Value == key && v.Kind == yaml.ScalarNode && scalarOf(v) == stringScalar {
			return v.Value
		}
	}
	return ""
}

// Errorf makes an error at a path of the document, with the line of the path
// or, where there is no such path, of the nearest that leads to it.
func (d *Document) Errorf(path, format string, args ...any) Error {
	return Error{File: d.file, Line: d.Line(path), Path: path, Msg: fmt.Sprintf(format, args...)}
}
