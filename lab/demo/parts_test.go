package demo

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/controller/alert/webhook"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve"
	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/clab"
)

func example(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../../examples", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// The lab and the topology of the examples are one network.
func TestExamplesAgree(t *testing.T) {
	file, err := clab.Parse(labFile, example(t, labFile), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	made, err := file.Topology()
	if err != nil {
		t.Fatal(err)
	}
	written, err := topology.Parse(topologyFile, example(t, topologyFile))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(topology.Format(made)), string(topology.Format(written)); got != want {
		t.Errorf("%s makes\n%s\nand %s says\n%s", labFile, got, topologyFile, want)
	}
}

// The protected intent needs joint computation; the other intents do not.
func TestGreedy(t *testing.T) {
	network, err := topology.Parse(topologyFile, example(t, topologyFile))
	if err != nil {
		t.Fatal(err)
	}
	intents, err := pathspec.Parse(intentsFile, example(t, intentsFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range intents {
		want := i.Require.Multiplicity
		if i.Name == protected {
			want = 1
		} else if i.Require.Wants(pathspec.Operator) {
			continue // greedy knows links and ducts only
		}
		if got := greedy(network, i); len(got) != want {
			t.Errorf("%s: greedy finds %d paths, want %d", i.Name, len(got), want)
		}
		joint := solve.Solve(solve.Input{Topology: network, Intents: []pathspec.Intent{i}}).Intents[0]
		if joint.Status != pathspec.Satisfied {
			t.Errorf("%s: %s", i.Name, joint.Status)
		}
	}
}

// The receiver believes nothing that is not signed.
func TestReceiver(t *testing.T) {
	dir := t.TempDir()
	r, err := listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	config, err := os.ReadFile(r.config)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(config), `url: "`)
	url, _, _ := strings.Cut(rest, `"`)
	request, err := http.NewRequest(http.MethodPost, url, strings.NewReader(`{"type":"alert.fired"}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set(webhook.HeaderID, "msg_1")
	request.Header.Set(webhook.HeaderTimestamp, "1")
	request.Header.Set(webhook.HeaderSignature, "v1,AAAA")
	resp, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized || len(r.alerts) != 0 {
		t.Errorf("status %s, %d alerts", resp.Status, len(r.alerts))
	}
}

func TestSay(t *testing.T) {
	var out strings.Builder
	s := &screen{out: &out}
	s.act("A title")
	s.say("%s", strings.Repeat("経路 ", 50))
	s.rows([2]string{"a", "1"}, [2]string{"long", "2"}, [2]string{"", "3"})
	got := out.String()
	for line := range strings.Lines(got) {
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > width {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	if want := "  a      1\n  long   2\n         3\n"; !strings.HasSuffix(got, want) || strings.Contains(got, "\x1b") {
		t.Errorf("got\n%s", got)
	}
}
