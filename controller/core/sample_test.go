package core

import (
	"slices"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// While a headend has not confirmed that it uses another path, the links of the
// one before are the intent's as well; and who looks for what keeps nobody
// waiting.
func TestLooksForPacketsOfPathsBefore(t *testing.T) {
	s := newStage(t)
	s.core.params.Sample = true
	for _, words := range []string{"start square.yaml two.yaml", "connect all", "solve", "obey all", "obey all", "obey all"} {
		s.do(strings.Fields(words))
	}
	links := func(node string) []string {
		for _, p := range s.core.nodes[node].sent.Protected {
			if p.Intent == "one" {
				return p.Links
			}
		}
		return nil
	}
	before := links("a")
	if len(before) != 1 {
		t.Fatalf("links of one at a: %v", before)
	}
	s.do([]string{"spec", "square.yaml", "two-b.yaml"}) // one must avoid b now
	s.do([]string{"solve"})
	if got := links("a"); len(got) != 2 || !slices.Contains(got, before[0]) {
		t.Errorf("a has not confirmed the new path, and looks for packets elsewhere than on %v", got)
	}
	s.do([]string{"obey", "all"})
	s.tell(nodecfg.PathState{State: nodecfg.Up})
	if got := links("a"); len(got) != 1 || got[0] == before[0] {
		t.Errorf("all have confirmed the new path, and its links are %v, before %v", got, before)
	}
	if got := s.health("one"); got != yes {
		t.Errorf("waits for who looks for what: Healthy is %s", got)
	}
}
