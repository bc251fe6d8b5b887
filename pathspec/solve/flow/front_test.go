package flow

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestFront: whatever is pushed comes out once, the nearest first.
func TestFront(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q front
		var held []place // the naive twin
		for i := range rapid.Int32Range(1, 200).Draw(t, "steps") {
			if rapid.IntRange(0, 2).Draw(t, "push") > 0 {
				d := q.radius + rapid.Int64Range(0, 5).Draw(t, "further")
				q.push(d, i)
				held = append(held, place{d, i})
				continue
			}
			next := q.next()
			if len(held) == 0 {
				if next != Never {
					t.Fatalf("%d is next of none", next)
				}
				continue
			}
			least := slices.MinFunc(held, func(a, b place) int { return int(a.dist - b.dist) }).dist
			d, v := q.pop()
			at := slices.Index(held, place{d, v})
			if d != least || next != d || at < 0 {
				t.Fatalf("%d at %d, next %d, want one at %d of %v", v, d, next, least, held)
			}
			held = slices.Delete(held, at, at+1)
		}
	})
}
