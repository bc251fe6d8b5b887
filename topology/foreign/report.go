package foreign

import (
	"fmt"
	"strings"
)

// Report tells what an import derived, changed or left out.
type Report struct {
	notes []note
	index map[string]int // of notes, by text
}

type note struct {
	text  string
	count int
	names []string // the first few
}

// namesShown is how many examples a note gives.
const namesShown = 4

// Add counts one more thing that the text holds for; name is an example, or
// empty.
func (r *Report) Add(text, name string) {
	n := r.note(text)
	n.count++
	if name != "" && len(n.names) < namesShown {
		n.names = append(n.names, fmt.Sprintf("%.80s", printable(name)))
	}
}

// Count counts n more things that the text holds for, without examples.
func (r *Report) Count(text string, n int) {
	if n > 0 {
		r.note(text).count += n
	}
}

func (r *Report) note(text string) *note {
	i, known := r.index[text]
	if !known {
		if r.index == nil {
			r.index = map[string]int{}
		}
		i = len(r.notes)
		r.index[text] = i
		r.notes = append(r.notes, note{text: text})
	}
	return &r.notes[i]
}

// Lines is the report for people: a line for each note, in the order in which
// they arose.
func (r *Report) Lines() []string {
	lines := make([]string, len(r.notes))
	for i, n := range r.notes {
		lines[i] = fmt.Sprintf("%s: %d", n.text, n.count)
		if len(n.names) == 0 {
			continue
		}
		more := ""
		if n.count > len(n.names) {
			more = ", ..."
		}
		lines[i] += " (" + strings.Join(n.names, ", ") + more + ")"
	}
	return lines
}
