package page

import (
	"fmt"
	"strings"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/controller/api/resource"
)

// Trace shows what packets saw, path by path.
func Trace(t *output.Text, trace *resource.Trace) {
	t.Printf("intent %s, from %s\n", trace.Intent, trace.Headend)
	for _, p := range trace.Paths {
		use, health := "idle", "ok"
		if p.Active {
			use = "active"
		}
		if p.Error != "" {
			health = "broken"
		}
		t.Printf("\npath %s, %s: %s", strings.TrimPrefix(p.Name, trace.Intent+"/"), use, t.Word(health))
		if p.RTTUS > 0 {
			t.Printf(", %s all the way and back", rtt(p.RTTUS))
		}
		t.Printf("\n")
		hops := &output.Table{Heads: []string{"HOP", "WANTED", "SEEN", "ADDRESS", "RTT", "ADDED"}}
		last := int64(0)
		for n, h := range p.Hops {
			hops.Add(hop(n+1, &h, &last)...)
		}
		t.Table(hops)
		if p.Error != "" {
			t.Printf("%s\n", p.Error)
		}
	}
}

// hop is a row of a trace. last is the time to the last hop that answered; what
// is ADDED to it was spent since, and is negative where packets to that hop had
// to wait longer.
func hop(n int, h *nodecfg.TraceHop, last *int64) []string {
	row := []string{fmt.Sprint(n), h.Want, h.Seen, output.Or(h.Addr), "-", "-"}
	switch {
	case h.Addr == "" && h.Seen == "":
		row[2] = "no answer"
		return row
	case h.Seen == "":
		row[2] = "unknown"
	}
	row[4], row[5] = rtt(h.RTTUS), rtt(h.RTTUS-*last)
	*last = h.RTTUS
	return row
}
