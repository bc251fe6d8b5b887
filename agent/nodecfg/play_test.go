package nodecfg

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write what the plays say now into testdata")

// Plays are txtar files: Configs as JSON in the order in which they are
// obeyed, `left-out NAME...` and `local ADDR...` lines in the file before
// them as comment, and after each one what is done to the kernel.
func TestPlays(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no plays: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			state := make(State)
			cfg := new(Config)
			leftOut := make(map[string]bool)
			for i, f := range ar.Files {
				got := ""
				switch {
				case strings.HasSuffix(f.Name, ".json"):
					cfg = new(Config)
					if err := json.Unmarshal(f.Data, cfg); err != nil {
						t.Fatalf("%s: %v", f.Name, err)
					}
					continue
				case f.Name == "left out":
					clear(leftOut)
					for _, name := range strings.Fields(string(f.Data)) {
						leftOut[name] = true
					}
					continue
				case f.Name == "plan":
					for _, op := range Plan(state, cfg.Desired(leftOut)) {
						got += op.String() + "\n"
						state.Apply(op)
					}
				case f.Name == "errors":
					if err := cfg.Validate(); err != nil {
						got = err.Error() + "\n"
					}
				default:
					t.Fatalf("%s: no such step", f.Name)
				}
				if got != string(f.Data) && !*update {
					t.Errorf("%d %s, got:\n%s\nwant:\n%s", i, f.Name, got, f.Data)
				}
				ar.Files[i].Data = []byte(got)
			}
			if *update {
				if err := os.WriteFile(file, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
