package strictyaml

import (
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

var plainKey = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_/-]*$`)

// Key is the path of a key of the mapping at path.
func Key(path, key string) string {
	switch {
	case !plainKey.MatchString(key):
		return path + "[" + strconv.Quote(key) + "]"
	case path == "":
		return key
	}
	return path + "." + key
}

// Index is the path of the element with this index of the list at path.
func Index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// Line is the line of a path, or of the nearest that leads to it.
func (d *Document) Line(path string) int {
	line, _ := d.Find(path)
	return line
}

// Find is Line, and whether there is something at the path itself.
func (d *Document) Find(path string) (line int, exact bool) {
	node, line := d.root, d.root.Line
	for path != "" {
		var next *yaml.Node
		var key string
		switch {
		case strings.HasPrefix(path, `["`):
			quoted, err := strconv.QuotedPrefix(path[1:])
			if err != nil {
				return line, false
			}
			key, _ = strconv.Unquote(quoted)
			path = strings.TrimPrefix(path[1+len(quoted):], "]")
		case path[0] == '[':
			digits, rest, _ := strings.Cut(path[1:], "]")
			index, err := strconv.ParseUint(digits, 10, 32)
			path = rest
			if err == nil && node.Kind == yaml.SequenceNode && index < uint64(len(node.Content)) {
				next = node.Content[index]
				line = next.Line
			}
		default:
			path = strings.TrimPrefix(path, ".")
			end := strings.IndexAny(path, ".[")
			if end < 0 {
				end = len(path)
			}
			key, path = path[:end], path[end:]
		}
		for i := 0; key != "" && node.Kind == yaml.MappingNode && i < len(node.Content); i += 2 {
			if node.Content[i].Value == key {
				next, line = node.Content[i+1], node.Content[i].Line
				break
			}
		}
		if next == nil {
			return line, false
		}
		node = next
	}
	return line, true
}
