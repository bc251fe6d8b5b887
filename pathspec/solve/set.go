package solve

import "slices"

// fits reports whether a set is an answer: what flows and completions leave
// out is looked at here.
func (s *search) fits(set []path) bool {
	least, most := never, int64(0)
	var have [][]int32
	for _, q := range set {
		if len(q) == 0 || int64(len(q)) > s.maxHops {
			return false
		}
		delay := s.delayOf(q)
		if delay > s.maxDelay {
			return false
		}
		least, most = min(least, delay), max(most, delay)
		risks := s.risksOf(q)
		if slices.ContainsFunc(risks, func(r int32) bool { return s.owner[r] == nobody }) {
			return false
		}
		have = append(have, risks)
	}
	return most-least <= s.spread && disjoint(have, len(s.risks))
}

// risksOf lists the risks of a path; one may come several times.
func (p *problem) risksOf(q path) (risks []int32) {
	for i, l := range q {
		link := &p.t.Links[l]
		risks = append(risks, p.onEntry[link.Entry]...)
		if i == 0 {
			risks = append(risks, p.atEnd[link.From]...)
		}
		if i == len(q)-1 {
			risks = append(risks, p.atEnd[link.To]...)
		} else {
			risks = append(risks, p.through[link.To]...)
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
	latest = s.maxDelay
	if s.spread < never {
		for _, q := range s.done {
			d := s.delayOf(q)
			earliest, latest = max(earliest, d-s.spread), min(latest, d+s.spread)
		}
	}
	return earliest, latest
}

func (p *problem) delayOf(q path) (delay int64) {
	for _, l := range q {
		delay += p.delay[l]
	}
	return delay
}

func (p *problem) costOf(q path) (cost int64) {
	for _, l := range q {
		cost += p.cost[l]
	}
	return cost
}

func (p *problem) total(set []path) (cost int64) {
	for _, q := range set {
		cost += p.costOf(q)
	}
	return cost
}
