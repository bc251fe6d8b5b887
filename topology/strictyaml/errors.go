package strictyaml

import (
	"slices"
	"strconv"
	"strings"
)

// Error is one mistake in a file.
type Error struct {
	File string
	Line int    // from 1; 0 is the file as a whole
	Path string // such as spec.links[3].capacity; "" is the document as a whole
	Msg  string
}

// Error gives `file:line: path: what`, without the parts that are not known.
func (e Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File + ":")
		if e.Line > 0 {
			b.WriteString(strconv.Itoa(e.Line) + ":")
		}
		b.WriteByte(' ')
	}
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	b.WriteString(e.Msg)
	return b.String()
}

// Errors are all mistakes of a file.
type Errors []Error

// Error gives one line for each mistake.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i := range e {
		lines[i] = e[i].Error()
	}
	return strings.Join(lines, "\n")
}

// maxErrors is how many mistakes of a file are told: nobody reads more, and
// each costs the search for its line.
const maxErrors = 100

// Add appends a mistake, as long as there are not too many.
func (e *Errors) Add(err Error) {
	if len(*e) <= maxErrors {
		*e = append(*e, err)
	}
}

// Err sorts the errors by line and returns them as an error; nil where there
// are none.
func (e Errors) Err() error {
	if len(e) == 0 {
		return nil
	}
	slices.SortStableFunc(e, func(a, b Error) int {
		if a.File != b.File {
			return strings.Compare(a.File, b.File)
		}
		return a.Line - b.Line
	})
	e = slices.Compact(e)
	if len(e) > maxErrors {
		e = append(e[:maxErrors:maxErrors], Error{File: e[0].File, Msg: "there are more errors"})
	}
	return e
}
