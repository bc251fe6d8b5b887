package auction

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestProgram: the optimum of the program against the best set of its columns,
// and its prices against the duality of linear programs.
func TestProgram(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	whole, mixed := 0, 0
	for n := range 4000 {
		k := 2 + r.IntN(3)
		m := newMaster(k)
		m.dear, m.fine = 1000, 1000
		for c := range int32(k + r.IntN(12)) {
			var risks []int32
			for risk := range int32(9) {
				if r.IntN(4) == 0 {
					risks = append(risks, risk)
				}
			}
			m.add(column{arcs: []int32{c}, risks: risks, cost: float64(1 + r.IntN(30))})
			if r.IntN(3) == 0 { // later columns have the rows of earlier ones
				m.optimum()
			}
		}
		cost, prices, ok := m.optimum()
		if !ok {
			t.Fatalf("program %d does not end", n)
		}
		best := naive(m.columns, k)
		if cost > best+1e-4 {
			t.Fatalf("program %d costs %f, a set %f", n, cost, best)
		}
		if set := m.whole(); set != nil {
			whole++
			total := 0.0
			for i, c := range set {
				total += c.cost
				for _, o := range set[:i] {
					if meet(c, o) {
						t.Fatalf("program %d: the paths of %v share a risk", n, set)
					}
				}
			}
			if len(set) != k || math.Abs(total-best) > 1e-4 {
				t.Fatalf("program %d: %d paths of %d cost %f, the best set %f", n, len(set), k, total, best)
			}
		} else if best < math.Inf(1) && !m.short() {
			mixed++
		}
		dual := float64(k) * prices[0]
		for row, p := range prices[1:] {
			if dual += p; p > 1e-6 || p < -m.fine-1e-6 {
				t.Fatalf("program %d: row %d has price %f", n, row+1, p)
			}
		}
		if math.Abs(dual-cost) > 1e-4 {
			t.Fatalf("program %d costs %f, its dual %f", n, cost, dual)
		}
		for _, c := range m.columns {
			gain := c.cost - prices[0]
			for _, row := range c.rows[1:] {
				gain -= prices[row]
			}
			if gain < -1e-4 {
				t.Fatalf("program %d: %v would gain %f", n, c, -gain)
			}
		}
	}
	if whole < 500 || mixed < 50 {
		t.Errorf("%d sets, %d mixed: too easy", whole, mixed)
	}
}

func meet(a, b *column) bool {
	return slices.ContainsFunc(a.risks, func(r int32) bool { return slices.Contains(b.risks, r) })
}

// naive is the least cost of k columns that share no risk.
func naive(columns []column, k int) float64 {
	best := math.Inf(1)
	var grow func(from int, chosen []*column, cost float64)
	grow = func(from int, chosen []*column, cost float64) {
		if len(chosen) == k {
			best = min(best, cost)
			return
		}
		for i := from; i < len(columns); i++ {
			c := &columns[i]
			if !slices.ContainsFunc(chosen, func(o *column) bool { return meet(c, o) }) {
				grow(i+1, append(slices.Clone(chosen), c), cost+c.cost)
			}
		}
	}
	grow(0, nil, 0)
	return best
}
