package world_test

import (
	"slices"
	"testing"
)

// Drains move paths without losing a packet: the new path is there before the
// old one goes. Where nothing is left to move to, packets stay.
func TestMakeBeforeBreak(t *testing.T) {
	c := demo(t)
	kernel := c.kernel()
	for _, d := range []struct {
		kind, name string
		moves      []string // intents
	}{
		{"link", "hij1--hkt1", []string{"tyo-hkt-silver", "osa-hkt-sovereign"}},
		{"link", "tyo1--nag1", []string{"tyo-hkt-silver"}},
		{"link", "tyo1--hcj1", nil},
		{"srlg", "kanmon-tunnel", []string{"tyo-hkt-silver", "osa-hkt-sovereign"}},
		{"node", "nag1", []string{"tyo-hkt-silver"}},
	} {
		what := d.kind + " " + d.name
		before := c.all()
		c.lossless("drain "+what, all, func() {
			c.drain(d.kind, d.name)
			c.settled()
		})
		for name, paths := range c.all() {
			if moved := !equal(paths, before[name]); moved != slices.Contains(d.moves, name) {
				t.Errorf("drain %s: paths of %s: %v, before %v", what, name, paths, before[name])
			}
		}
		c.lossless("undrain "+what, all, func() {
			c.must(c.Client.Undrain(c.ctx, d.kind, d.name))
			c.settled()
			c.returnsTo("the kernel state to be as before the drain of "+what, kernel)
		})
	}
}

// all are the paths of every intent.
func (c *cloud) all() map[string][][]string {
	c.t.Helper()
	paths := map[string][][]string{}
	for _, name := range []string{"tyo-osa-gold", "tyo-hkt-silver", "tyo-hkt-operators", "osa-hkt-sovereign"} {
		paths[name] = c.paths(name)
	}
	return paths
}
