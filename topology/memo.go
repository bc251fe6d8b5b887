package topology

import "sync"

// memo is what another package derived from a topology.
type memo struct {
	once  sync.Once
	value any
}

// Memo returns what build derives from the topology: built once, and kept with
// it. There is one such value; pathspec/solve keeps its index here. build must
// depend on the topology only, and nobody may change what it returned.
func (t *Topology) Memo(build func() any) any {
	t.memo.once.Do(func() { t.memo.value = build() })
	return t.memo.value
}
