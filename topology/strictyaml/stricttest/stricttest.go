// Package stricttest runs tables of bad files through a parser and compares
// what it says. Tests of packages that read with strictyaml call it; nothing
// else does.
package stricttest

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what the parser says into the archives")

var marker = regexp.MustCompile(`(?m)^-- (\S+) --\n`)

// Errors reads an archive in the txtar format: pairs of a file and of the
// exact text that parse must return for it, `name.yaml` and `name.err`. With
// -update the second of a pair may be missing.
func Errors(t *testing.T, archive string, parse func(file string, data []byte) error) {
	t.Helper()
	data, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	marks := marker.FindAllSubmatchIndex(data, -1)
	if len(marks) == 0 {
		t.Fatalf("%s: no files", archive)
	}
	want, files := map[string]string{}, []string{}
	text := map[string][]byte{}
	for i, m := range marks {
		end := len(data)
		if i+1 < len(marks) {
			end = marks[i+1][0]
		}
		name, body := string(data[m[2]:m[3]]), data[m[1]:end]
		if base, golden := strings.CutSuffix(name, ".err"); golden {
			want[base] = string(body)
			continue
		}
		files, text[name] = append(files, name), body
	}
	out := bytes.NewBuffer(data[:marks[0][0]:marks[0][0]])
	for _, file := range files {
		base, _, _ := strings.Cut(file, ".")
		t.Run(base, func(t *testing.T) {
			err := parse(file, text[file])
			if err == nil {
				t.Fatal("no error")
			}
			got := err.Error() + "\n"
			if got != want[base] && !*update {
				t.Errorf("got\n%swant\n%s", got, want[base])
			}
			fmt.Fprintf(out, "-- %s --\n%s-- %s.err --\n%s", file, text[file], base, got)
		})
	}
	if *update {
		if err := os.WriteFile(archive, out.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}
