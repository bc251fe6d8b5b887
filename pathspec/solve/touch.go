package solve

import (
	"slices"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// difference is what became of an entry.
type difference uint8

const (
	gone     difference = 1 << iota // it is not there any more
	resized                         // its capacity
	slower                          // its delay is greater, or unknown now
	dearer                          // its metric is greater
	riskier                         // it has more SRLGs, or they are unknown now
	improved                        // anything else: it may be new, and better in some way
)

// compare says what became of entry e of one network in another, where it is
// entry f. The nodes are the same.
func compare(t *topology.Topology, e int, u *topology.Topology, f int) (d difference) {
	a, b := &t.Entries[e], &u.Entries[f]
	if a.A != b.A || a.B != b.B || a.Operator != b.Operator || a.QKD != b.QKD || (a.Keyless == "") != (b.Keyless == "") || !slices.Equal(a.Route, b.Route) || !sameLabels(a.Labels, b.Labels) {
		d |= improved
	}
	was, known := a.SRLGs.Get()
	is, still := b.SRLGs.Get()
	switch {
	case known == still && slices.Equal(was, is):
	case known && (!still || !slices.ContainsFunc(was, func(g string) bool { return !slices.Contains(is, g) })):
		d |= riskier
	default:
		d |= improved
	}
	for side := range 2 {
		x, y := &t.Links[2*e+side], &u.Links[2*f+side]
		if x.Capacity != y.Capacity {
			d |= resized
		}
		was, known := x.Delay.Get()
		is, still := y.Delay.Get()
		switch {
		case known == still && was == is:
		case known && (!still || is > was):
			d |= slower
		default:
			d |= improved
		}
		switch {
		case y.Metric > x.Metric:
			d |= dearer
		case y.Metric < x.Metric:
			d |= improved
		}
	}
	return d
}

func sameLabels(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for key, value := range a {
		if other, ok := b[key]; !ok || other != value {
			return false
		}
	}
	return true
}

// hurts reports whether a difference of a link that an intent uses may make
// its answer another.
func hurts(in *pathspec.Intent, d difference) bool {
	return d&^resized != 0 || d&resized != 0 && (in.Objective == pathspec.Balance || in.Require.Links != nil)
}

// helps reports whether a difference of a link that an intent does not use may
// make a better set of it. Whether the capacity is enough is another question.
func helps(in *pathspec.Intent, d difference) bool {
	switch {
	case in.Require.Links != nil || in.Objective == pathspec.Balance:
		return d&^gone != 0 // a condition may ask for anything
	case d&slower != 0 && in.Require.MaxDelaySpread != nil:
		return true // what was too fast beside the others may fit in now
	}
	return d&improved != 0
}
