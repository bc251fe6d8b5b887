package core

import (
	"testing"

	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/lsdb/lsdbtest"
	"github.com/keiro-net/keiro/bgp/srpolicy"
	"github.com/keiro-net/keiro/bgp/srpolicy/report"
	"github.com/keiro-net/keiro/controller/compile"
)

// However much is reported of one candidate path, little of it is kept: the newest.
func TestSayingsAreFew(t *testing.T) {
	c := New(testParams)
	n := srpolicy.NLRI{Color: compile.ColorBase + 1}
	for id := range uint32(1000) {
		s := report.State{NLRI: n, ProtocolOrigin: report.OriginBGP}
		s.Headend.BGPRouterID = ls.Some(id)
		c.Step(lsdbtest.Start, HeadendReported{Peer: "rr", State: s})
	}
	kept := c.reports[n]
	if len(kept) != mostSayings || kept[len(kept)-1].state.Headend.BGPRouterID != ls.Some(uint32(999)) {
		t.Errorf("%d are kept, the last is %+v", len(kept), kept[len(kept)-1])
	}
}
