package nodecfg

import (
	"maps"
	"testing"

	"pgregory.net/rapid"
)

// Absent finds what was left out of a table that has other ways, and no more.
func TestAbsent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawConfig(t)
		out := drawPaths(t, c, "left out")
		want := make(map[string]bool)
		for _, p := range c.Policies {
			ways := 0
			for _, path := range p.Paths {
				if !out[path.Name] {
					ways++
				}
			}
			for _, path := range p.Paths {
				if out[path.Name] && ways > 0 && len(p.Traffic) > 0 {
					want[path.Name] = true
				}
			}
		}
		if got := c.Absent(c.Desired(out)); !maps.Equal(got, want) {
			t.Fatalf("absent %v, want %v of %v left out", got, want, out)
		}
		if got := c.Absent(make(State)); len(got) > 0 {
			t.Fatalf("a kernel that has nothing has left out nothing: %v", got)
		}
	})
}
