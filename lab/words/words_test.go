package words

import (
	"reflect"
	"strings"
	"testing"
)

func TestSplit(t *testing.T) {
	for text, want := range map[string][]string{
		"ip link":                    {"ip", "link"},
		" a\t b\nc ":                 {"a", "b", "c"},
		`sh -c 'echo "$x" \n'`:       {"sh", "-c", `echo "$x" \n`},
		`a "b c" d\ e "f\"g\\h\n"`:   {"a", "b c", "d e", `f"g\h\n`},
		`a '' ""`:                    {"a", "", ""},
		`pre'mid'"post"`:             {"premidpost"},
		"a \\\nb \"c\\\nd\"":         {"a", "b", "cd"},
		``:                           nil,
		`''`:                         nil,
		`a 'b`:                       nil,
		`a "b`:                       nil,
		`a \`:                        nil,
		"経路 'に 沿う'":                  {"経路", "に 沿う"},
		"a=$HOME;b|c`d`":             {"a=$HOME;b|c`d`"},
		"bash -c \"a 'b' \\$c\" --x": {"bash", "-c", "a 'b' $c", "--x"},
	} {
		got, err := Split(text)
		if !reflect.DeepEqual(got, want) || (err == nil) != (want != nil) {
			t.Errorf("Split(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
}

// Quoting words and splitting them again gives the words.
func FuzzSplit(f *testing.F) {
	for _, seed := range []string{"ip link", `sh -c 'a "b"'`, `"a\"b" \c`, "'", "\\", "a\x00b", "\"\\\n\""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		words, err := Split(text)
		if err != nil {
			return
		}
		var quoted []string
		for _, w := range words {
			quoted = append(quoted, "'"+strings.ReplaceAll(w, "'", `'\''`)+"'")
		}
		again, err := Split(strings.Join(quoted, " "))
		if err != nil || !reflect.DeepEqual(again, words) {
			t.Errorf("%q splits into %q, which quoted splits into %q (%v)", text, words, again, err)
		}
	})
}
