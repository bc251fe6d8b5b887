package page

import (
	"fmt"
	"strings"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/controller/api/resource"
)

// Trace shows what packets saw, path by path.
func Trace(t *output.Text, now time.Time, trace *resource.Trace) {
	t.Printf("intent %s, from %s\n", trace.Intent, trace.Headend)
	for _, p := range trace.Paths {
		use, health := "idle", "ok"
		if p.Active {
			use = "active"
		}
		if p.Error != "" {
			health = "broken"
		}
		t.Printf("\npath %s, %s%s: %s", strings.TrimPrefix(p.Name, trace.Intent+"/"), use, weight(p.Weight), t.Word(health))
		if p.RTTUS > 0 {
			t.Printf(", %s all the way and back", rtt(p.RTTUS))
		}
		t.Printf("\n%s\n", carrying(now, p.Lane))
		hops := &output.Table{Heads: []string{"HOP", "WANTED", "SEEN", "ADDRESS", "RTT"}}
		for n, h := range p.Hops {
			hops.Add(hop(n+1, &h)...)
		}
		t.Table(hops)
		if p.Error != "" {
			t.Printf("%s\n", p.Error)
		}
	}
}

// hop is a row of a trace.
func hop(n int, h *nodecfg.TraceHop) []string {
	row := []string{fmt.Sprint(n), h.Want, h.Seen, output.Or(h.Addr), "-"}
	switch {
	case h.Addr == "" && h.Seen == "":
		row[2] = "no answer"
		return row
	case h.Seen == "":
		row[2] = "unknown"
	}
	row[4] = rtt(h.RTTUS)
	return row
}
