package disjoint

// holds reports whether a set is an answer: the paths keep all bounds and share
// no risk. What flows and completions leave out is looked at here.
func (p *Problem) holds(set []Path) bool {
	least, most := Never, int64(0)
	var have [][]int32
	for _, q := range set {
		if len(q) == 0 || int64(len(q)) > p.MaxHops {
			return false
		}
		delay := p.delayOf(q)
		if delay > p.MaxDelay {
			return false
		}
		least, most = min(least, delay), max(most, delay)
		have = append(have, p.risksOf(q))
	}
	return most-least <= p.Spread && disjoint(have, p.Risks)
}

// risksOf lists the risks of a path; one may come several times.
func (p *Problem) risksOf(q Path) (risks []int32) {
	for i, l := range q {
		link := &p.Links[l]
		risks = append(risks, p.OnEntry[l/2]...)
		if i == 0 {
			risks = append(risks, p.AtEnd[link.From]...)
		}
		if i == len(q)-1 {
			risks = append(risks, p.AtEnd[link.To]...)
		} else {
			risks = append(risks, p.Through[link.To]...)
		}
	}
	return risks
}

// disjoint reports whether no risk is in two of the lists.
func disjoint(lists [][]int32, risks int) bool {
	owner := make([]int8, risks)
	for i, list := range lists {
		for _, r := range list {
			if owner[r] != 0 && owner[r] != int8(i+1) {
				return false
			}
			owner[r] = int8(i + 1)
		}
	}
	return true
}

// window is the least and the greatest delay that the bounds and the paths
// that are done leave to the present path.
func (s *search) window() (earliest, latest int64) {
	latest = s.MaxDelay
	for _, q := range s.done {
		d := s.delayOf(q)
		earliest, latest = max(earliest, d-s.Spread), min(latest, d+s.Spread)
	}
	return earliest, latest
}

func (p *Problem) delayOf(q Path) (delay int64) {
	for _, l := range q {
		delay += p.Delay[l]
	}
	return delay
}

// CostOf is the cost of a path.
func (p *Problem) CostOf(q Path) (cost int64) {
	for _, l := range q {
		cost += p.Cost[l]
	}
	return cost
}

// Total is the cost of a set.
func (p *Problem) Total(set []Path) (cost int64) {
	for _, q := range set {
		cost += p.CostOf(q)
	}
	return cost
}
