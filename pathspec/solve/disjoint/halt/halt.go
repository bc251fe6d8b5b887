// Package halt says when a search is to end: at the first yes of its caller,
// or when an allowance of work is used up. It reads no clock itself. All
// searches under pathspec/solve/disjoint ask it.
package halt

// Halt ends a search: at the first yes of stop, for good, or when an allowance
// of work is used up. What has not been proven by then is not known.
type Halt struct {
	stop    func() bool
	stopped bool
	work    int // vertices settled
	limit   int // 0: none
}

// New asks stop now and then; nil never stops.
func New(stop func() bool) *Halt { return &Halt{stop: stop} }

// Allow is for work that is not needed for a proof. Counted in vertices, it
// ends at the same place for equal inputs.
func (h *Halt) Allow(limit int) *Halt { return &Halt{stop: h.Now, limit: limit} }

// Stopped reports whether a search was ended: nothing that was not found since
// is known not to exist.
func (h *Halt) Stopped() bool { return h.stopped }

// Work counts vertices that a search has settled.
func (h *Halt) Work(vertices int) { h.work += vertices }

// Now reports whether a search is to end now.
func (h *Halt) Now() bool {
	h.stopped = h.stopped || h.limit > 0 && h.work > h.limit || h.stop != nil && h.stop()
	return h.stopped
}
