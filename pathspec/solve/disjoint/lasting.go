package disjoint

// Lasting reports, after a Best that was not stopped, whether its answer is
// certain to be the only one, and stays so while links are closed that it does
// not have: no other set costs as little, or there is none. Opens then says
// which closed links must stay closed for that. told: it is known, one way or
// the other, without a search of its own.
func (p *Problem) Lasting() (yes, told bool) {
	switch {
	case p.Proven >= Never:
		return true, true
	case !p.plain || len(ends(p.Source)) > 1 || len(ends(p.Target)) > 1:
		return false, false // which of several ends it takes, a flow does not tell
	}
	return p.Finder.Sole(), true
}

// Opens reports whether a set that is as cheap as the answer may have a closed
// entry, were it open. It is to be asked before the finder is used again: it
// asks the flow, whose cost is below that of all sets. With a bound, an open
// link may bring others within it, which the flow did not see.
func (p *Problem) Opens(entry int32) bool {
	return p.over >= Never || p.MaxDelay < Never || p.MaxHops < Never ||
		p.Finder.Opens(2*entry, p.over) || p.Finder.Opens(2*entry+1, p.over)
}
