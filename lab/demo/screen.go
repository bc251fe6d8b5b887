package demo

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// width of what the demo says itself, in columns.
const width = 80

// screen shows the demo as a session in a terminal: headings, what is said as
// comments, commands behind a prompt. What the commands print stands as it is.
type screen struct {
	out    io.Writer
	colour bool
	acts   int
}

// The looks, as SGR parameters (ECMA-48 section 8.3.117).
const (
	bold = "1"
	dim  = "2"
	cyan = "36"
)

func (s *screen) look(sgr, text string) string {
	if !s.colour {
		return text
	}
	return "\x1b[" + sgr + "m" + text + "\x1b[0m"
}

// printf writes. Where nobody reads any more the demo goes on to its end.
func (s *screen) printf(format string, args ...any) { _, _ = fmt.Fprintf(s.out, format, args...) }

// act begins the next part of the story.
func (s *screen) act(title string) {
	s.acts++
	line := fmt.Sprintf("── %d ── %s ", s.acts, title)
	line += strings.Repeat("─", max(0, width-utf8.RuneCountInString(line)))
	s.printf("\n%s\n\n", s.look(bold, line))
}

// say comments, in lines of the screen's width.
func (s *screen) say(format string, args ...any) {
	line := "#"
	for _, word := range strings.Fields(fmt.Sprintf(format, args...)) {
		if utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			s.printf("%s\n", s.look(dim, line))
			line = "#"
		}
		line += " " + word
	}
	s.printf("%s\n", s.look(dim, line))
}

// command shows what an operator would type.
func (s *screen) command(format string, args ...any) {
	s.printf("%s %s\n", s.look(cyan, "$"), s.look(bold, fmt.Sprintf(format, args...)))
}

// rows shows names and values in two columns; a row without a name goes on
// with the one above.
func (s *screen) rows(rows ...[2]string) {
	names := 0
	for _, r := range rows {
		names = max(names, utf8.RuneCountInString(r[0]))
	}
	for _, r := range rows {
		s.printf("  %s%s   %s\n", r[0], strings.Repeat(" ", names-utf8.RuneCountInString(r[0])), r[1])
	}
}
