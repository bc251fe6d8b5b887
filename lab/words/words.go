// Package words splits a command line into words, as a shell does, without a
// shell: what `exec` in a containerlab file asks for. It runs and expands
// nothing. The caller is lab.
package words

import (
	"errors"
	"strings"
)

// Split splits a command: blanks separate, '...' is literal, "..." and \ quote
// (POSIX shell, section 2.2). Nothing is expanded.
func Split(s string) ([]string, error) {
	var words []string
	var word strings.Builder
	open := false // a word has begun, perhaps an empty one
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case ' ', '\t', '\n', '\r':
			if open {
				words = append(words, word.String())
				word.Reset()
				open = false
			}
		case '\'':
			end := strings.IndexByte(s[i+1:], '\'')
			if end < 0 {
				return nil, errors.New("a ' is not closed")
			}
			word.WriteString(s[i+1 : i+1+end])
			i += end + 1
			open = true
		case '"':
			end, err := doubleQuoted(s[i+1:], &word)
			if err != nil {
				return nil, err
			}
			i += end + 1
			open = true
		case '\\':
			if i++; i == len(s) {
				return nil, errors.New("nothing follows the last \\")
			}
			if s[i] != '\n' {
				word.WriteByte(s[i])
				open = true
			}
		default:
			word.WriteByte(c)
			open = true
		}
	}
	if open {
		words = append(words, word.String())
	}
	if len(words) == 0 || words[0] == "" {
		return nil, errors.New("no command")
	}
	return words, nil
}

// doubleQuoted writes what stands up to the closing " and returns its index.
func doubleQuoted(s string, word *strings.Builder) (int, error) {
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return i, nil
		case s[i] == '\\' && i+1 < len(s) && s[i+1] == '\n':
			i++
		case s[i] == '\\' && i+1 < len(s) && strings.IndexByte("$`\"\\", s[i+1]) >= 0:
			i++
			word.WriteByte(s[i])
		default:
			word.WriteByte(s[i])
		}
	}
	return 0, errors.New("a \" is not closed")
}
