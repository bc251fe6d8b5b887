package geo

import (
	"cmp"
	"math"
	"slices"
)

// tree finds the arcs that may be near an arc: balls in space around arcs that
// lie close together, balls around those, and so on. It rules out what is far
// and says nothing else; meet decides.
type tree struct {
	leaves []leaf
	balls  []ball // balls[1] holds all; balls[2i] and balls[2i+1] lie in balls[i]
	first  int    // balls[first+i] holds the leaves from i*bucket
}

type leaf struct {
	arc  *arc
	line int32
}

type ball struct {
	mid   vector
	reach float64 // negative: empty
	last  int32   // the highest number of a line in it
}

const bucket = 8

// plant makes a tree of all arcs. They are sorted along a curve through space
// (Morton order), so that neighbours in the list lie close together.
func plant(lines []Line) tree {
	type keyed struct {
		leaf
		key uint64
	}
	var all []keyed
	for l := range lines {
		for i := range lines[l].arcs {
			c := &lines[l].arcs[i]
			all = append(all, keyed{leaf{c, int32(l)}, morton(c.mid)})
		}
	}
	slices.SortStableFunc(all, func(a, b keyed) int { return cmp.Compare(a.key, b.key) })
	t := tree{leaves: make([]leaf, len(all)), first: 1}
	for i := range all {
		t.leaves[i] = all[i].leaf
	}
	for t.first*bucket < len(all) {
		t.first *= 2
	}
	t.balls = make([]ball, 2*t.first)
	for i := range t.balls {
		t.balls[i].reach = -1
	}
	for i := range t.first {
		t.balls[t.first+i] = around(t.bucket(i))
	}
	for i := t.first - 1; i > 0; i-- {
		t.balls[i] = join(t.balls[2*i], t.balls[2*i+1])
	}
	return t
}

func (t *tree) bucket(i int) []leaf {
	return t.leaves[min(i*bucket, len(t.leaves)):min((i+1)*bucket, len(t.leaves))]
}

func around(leaves []leaf) ball {
	b := ball{reach: -1}
	if len(leaves) == 0 {
		return b
	}
	for _, l := range leaves {
		b.mid = b.mid.plus(l.arc.mid.scale(1 / float64(len(leaves))))
		b.last = max(b.last, l.line)
	}
	for _, l := range leaves {
		b.reach = max(b.reach, math.Sqrt(b.mid.distance2(l.arc.mid))+l.arc.reach)
	}
	b.reach += slack
	return b
}

// join is the least ball around two.
func join(a, b ball) ball {
	if b.reach > a.reach {
		a, b = b, a
	}
	last := max(a.last, b.last)
	apart := math.Sqrt(a.mid.distance2(b.mid))
	if b.reach < 0 || apart+b.reach <= a.reach {
		a.last = last
		return a
	}
	reach := (apart+a.reach+b.reach)/2 + slack
	toward := b.mid.minus(a.mid).scale((reach - a.reach) / apart)
	return ball{mid: a.mid.plus(toward), reach: reach, last: last}
}

// visit calls do with every arc of a line after `line` that may be within an
// angle of c. stack is memory to reuse.
func (t *tree) visit(stack []int32, c *arc, angle float64, line int32, do func(*arc, int32)) []int32 {
	stack = append(stack[:0], 1)
	for len(stack) > 0 {
		i := int(stack[len(stack)-1])
		stack = stack[:len(stack)-1]
		b := &t.balls[i]
		limit := b.reach + c.reach + angle + slack
		if b.reach < 0 || b.last <= line || b.mid.distance2(c.mid) > limit*limit {
			continue
		}
		if i < t.first {
			stack = append(stack, int32(2*i), int32(2*i+1))
			continue
		}
		for _, l := range t.bucket(i - t.first) {
			if l.line > line && !c.far(l.arc, angle) {
				do(l.arc, l.line)
			}
		}
	}
	return stack
}

// morton interleaves the first 21 bits of the three coordinates.
func morton(v vector) (key uint64) {
	spread := func(f float64) (bits uint64) {
		n := uint64((f + 1) * (1 << 20))
		for i := range 22 {
			bits |= (n >> i & 1) << (3 * i)
		}
		return bits
	}
	return spread(v.x) | spread(v.y)<<1 | spread(v.z)<<2
}
