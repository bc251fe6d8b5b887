package steer

import (
	"fmt"
	"testing"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// BenchmarkPolicies is the whole of a change: the decision and the Config's own
// check, with 5,000 policies of two paths each, all of IPv6.
func BenchmarkPolicies(b *testing.B) {
	h := &Heard{}
	for i := range 5000 {
		color := uint32(nodecfg.ColorBase + i + 1)
		h.Paths = append(h.Paths, path(i+1, fmt.Sprintf("i%d/0", i), 2, 2, viaB), path(i+1, fmt.Sprintf("i%d/1", i), 1, 1, viaC))
		h.Routes = append(h.Routes, colored(fmt.Sprintf("2001:db9:%x::/48", i), color))
	}
	for b.Loop() {
		cfg := config()
		policies, faults := Policies(cfg, h)
		cfg.Policies = policies
		if err := cfg.Validate(); err != nil || len(policies) != 5000 || len(faults) > 0 {
			b.Fatal(err, len(policies), faults)
		}
	}
}
