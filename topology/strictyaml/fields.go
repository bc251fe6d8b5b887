package strictyaml

import (
	"reflect"
	"slices"
	"strings"
)

// field is a field of a struct that stands in documents.
type field struct {
	index    []int
	name     string
	omitzero bool // json:",omitzero": a list that is given and empty says something, and stays
	required bool // strict:"required"
	flow     bool // strict:"flow": written on one line, or a line for each element
}

// fieldsOf lists the tagged fields of a struct and of those embedded in it.
func fieldsOf(t reflect.Type) []field {
	var fields []field
	for _, f := range reflect.VisibleFields(t) {
		tag, ok := f.Tag.Lookup("json")
		if !ok {
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		strict := strings.Split(f.Tag.Get("strict"), ",")
		fields = append(fields, field{
			index: f.Index, name: name,
			omitzero: options == "omitzero",
			required: slices.Contains(strict, "required"),
			flow:     slices.Contains(strict, "flow"),
		})
	}
	return fields
}

func find(fields []field, name string) int {
	return slices.IndexFunc(fields, func(f field) bool { return f.name == name })
}

// suggest names the known key that was probably meant.
func suggest(key string, fields []field) string {
	best, least := "", 3
	for _, f := range fields {
		if strings.EqualFold(f.name, key) {
			best = f.name
			break
		}
		if d := distance(key, f.name, least); d < least && d < len(f.name) {
			best, least = f.name, d
		}
	}
	if best == "" {
		return ""
	}
	return ": did you mean " + best + "?"
}

// distance is the Levenshtein distance of two keys; limit where it is no less.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
