package gml

import (
	"bytes"
	"fmt"
	"html"
	"strings"
	"unicode/utf8"
)

type kind uint8

const (
	end    kind = iota
	word        // a key, or a number
	text        // a string, without its quotes and entities
	opened      // [
	closed      // ]
)

type token struct {
	kind kind
	text string
	line int
}

func (t token) String() string {
	switch t.kind {
	case end:
		return "the end of the file"
	case opened:
		return "["
	case closed:
		return "]"
	}
	return fmt.Sprintf("%.80q", t.text)
}

// scanner cuts a file into tokens.
type scanner struct {
	data []byte
	at   int
	line int // from 1
}

const space = " \t\r\n\f\v"

// next returns the next token; an error is a string that does not end.
func (s *scanner) next() (token, error) {
	s.skip()
	t := token{line: s.line}
	if s.at == len(s.data) {
		return t, nil
	}
	start := s.at
	switch s.data[s.at] {
	case '[':
		s.at++
		t.kind = opened
	case ']':
		s.at++
		t.kind = closed
	case '"':
		length := bytes.IndexByte(s.data[start+1:min(len(s.data), start+1+maxText)], '"')
		if length < 0 {
			return t, fmt.Errorf("the string does not end: want \" within %d bytes", maxText)
		}
		s.at += length + 2
		raw := string(s.data[start+1 : start+1+length])
		s.line += strings.Count(raw, "\n")
		t.kind, t.text = text, html.UnescapeString(utf8Of(raw))
	default:
		for s.at < len(s.data) && !strings.ContainsRune(space+`[]"`, rune(s.data[s.at])) {
			s.at++
		}
		t.kind, t.text = word, string(s.data[start:s.at])
	}
	return t, nil
}

// skip passes white space and comments.
func (s *scanner) skip() {
	comment := false
	for ; s.at < len(s.data); s.at++ {
		switch c := s.data[s.at]; {
		case c == '\n':
			s.line++
			comment = false
		case comment || strings.IndexByte(space, c) >= 0:
		case c == '#':
			comment = true
		default:
			return
		}
	}
}

// utf8Of reads bytes beyond ASCII, which GML does not have and files do, as
// UTF-8 or else as ISO 8859-1.
func utf8Of(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	runes := make([]rune, len(s))
	for i := range len(s) {
		runes[i] = rune(s[i])
	}
	return string(runes)
}
