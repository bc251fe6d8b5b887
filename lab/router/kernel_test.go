package router

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// A route that encapsulates is there only while the way to its first SID is.
func TestOrder(t *testing.T) {
	cfg, at := two(t, true)
	steered := []steering{{to: netip.MustParsePrefix("10.9.0.0/16"), link: 1, segments: addrs("5f00:0:8:1::", "5f00:0:9:d4::")}}
	without, with := cfg.desired(at, nil), cfg.desired(at, steered)
	place := func(ops []nodecfg.Op, to string) int {
		i := slices.IndexFunc(ops, func(op nodecfg.Op) bool {
			r, _ := op.Object.(nodecfg.Route)
			return r.To == netip.MustParsePrefix(to)
		})
		if i < 0 {
			t.Fatalf("nothing of %s in %v", to, ops)
		}
		return i
	}
	for _, there := range []nodecfg.State{{}, without} {
		ops := nodecfg.Plan(there, with)
		if place(ops, "10.9.0.0/16") < place(ops, "5f00:0:8:1::/128") {
			t.Errorf("the route comes before the way: %v", ops)
		}
	}
	ops := nodecfg.Plan(with, without)
	if place(ops, "10.9.0.0/16") > place(ops, "5f00:0:8:1::/128") {
		t.Errorf("the way goes before the route: %v", ops)
	}
}
