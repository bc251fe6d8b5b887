package page

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/controller/api/resource"
)

// Where flows are spread, all paths that carry some are shown.
func TestSpreadShowsAllActive(t *testing.T) {
	i := resource.Intent{Metadata: resource.Metadata{Name: "gold"}, Status: resource.IntentStatus{Paths: []resource.PathStatus{
		{Name: "gold/0", Headend: "a", State: nodecfg.Up, Active: true, Weight: 3},
		{Name: "gold/1", Headend: "a", State: nodecfg.Down, Weight: 2},
		{Name: "gold/2", Headend: "a", State: nodecfg.Up, Active: true, Weight: 1},
		{Name: "gold/0", Headend: "d", State: nodecfg.Up, Active: true, Weight: 3},
	}}}
	if s := summarise(&i); s.active != "0,2" {
		t.Errorf("active %q", s.active)
	}
	var out bytes.Buffer
	err := (output.Printer{Out: &out}).Print(output.TableFormat, &i, func(t *output.Text) { Intent(t, time.Time{}, &i, nil, &resource.Compliance{}, "") })
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"yes, weight 3", "no, weight 2", "yes, weight 1"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}
