package flow

// Queue is a heap of vertices by distance, then Tie, then number. A vertex may
// stand in it several times; its reader ignores all but the first. The zero
// Queue is empty.
type Queue []Entry

// Entry is a vertex in a Queue.
type Entry struct {
	Dist   int64
	Tie    int32
	Vertex int32
}

func (a *Entry) before(b *Entry) bool {
	if a.Dist != b.Dist {
		return a.Dist < b.Dist
	}
	if a.Tie != b.Tie {
		return a.Tie < b.Tie
	}
	return a.Vertex < b.Vertex
}

// Push adds an entry. Four children a node: half as deep as a binary heap, and
// the children are one or two cache lines.
func (q *Queue) Push(e Entry) {
	h := append(*q, e)
	i := len(h) - 1
	for i > 0 {
		parent := (i - 1) / 4
		if !e.before(&h[parent]) {
			break
		}
		h[i] = h[parent]
		i = parent
	}
	h[i] = e
	*q = h
}

// Pop takes the first entry out.
func (q *Queue) Pop() Entry {
	h := *q
	top := h[0]
	last := len(h) - 1
	e := h[last]
	h = h[:last]
	*q = h
	if last == 0 {
		return top
	}
	i := 0
	for {
		c := 4*i + 1
		if c >= last {
			break
		}
		least := c
		for end := min(c+4, last); c < end; c++ {
			if h[c].before(&h[least]) {
				least = c
			}
		}
		if !h[least].before(&e) {
			break
		}
		h[i] = h[least]
		i = least
	}
	h[i] = e
	return top
}
