package online

import (
	"slices"
	"testing"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/controller/api/resource"
)

func TestBroken(t *testing.T) {
	trace := &resource.Trace{Headend: "a", Paths: []nodecfg.TracePath{{Name: "gold/0"}, {Name: "gold/1", Error: "no packet came"}}}
	intent := &resource.Intent{}
	intent.Status.Paths = []resource.PathStatus{
		{Name: "gold/0", Headend: "a", State: nodecfg.Up},
		{Name: "gold/1", Headend: "a", State: nodecfg.Down, Cause: nodecfg.DownByProbe},
		{Name: "gold/2", Headend: "a", State: nodecfg.Down, Cause: nodecfg.DownByLink},
		{Name: "gold/2", Headend: "d", State: nodecfg.Down, Cause: nodecfg.DownByLink},
	}
	want := []string{"path gold/1 is broken: no packet came", "path gold/2 is not in use: down (link)"}
	if got := broken(trace, intent); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
