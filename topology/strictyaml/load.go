package strictyaml

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// loader checks the tree that the library has read: its depth, its keys, and
// that nothing in it is an anchor, an alias, a merge key or a tag; or, where
// lenient, follows those that stay small.
type loader struct {
	file    string
	lenient bool
	errs    Errors
	values  int
	open    map[*yaml.Node]bool // anchors that are being followed
}

func (l *loader) fail(line int, path, format string, args ...any) {
	l.errs.Add(Error{File: l.file, Line: line, Path: path, Msg: fmt.Sprintf(format, args...)})
}

// load returns the tree without aliases and merge keys.
func (l *loader) load(n *yaml.Node, path string, depth int) *yaml.Node {
	if l.values++; l.values == maxValues+1 && l.lenient {
		l.fail(n.Line, path, "aliases expand to more than %d values", maxValues)
	}
	if depth == maxDepth {
		l.fail(n.Line, path, "nested more than %d deep", maxDepth)
	}
	if depth >= maxDepth || l.lenient && l.values > maxValues {
		return &yaml.Node{Kind: yaml.ScalarNode, Line: n.Line}
	}
	if n.Style&yaml.TaggedStyle != 0 {
		l.fail(n.Line, path, "tags such as %s are not supported", shorten(n.Tag))
	}
	if n.Kind == yaml.AliasNode {
		return l.alias(n, path, depth)
	}
	if n.Anchor != "" && !l.lenient {
		l.fail(n.Line, path, "anchors such as &%s are not supported: write the value where it is used", shorten(n.Anchor))
	}
	switch n.Kind {
	case yaml.SequenceNode:
		for i, c := range n.Content {
			n.Content[i] = l.load(c, Index(path, i), depth+1)
		}
	case yaml.MappingNode:
		return l.mapping(n, path, depth)
	}
	return n
}

func (l *loader) alias(n *yaml.Node, path string, depth int) *yaml.Node {
	switch {
	case !l.lenient:
		l.fail(n.Line, path, "aliases such as *%s are not supported: write the value where it is used", shorten(n.Value))
	case l.open[n.Alias]:
		l.fail(n.Line, path, "*%s holds itself", shorten(n.Value))
	default:
		if l.open == nil {
			l.open = map[*yaml.Node]bool{}
		}
		l.open[n.Alias] = true
		defer delete(l.open, n.Alias)
		return l.load(copyOf(n.Alias), path, depth)
	}
	return n
}

// copyOf copies a node but not what it holds, which load replaces.
func copyOf(n *yaml.Node) *yaml.Node {
	c := *n
	c.Content = append([]*yaml.Node(nil), n.Content...)
	return &c
}

// mapping checks the keys, loads the values and, where lenient, merges what
// `<<` names: a key of the mapping itself wins, then the first that has it.
func (l *loader) mapping(n *yaml.Node, path string, depth int) *yaml.Node {
	lines := make(map[string]int, len(n.Content)/2)
	content := make([]*yaml.Node, 0, len(n.Content))
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind == yaml.AliasNode || key.Anchor != "" || key.Style&yaml.TaggedStyle != 0 {
			key = l.load(key, path, depth+1)
		}
		kind := stringScalar
		if key.Kind == yaml.ScalarNode {
			kind = scalarOf(key)
		}
		switch first, twice := lines[key.Value]; {
		case key.Kind != yaml.ScalarNode || kind == nullScalar:
			l.fail(key.Line, path, "want a key, found %s", describe(key))
			continue
		case kind != stringScalar && !l.lenient:
			l.fail(key.Line, path, "want a key that is a text, found %s: quote it", describe(key))
			continue
		case key.Value == "<<" && key.Style == 0 && l.lenient:
			merges = append(merges, value)
			continue
		case key.Value == "<<" && key.Style == 0:
			l.fail(key.Line, path, "merge keys (<<) are not supported: write the values where they are used")
			continue
		case twice:
			l.fail(key.Line, Key(path, key.Value), "the key stands twice: first on line %d", first)
			continue
		}
		lines[key.Value] = key.Line
		content = append(content, key, l.load(value, Key(path, key.Value), depth+1))
	}
	for _, from := range l.sources(merges, path, depth) {
		for i := 0; i+1 < len(from.Content); i += 2 {
			key := from.Content[i]
			if _, have := lines[key.Value]; !have {
				lines[key.Value] = key.Line
				content = append(content, key, from.Content[i+1])
			}
		}
	}
	n.Content = content
	return n
}

// sources are the mappings that the values of `<<` keys name.
func (l *loader) sources(merges []*yaml.Node, path string, depth int) []*yaml.Node {
	var mappings []*yaml.Node
	for _, m := range merges {
		m = l.load(m, path, depth+1)
		list := []*yaml.Node{m}
		if m.Kind == yaml.SequenceNode {
			list = m.Content
		}
		for _, from := range list {
			if from.Kind != yaml.MappingNode {
				l.fail(from.Line, path, "<< wants a mapping or a list of mappings, found %s", describe(from))
				continue
			}
			mappings = append(mappings, from)
		}
	}
	return mappings
}
