package command

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/topology/strictyaml"
)

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestReadIsBounded(t *testing.T) {
	env := &Env{Stdin: endless{}}
	if _, _, err := env.Read("-"); err == nil || err.Error() != "stdin: too large: the limit is 64 MiB" {
		t.Errorf("endless stdin: %v", err)
	}
	env = &Env{Stdin: io.LimitReader(endless{}, strictyaml.MaxBytes)}
	if _, data, err := env.Read("-"); err != nil || len(data) != strictyaml.MaxBytes {
		t.Errorf("%d bytes, %v", len(data), err)
	}
}

func TestStdinIsSharedByTwoFlags(t *testing.T) {
	env := &Env{Stdin: strings.NewReader("both")}
	for range 2 {
		if name, data, err := env.Read("-"); name != "stdin" || string(data) != "both" || err != nil {
			t.Errorf("%s %q %v", name, data, err)
		}
	}
}

func TestColourOnlyOnATerminal(t *testing.T) {
	for _, c := range []struct {
		name     string
		terminal bool
		environ  map[string]string
		want     string
	}{
		{"pipe", false, nil, "up"},
		{"terminal", true, map[string]string{"TERM": "xterm"}, "\x1b[32mup\x1b[0m"},
		{"NO_COLOR", true, map[string]string{"NO_COLOR": "1"}, "up"},
		{"NO_COLOR empty counts as not set", true, map[string]string{"NO_COLOR": ""}, "\x1b[32mup\x1b[0m"},
		{"dumb terminal", true, map[string]string{"TERM": "dumb"}, "up"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			lookup := func(name string) (string, bool) { v, set := c.environ[name]; return v, set }
			env := &Env{Stdout: &out, Terminal: c.terminal, LookupEnv: lookup}
			err := env.Printer().Print(output.TableFormat, nil, func(t *output.Text) { t.Printf("%s", t.Word("up")) })
			if err != nil || out.String() != c.want {
				t.Errorf("got %q, %v, want %q", out.String(), err, c.want)
			}
		})
	}
}
