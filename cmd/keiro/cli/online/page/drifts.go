package page

import (
	"strconv"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
)

func drifted(n uint64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(n, 10) + " since its agent began"
}

// drifts shows what others changed on a node, the latest first.
func drifts(t *output.Text, now time.Time, all []nodecfg.Drift) {
	if len(all) == 0 {
		return
	}
	table := &output.Table{Heads: []string{"CHANGED BY OTHERS", "HOW", "BY", "INTENT", "AGE", "PUT BACK"}}
	for i := len(all) - 1; i >= 0; i-- {
		d := &all[i]
		back := "no"
		switch {
		case d.Kept != "":
			back += ": " + d.Kept
		case !d.Restored.IsZero():
			back = "after " + d.Restored.Sub(d.At).Round(time.Millisecond).String()
		}
		by := d.By
		if by == "" {
			by = "unknown"
		}
		table.Add(d.Object, d.Change, by, d.Intent, output.Age(now, d.At), back)
	}
	t.Printf("\n")
	list(t, table, len(all), "drifts")
}
