package flow

// front holds the vertices from which one side of a search is to go on, the
// nearest first. Of equally near ones the order follows from what was pushed
// before, and nothing else.
type front struct {
	radius int64   // how far the side has come
	level  []int32 // vertices at just that distance: most, where many edges have length 0
	heap   []place // those beyond
	hole   bool    // the first of the heap is gone, and nothing has taken its place yet
}

// place is a vertex and its distance when it was pushed.
type place struct {
	dist   int64
	vertex int32
}

func (q *front) clear() { q.radius, q.level, q.heap, q.hole = 0, q.level[:0], q.heap[:0], false }

func (q *front) size() int { return len(q.level) + len(q.heap) }

// next is the distance of the nearest vertex; Never where there is none.
func (q *front) next() int64 {
	if len(q.level) > 0 {
		return q.radius
	}
	if q.hole {
		q.fill()
	}
	if len(q.heap) == 0 {
		return Never
	}
	return q.heap[0].dist
}

// push adds a vertex that is no nearer than the radius.
func (q *front) push(d int64, v int32) {
	switch {
	case d == q.radius:
		q.level = append(q.level, v)
	case q.hole:
		q.hole = false
		q.sink(place{d, v})
	default:
		q.heap = append(q.heap, place{})
		h := q.heap
		i := len(h) - 1
		for i > 0 {
			parent := (i - 1) / 4
			if h[parent].dist <= d {
				break
			}
			h[i] = h[parent]
			i = parent
		}
		h[i] = place{d, v}
	}
}

// pop takes the nearest vertex out, after next has found that there is one.
func (q *front) pop() (d int64, v int32) {
	if last := len(q.level) - 1; last >= 0 {
		v = q.level[last]
		q.level = q.level[:last]
		return q.radius, v
	}
	q.radius, q.hole = q.heap[0].dist, true
	return q.radius, q.heap[0].vertex
}

// fill closes the hole.
func (q *front) fill() {
	q.hole = false
	last := len(q.heap) - 1
	e := q.heap[last]
	q.heap = q.heap[:last]
	if last > 0 {
		q.sink(e)
	}
}

// sink puts an entry in the first place, or where it belongs below.
func (q *front) sink(e place) {
	h := q.heap
	i := 0
	for {
		c := 4*i + 1
		if c >= len(h) {
			break
		}
		least := c
		for end := min(c+4, len(h)); c < end; c++ {
			if h[c].dist < h[least].dist {
				least = c
			}
		}
		if h[least].dist >= e.dist {
			break
		}
		h[i] = h[least]
		i = least
	}
	h[i] = e
}
