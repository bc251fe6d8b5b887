package disjoint

// Lasting reports, after Best, whether its answer is certain to be the only
// one, and stays so while links are closed that it does not have: no other set
// costs as little, or there is none. Opens then says which closed links must
// stay closed for that. It is known only where a flow was the answer.
func (p *Problem) Lasting() bool { return p.plain && (p.Proven >= Never || p.Finder.Sole()) }

// Opens reports whether the answer may be another were a closed entry open. It
// is to be asked after Lasting, before the finder is used again. With a bound,
// an open link may bring others within it, which the flow did not see.
func (p *Problem) Opens(entry int32) bool {
	return p.MaxDelay < Never || p.MaxHops < Never || p.Finder.Opens(2*entry) || p.Finder.Opens(2*entry+1)
}
