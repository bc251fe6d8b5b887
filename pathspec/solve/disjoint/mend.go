package disjoint

import "slices"

// Mend replaces the paths of a set that are down, while the others stay. That
// is one search for paths and settles most outages; nil: this way there is no
// set, which proves nothing.
func (p *Problem) Mend(set []Path, down []int16) []Path {
	var mended []Path
	owner := make([]int8, p.Risks)
	for _, q := range set {
		if slices.ContainsFunc(q, func(l int32) bool { return down[l/2] > 0 }) {
			continue
		}
		mended = append(mended, q)
		for _, r := range p.risksOf(q) {
			owner[r] = 1
		}
	}
	r := newRelaxation(p.guide())
	fresh, ok := r.paths(p.K-len(mended), owner, down)
	r.work()
	if mended = append(mended, fresh...); !ok || !p.holds(mended) {
		return nil
	}
	return mended
}
