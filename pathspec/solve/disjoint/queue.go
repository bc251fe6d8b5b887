package disjoint

// queue is a binary heap of vertices by distance, then number.
type queue []entry

type entry struct {
	dist   int64
	vertex int32
}

func (a entry) before(b entry) bool {
	return a.dist < b.dist || a.dist == b.dist && a.vertex < b.vertex
}

func (q *queue) push(dist int64, vertex int32) {
	h := append(*q, entry{dist, vertex})
	i := len(h) - 1
	for i > 0 && h[i].before(h[(i-1)/2]) {
		h[i], h[(i-1)/2] = h[(i-1)/2], h[i]
		i = (i - 1) / 2
	}
	*q = h
}

func (q *queue) pop() (dist int64, vertex int32) {
	h := *q
	top := h[0]
	last := len(h) - 1
	h[0] = h[last]
	h = h[:last]
	for i := 0; ; {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < last; c++ {
			if h[c].before(h[least]) {
				least = c
			}
		}
		if least == i {
			break
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
	*q = h
	return top.dist, top.vertex
}
