package clab

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/keiro-net/keiro/topology/strictyaml"
)

// expand substitutes variables before the text is YAML, as containerlab does:
// $VAR and ${VAR} stay as written where the variable is unset or empty,
// ${VAR:-text} and ${VAR:=text} give the text then, ${VAR-text} and
// ${VAR=text} only where it is unset, ${VAR+text} and ${VAR:+text} give the
// text where it is set; $$ is a dollar sign; $1 and $_ are no variables.
func expand(file string, data []byte, env func(string) (string, bool)) ([]byte, strictyaml.Errors) {
	var out strings.Builder
	var errs strictyaml.Errors
	fail := func(rest, msg string) {
		line := 1 + bytes.Count(data[:len(data)-len(rest)], []byte("\n"))
		errs.Add(strictyaml.Error{File: file, Line: line, Msg: msg})
	}
	rest := string(data)
	for {
		before, after, found := strings.Cut(rest, "$")
		out.WriteString(before)
		if !found {
			break
		}
		if out.Len() > strictyaml.MaxBytes {
			fail(after, "variables expand to more than the limit of a file")
			return nil, errs
		}
		name := variable(after)
		switch {
		case strings.HasPrefix(after, "$"):
			out.WriteByte('$')
			rest = after[1:]
		case name != "":
			out.WriteString(valueOr(env, name, "$"+name))
			rest = after[len(name):]
		case strings.HasPrefix(after, "{") && variable(after[1:]) != "":
			inner, next, closed := strings.Cut(after[1:], "}")
			if !closed || strings.ContainsAny(inner, "\r\n") {
				fail(after, "${ without }")
				rest = after
				continue
			}
			value, what := substitution(env, inner)
			if what != "" {
				fail(after, "${"+inner+"}: "+what)
			}
			out.WriteString(value)
			rest = next
		default:
			out.WriteByte('$')
			rest = after
		}
	}
	return []byte(out.String()), errs
}

// variable is the name of a variable at the beginning of s, or "".
func variable(s string) string {
	first, _ := utf8.DecodeRuneInString(s)
	end := strings.IndexFunc(s, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if end < 0 {
		end = len(s)
	}
	if name := s[:end]; !unicode.IsDigit(first) && name != "_" {
		return name
	}
	return ""
}

// valueOr is the value of a variable, or what stands instead of one that is
// unset or empty.
func valueOr(env func(string) (string, bool), name, instead string) string {
	if v, _ := env(name); v != "" {
		return v
	}
	return instead
}

// substitution is the value of ${inner}, or what is wrong with it.
func substitution(env func(string) (string, bool), inner string) (value, wrong string) {
	name := variable(inner)
	operator, text := inner[len(name):], ""
	if operator == "" {
		return valueOr(env, name, "${"+inner+"}"), ""
	}
	for _, o := range []string{":-", ":=", ":+", "-", "=", "+"} {
		if after, ok := strings.CutPrefix(operator, o); ok {
			operator, text = o, after
			break
		}
	}
	if strings.Contains(text, "${") {
		return "", "a substitution within a substitution is not supported"
	}
	if other, ok := strings.CutPrefix(text, "$"); ok && other != "" && variable(other) == other {
		text = valueOr(env, other, text)
	}
	_, set := env(name)
	switch operator {
	case ":-", ":=":
		return valueOr(env, name, text), ""
	case "-", "=":
		if !set {
			return text, ""
		}
		return valueOr(env, name, "${"+inner+"}"), ""
	case "+", ":+":
		if set {
			return text, ""
		}
		return "", ""
	}
	return "", "unknown operator: want one of :- := :+ - = +"
}
