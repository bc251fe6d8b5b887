package topology

import (
	"bytes"
	"os"
	"reflect"
	"testing"

	"github.com/keiro-net/keiro/topology/strictyaml"
	"github.com/keiro-net/keiro/topology/strictyaml/stricttest"
)

func TestParseErrors(t *testing.T) {
	stricttest.Errors(t, "testdata/errors.txtar", func(file string, data []byte) error {
		_, err := Parse(file, data)
		return err
	})
}

func FuzzParse(f *testing.F) {
	full, err := os.ReadFile("testdata/full.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(full)
	f.Add([]byte(`{"apiVersion": "keiro/v1", "kind": "Topology", "metadata": {"name": "x"}, "spec": {"nodes": [{"name": "a"}]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		topo, err := Parse("fuzz.yaml", data)
		if err != nil {
			_ = err.Error()
			return
		}
		text := Format(topo)
		again, err := Parse("again.yaml", text)
		if err != nil || !reflect.DeepEqual(again, topo) {
			t.Fatalf("%v\ngot  %+v\nwant %+v\n%s", err, again, topo, text)
		}
	})
}

// The bytes that make the most of the reader end in an error, and soon.
func TestParseHuge(t *testing.T) {
	for _, c := range []struct{ name, part, want string }{
		{"too large", "# too large\n", "huge: 100663296 bytes are too many: the limit is 67108864"},
		{"too many values", "[a,", "huge: too many values: the limit is about 4194304"},
	} {
		t.Run(c.name, func(t *testing.T) {
			size := strictyaml.MaxBytes
			if c.name == "too large" {
				size = size / 2 * 3
			}
			_, err := Parse("huge", bytes.Repeat([]byte(c.part), 1+size/len(c.part))[:size])
			if err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}
