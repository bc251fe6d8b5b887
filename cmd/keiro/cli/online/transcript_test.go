package online

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/internal/plays"
)

// TestTranscripts types the command lines of testdata/*.transcript, the lines
// that begin with `$ keiro `, one after the other at one desk, and compares
// what they say: lines of stderr begin with `! `, an exit code other than 0
// stands in brackets. Other lines that begin with # are comments.
func TestTranscripts(t *testing.T) {
	scripts, err := filepath.Glob("testdata/*.transcript")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, script := range scripts {
		t.Run(filepath.Base(script), func(t *testing.T) {
			text, err := os.ReadFile(script)
			if err != nil {
				t.Fatal(err)
			}
			w := newWorld(t)
			var said strings.Builder
			comment := true
			for line := range strings.Lines(string(text)) {
				command, typed := strings.CutPrefix(line, "$ keiro ")
				switch {
				case typed:
					comment = false
					said.WriteString(line)
					w.enter(t, &said, command)
				case strings.HasPrefix(line, "# populate"):
					said.WriteString(line)
					w.populate()
				case strings.HasPrefix(line, "# BGP"):
					said.WriteString(line)
					w.listen(t, strings.Contains(line, "declared"))
				case strings.HasPrefix(line, "# gold is steered by BGP"):
					said.WriteString(line)
					w.steer()
				case strings.HasPrefix(line, "# no lane serves"):
					said.WriteString(line)
					w.idle()
				case strings.HasPrefix(line, "# ") || comment:
					said.WriteString(line)
				}
			}
			if plays.Update() {
				if err := os.WriteFile(script, []byte(said.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if said.String() != string(text) {
				t.Errorf("%s: got\n%s", script, differing(string(text), said.String()))
			}
		})
	}
}

// idle takes all lanes out of use.
func (w *world) idle() {
	w.Update(func(s *resource.State) {
		for n, was := range s.Lanes {
			l := *was
			l.Serving = false
			s.Lanes[n] = &l
		}
	})
}

func (w *world) enter(t *testing.T, said *strings.Builder, line string) {
	code, stdout, stderr := w.run(t, strings.Fields(line)...)
	said.WriteString(stdout)
	for line := range strings.Lines(stderr) {
		said.WriteString("! " + strings.ReplaceAll(line, w.vars["KEIRO_SERVER"], "SERVER"))
	}
	if code != 0 {
		fmt.Fprintf(said, "[%d]\n", code)
	}
}

// differing is the part of got that is not as in want, with a line around.
func differing(want, got string) string {
	a, b := strings.SplitAfter(want, "\n"), strings.SplitAfter(got, "\n")
	from := 0
	for from < min(len(a), len(b)) && a[from] == b[from] {
		from++
	}
	return fmt.Sprintf("line %d:\n%s...\nwant\n%s", from+1, strings.Join(b[from:min(from+8, len(b))], ""), strings.Join(a[from:min(from+8, len(a))], ""))
}
