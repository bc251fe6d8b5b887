package agent

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/internal/testnet"
	"github.com/keiro-net/keiro/agent/nodecfg"
)

// BenchmarkDriftRestored is the time from a change by somebody else to the
// kernel being as it should be again, as that one sees it.
func BenchmarkDriftRestored(b *testing.B) {
	g := newGuarded(b, nil)
	go func() { // nobody reads the reports
		for range g.out {
		}
	}()
	all := func(which func(nodecfg.Object) bool) []nodecfg.Object {
		var list []nodecfg.Object
		for _, o := range g.want {
			if which(o) {
				list = append(list, o)
			}
		}
		return list
	}
	routes := all(func(o nodecfg.Object) bool { r, ok := o.(nodecfg.Route); return ok && inPolicy(r) })
	rules := all(func(o nodecfg.Object) bool { _, ok := o.(nodecfg.Rule); return ok })
	addrs := all(func(o nodecfg.Object) bool { _, ok := o.(nodecfg.Addr); return ok })
	links := []nodecfg.Object{nodecfg.LinkUp{Dev: "eth1"}, nodecfg.LinkUp{Dev: "eth2"}}
	var added []nodecfg.Object
	for i := range 5 {
		added = append(added, nodecfg.Route{Table: routes[0].(nodecfg.Route).Table, To: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 66, byte(i)}), 24), Metric: 5, Dev: "eth1"})
	}
	sysctl := func(suffix string) []nodecfg.Object {
		return all(func(o nodecfg.Object) bool {
			s, ok := o.(nodecfg.Sysctl)
			return ok && strings.HasSuffix(s.Name, suffix)
		})
	}
	off := func(o nodecfg.Object) nodecfg.Object {
		s := o.(nodecfg.Sysctl)
		s.Value = map[string]string{"0": "1", "1": "0"}[s.Value]
		return s
	}
	same := func(o nodecfg.Object) nodecfg.Object { return o }
	for _, bb := range []struct {
		name    string
		verb    nodecfg.Verb
		objects []nodecfg.Object
		harm    func(nodecfg.Object) nodecfg.Object
	}{
		{"route deleted", nodecfg.Delete, routes, same},
		{"route added", nodecfg.Add, added, same},
		{"rule deleted", nodecfg.Delete, rules, same},
		{"address removed", nodecfg.Delete, addrs, same},
		{"interface down", nodecfg.Delete, links, same},
		{"sysctl with an event", nodecfg.Replace, sysctl("all/forwarding"), off},
		{"sysctl without", nodecfg.Replace, sysctl("accept_dad"), off},
	} {
		b.Run(bb.name, func(b *testing.B) {
			var took []time.Duration
			for i := 0; b.Loop(); i++ {
				o := bb.objects[i%len(bb.objects)]
				began := time.Now()
				g.does(b, bb.verb, bb.harm(o))
				testnet.Eventually(b, "restored", func() bool { return g.a.see(b, g.want).State[o.Key()] == g.want[o.Key()] })
				took = append(took, time.Since(began))
				b.StopTimer()
				time.Sleep(fair / time.Duration(len(bb.objects))) // so seldom that nobody takes it for a fight
				b.StartTimer()
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}

// fair is more than the time in which changes of one object are a fight,
// divided by how many.
const fair = 2600 * time.Millisecond
