package ownership

// rounds of negotiation, and those after a set was found.
const (
	talks     = 60
	moreTalks = 12
)

// Negotiate looks for some set, so that there is one to show when time runs
// out, and a cost to stay below. The members route in turn, each again and
// again; a risk that another has costs extra, more from round to round, and
// more for good where it stays contested (McMurchie and Ebeling: PathFinder,
// FPGA 1995). It proves nothing. least is about what a set costs; any: the
// first set will do.
func (t *Tree) Negotiate(least int64, any bool) {
	if len(t.Link) == 0 {
		return
	}
	unit := max(1, least*t.scale/int64(64*t.k))
	talks := talks
	t.press = unit
	for round := 0; round < talks && !t.halt.Now(); round++ {
		for m := range t.members {
			if !t.move(m, Never) {
				t.press = 0
				return
			}
		}
		risks := t.contested()
		for _, r := range risks {
			for _, a := range t.OfRisk.At(r) {
				t.weight[a] += unit / 2
			}
		}
		if len(risks) > 0 {
			t.guided = false
		} else {
			t.offer()
			talks = min(talks, round+moreTalks)
			if any {
				break
			}
		}
		t.press += unit / 2
		t.tidy()
	}
	t.press = 0
}

// tidy moves the paths together; what else was in the arena is forgotten.
func (t *Tree) tidy() {
	var arena []int32
	for m := range t.members {
		from := int32(len(arena))
		arena = append(arena, t.pathOf(m)...)
		t.members[m].from, t.members[m].to = from, int32(len(arena))
	}
	t.arena = arena
}
