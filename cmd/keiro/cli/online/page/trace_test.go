package page

import (
	"bytes"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/controller/api/resource"
)

func TestTrace(t *testing.T) {
	trace := &resource.Trace{Intent: "gold", Headend: "a", Paths: []nodecfg.TracePath{
		{Name: "gold/0", Active: true, Weight: 3, RTTUS: 1520, Hops: []nodecfg.TraceHop{
			{Want: "b", Seen: "b", Addr: "5f00:0:2::1", RTTUS: 300}, {Want: "c"}, {Want: "d", Seen: "d", Addr: "5f00:0:4::1", RTTUS: 290},
		}},
		{Name: "gold/1", Error: "hop 1 should be e and is f (5f00:0:6::1)", Hops: []nodecfg.TraceHop{
			{Want: "e", Seen: "f", Addr: "5f00:0:6::1", RTTUS: 1250}, {Want: "d", Addr: "2001:db8::1", RTTUS: 2250},
		}},
	}}
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	trace.Paths[0].Lane = &nodecfg.LaneState{Interface: "kr-w1", Open: true, Level: "pq", Epoch: 17, Keyed: now.Add(-42 * time.Second)}
	var out bytes.Buffer
	if err := (output.Printer{Out: &out}).Print(output.TableFormat, trace, func(t *output.Text) { Trace(t, now, trace) }); err != nil {
		t.Fatal(err)
	}
	want := `intent gold, from a

path 0, active, weight 3: ok, 1.52ms all the way and back
lane kr-w1, pq, epoch 17, key agreed 42s ago
HOP   WANTED   SEEN        ADDRESS       RTT
1     b        b           5f00:0:2::1   300us
2     c        no answer   -             -
3     d        d           5f00:0:4::1   290us

path 1, idle: broken
in the clear
HOP   WANTED   SEEN      ADDRESS       RTT
1     e        f         5f00:0:6::1   1.25ms
2     d        unknown   2001:db8::1   2.25ms
hop 1 should be e and is f (5f00:0:6::1)
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}
