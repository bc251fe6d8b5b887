package problem

import (
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/disjoint"
	"github.com/keiro-net/keiro/topology"
)

// Reserved is the bandwidth that intents have reserved, of every link.
type Reserved []topology.Bandwidth

// Nothing is reserved on any link of a topology.
func Nothing(t *topology.Topology) Reserved { return make(Reserved, len(t.Links)) }

// Book reserves the bandwidth of an intent on a set, in both directions, sign
// times.
func (r Reserved) Book(in *pathspec.Intent, set []disjoint.Path, sign topology.Bandwidth) {
	b := sign * in.Require.Bandwidth
	if b == 0 {
		return
	}
	for _, p := range set {
		for _, l := range p {
			r[l] += b
			r[l^1] += b
		}
	}
}

// Free is what a link has left, the less of its two directions; less than
// nothing where a capacity is unknown.
func (r Reserved) Free(t *topology.Topology, l int32) topology.Bandwidth {
	forth, known := t.Links[l].Capacity.Get()
	back, also := t.Links[l^1].Capacity.Get()
	if !known || !also {
		return -1
	}
	return min(forth-r[l], back-r[l^1])
}
