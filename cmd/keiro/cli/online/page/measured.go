package page

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/controller/api/resource"
)

// measured is the table of what test packets say of each direction of the
// paths; nil: nothing.
func measured(intent string, paths []resource.PathStatus) *output.Table {
	t := &output.Table{Heads: []string{"HEADEND", "PATH", "DIRECTION", "PACKETS", "LOSS", "DELAY", "VARIATION", "DELAY BOUND", "LOSS BOUND"}}
	n := 0
	for _, p := range paths {
		for _, d := range []struct {
			direction string
			m         *resource.Measured
		}{{"there", p.There}, {"back", p.Back}} {
			if d.m == nil {
				continue
			}
			delay := "unsynced"
			if d.m.DelayUS != nil {
				delay = rtt(*d.m.DelayUS)
			}
			loss := strconv.FormatFloat(float64(d.m.LossPPM)/1e4, 'f', -1, 64) + "%"
			t.Add(p.Headend, strings.TrimPrefix(p.Name, intent+"/"), d.direction, strconv.Itoa(d.m.Packets), loss, delay, rtt(d.m.VariationUS),
				cmp.Or(p.Delay, "-"), cmp.Or(p.Loss, "-"))
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return t
}
