package output

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Text is what people read: tables and lines between them.
type Text struct {
	Wide   bool
	out    *bytes.Buffer
	colour bool
}

// Printf writes a line, or part of one.
func (t *Text) Printf(format string, args ...any) { fmt.Fprintf(t.out, format, args...) }

// Table is aligned columns under their headings. The cells of Wide columns,
// the last ones, are shown with `-o wide` only.
type Table struct {
	Heads, Wide []string
	rows        [][]string
}

// Add appends a row: a cell for each heading, Wide ones included. An empty
// cell is shown empty, so that a row can continue the one above.
func (t *Table) Add(cells ...string) { t.rows = append(t.rows, cells) }

// colours are the SGR parameters (ECMA-48 section 8.3.117) of the words that
// say yes, no and cannot tell. Only a whole cell is coloured.
var colours = map[string]string{
	"satisfied": "32", "Satisfied": "32", "ok": "32", "up": "32", "open": "32", "enough": "32", "ready": "32", "True": "32", "resolved": "32", "Established": "32",
	"infeasible": "31", "violated": "31", "Violated": "31", "down": "31", "closed": "31", "revoked": "31", "failed": "31", "False": "31", "firing": "31", "cut": "31", "broken": "31", "Idle": "31",
	"unknown": "33", "degraded": "33", "Degraded": "33", "draining": "33", "low": "33", "drained": "33", "Unknown": "33",
	"Connect": "33", "Active": "33", "OpenSent": "33", "OpenConfirm": "33",
}

// Word colours a word that says yes, no or cannot tell.
func (t *Text) Word(word string) string {
	if sgr := colours[word]; t.colour && sgr != "" {
		return "\x1b[" + sgr + "m" + word + "\x1b[0m"
	}
	return word
}

const gap = "   "

// Table writes a table.
func (t *Text) Table(table *Table) {
	heads := table.Heads
	if t.Wide {
		heads = append(heads[:len(heads):len(heads)], table.Wide...)
	}
	rows := append([][]string{heads}, table.rows...)
	widths := make([]int, len(heads))
	for _, row := range rows {
		for i := range heads {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		pad := ""
		for i, cell := range row[:len(heads)] {
			if cell != "" {
				line.WriteString(pad + t.Word(cell))
				pad = ""
			}
			pad += strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)) + gap
		}
		t.Printf("%s\n", line.String())
	}
}
