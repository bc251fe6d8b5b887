// Package plays runs the plays in testdata: what happens, and what comes of it,
// as text. What a line means is the caller's. Only tests call it.
package plays

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what the plays print into testdata")

// Update reports whether testdata is to be written anew (-update), for those who
// keep what they print in another form.
func Update() bool { return *update }

// Run gives the text of every testdata/*.play to play, each in a test of its
// own, which returns it with what is printed now: that must be the same.
func Run(t *testing.T, play func(t *testing.T, text string) string) {
	files, _ := filepath.Glob("testdata/*.play")
	if len(files) == 0 {
		t.Fatal("no plays")
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".play"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(text))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			} else if got != string(text) {
				t.Errorf("%s differs; run with -update and read the diff. got:\n%s", file, got)
			}
		})
	}
}
