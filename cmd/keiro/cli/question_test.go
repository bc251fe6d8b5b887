package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
)

// TestNothingIsAsked: a file without an intent, such as a topology given by
// mistake, is said to be one, since a check of nothing ends well.
func TestNothingIsAsked(t *testing.T) {
	file := filepath.Join(t.TempDir(), "topology.yaml")
	text := "apiVersion: keiro/v1\nkind: Topology\nmetadata: {name: t}\nspec:\n  nodes:\n    - {name: a}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	q := question{topologyFile: file, intentsFile: file}
	err := q.read(&command.Env{Stderr: &stderr})
	if want := "keiro: " + file + ": no document of kind PathIntent: nothing is asked\n"; err != nil || stderr.String() != want {
		t.Errorf("error %v, stderr %q, want %q", err, stderr.String(), want)
	}
}
