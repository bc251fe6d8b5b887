package floor

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// FuzzConfig: whatever a controller sends, what is taken raises floors that
// hold against it, within the bounds, and can be written and read.
func FuzzConfig(f *testing.F) {
	files, err := filepath.Glob("../nodecfg/testdata/*.txtar")
	if err != nil || len(files) == 0 {
		f.Fatalf("no plays: %v", err)
	}
	for _, file := range files {
		ar, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, part := range ar.Files {
			if strings.HasSuffix(part.Name, ".json") {
				f.Add(part.Data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var c nodecfg.Config
		if json.Unmarshal(b, &c) != nil || c.Validate() != nil {
			return
		}
		for _, before := range []Floors{{}, kept(), {Blind: true}} {
			cfg := before.Obey(&c)
			after, err := before.Raise(cfg)
			if err != nil {
				continue
			}
			if again, err := after.Raise(cfg); err != nil || !again.Equal(after) {
				t.Errorf("raised twice: %+v, %v, once: %+v", again, err, after)
			}
			fences, err := after.Fences(cfg)
			if err == nil && len(fences) > maxFences+maxTraffic {
				t.Errorf("%d fences", len(fences))
			}
			if states := after.States(&c); len(states) > len(after.Intents) {
				t.Errorf("%d states of %d floors", len(states), len(after.Intents))
			}
			if before.Blind {
				continue
			}
			if back, err := Decode("n", after.Encode("n")); err != nil || !back.Equal(after) {
				t.Errorf("wrote %+v, read %+v, %v", after, back, err)
			}
		}
	})
}
