// Package output prints data: tables for people, JSON and YAML for programs,
// from one value. It decides no exit code and reads nothing. The commands of
// package cli call it.
package output

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/keiro-net/keiro/topology/strictyaml"
)

// Format is how data is printed, and the value of the flag -o.
type Format string

// The formats.
const (
	TableFormat Format = "table"
	Wide        Format = "wide" // a table with more columns
	JSON        Format = "json"
	YAML        Format = "yaml"
)

// Formats lists them all, in the order of the help text.
var Formats = []string{string(TableFormat), string(Wide), string(JSON), string(YAML)}

// Set, String and Type make a Format a flag.
func (f *Format) Set(s string) error {
	for _, known := range Formats {
		if s == known {
			*f = Format(s)
			return nil
		}
	}
	return fmt.Errorf("want one of %s", strings.Join(Formats, ", "))
}

func (f *Format) String() string { return string(*f) }

// Type names the values in the help text.
func (f *Format) Type() string { return strings.Join(Formats, "|") }

// Printer writes data somewhere.
type Printer struct {
	Out    io.Writer
	Colour bool
}

// Print writes data as JSON or YAML, or else what text makes of it for people.
// Nothing is written where that fails.
func (p Printer) Print(f Format, data any, text func(*Text)) error {
	var b bytes.Buffer
	switch f {
	case JSON, YAML:
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false) // a relaxation says `20ms -> 21ms`
		e.SetIndent("", "  ")
		if err := e.Encode(data); err != nil {
			return err
		}
	default:
		text(&Text{out: &b, Wide: f == Wide, colour: p.Colour})
	}
	document := b.Bytes()
	if f == YAML {
		var err error
		if document, err = strictyaml.FromJSON(document); err != nil {
			return err
		}
	}
	_, err := p.Out.Write(document)
	return err
}
