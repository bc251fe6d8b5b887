package strictyaml

import (
	"regexp"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// scalar is what a scalar is by the core schema, YAML 1.2.2 section 10.3.2.
// The library goes by YAML 1.1 in places, so its opinion is not asked.
type scalar int

const (
	stringScalar scalar = iota
	nullScalar
	boolScalar
	intScalar
	floatScalar
)

var (
	intPattern   = regexp.MustCompile(`^([-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$`)
	floatPattern = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$|^[-+]?\.(inf|Inf|INF)$|^\.(nan|NaN|NAN)$`)
)

func scalarOf(n *yaml.Node) scalar {
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return stringScalar
	}
	return resolve(n.Value)
}

func resolve(text string) scalar {
	switch text {
	case "", "~", "null", "Null", "NULL":
		return nullScalar
	case "true", "True", "TRUE", "false", "False", "FALSE":
		return boolScalar
	}
	switch c := text[0]; {
	case c != '+' && c != '-' && c != '.' && (c < '0' || c > '9'):
		return stringScalar
	case intPattern.MatchString(text):
		return intScalar
	case floatPattern.MatchString(text):
		return floatScalar
	}
	return stringScalar
}

// parseBool reads the booleans of YAML 1.2 and, where lenient, those of 1.1.
func parseBool(text string, lenient bool) (value, ok bool) {
	switch text {
	case "true", "True", "TRUE":
		return true, true
	case "false", "False", "FALSE":
		return false, true
	}
	if lenient {
		yes := slices.Contains([]string{"y", "Y", "yes", "Yes", "YES", "on", "On", "ON"}, text)
		no := slices.Contains([]string{"n", "N", "no", "No", "NO", "off", "Off", "OFF"}, text)
		return yes, yes || no
	}
	return false, false
}

// describe names what stands at a node, for an error message.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	switch scalarOf(n) {
	case nullScalar:
		return "nothing"
	case boolScalar:
		return "the boolean " + n.Value
	case intScalar, floatScalar:
		return "the number " + n.Value
	}
	return "the text " + strconv.Quote(shorten(n.Value))
}

// shorten keeps a message readable whatever a file holds.
func shorten(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	return s[:most] + "..."
}
