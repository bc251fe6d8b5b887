package page

import (
	"testing"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/controller/api/resource"
)

// A path is what all say who probe it; of one that nobody probes nothing is known.
func TestStateOfPath(t *testing.T) {
	const up, down, unknown = nodecfg.Up, nodecfg.Down, nodecfg.CannotTell
	agent := func(s nodecfg.PathUp) resource.PathStatus { return resource.PathStatus{Name: "gold/0", State: s} }
	told := func(s nodecfg.PathUp) resource.PathStatus {
		return resource.PathStatus{Name: "gold/0", State: s, SRPolicy: &resource.SRPolicy{}}
	}
	for _, c := range []struct {
		one, other resource.PathStatus
		want       nodecfg.PathUp
	}{
		{agent(up), agent(up), up},
		{agent(up), agent(down), down},
		{agent(up), agent(unknown), unknown},
		{agent(down), agent(unknown), down},
		{told(unknown), agent(up), up},
		{told(unknown), agent(down), down},
		{told(unknown), agent(unknown), unknown},
		{told(unknown), told(unknown), unknown},
		{told(down), agent(up), down},
	} {
		for _, paths := range [][]resource.PathStatus{{c.one, c.other}, {c.other, c.one}} {
			i := &resource.Intent{Status: resource.IntentStatus{Paths: paths}}
			if got := pathsOf(i); len(got) != 1 || got[0].state != c.want {
				t.Errorf("%+v: %+v, want %s", paths, got, c.want)
			}
		}
	}
}
