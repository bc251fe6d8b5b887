package auction

import "slices"

// master is the linear program over the paths found so far: how much of each
// to take, K in all, so that no risk is taken more than once, at the least
// cost (Dantzig and Wolfe, Operations Research 8, 1960). What is missing of K
// costs dear, and so does what is too much of a risk. Only risks that were too
// much once have a row.
//
// It is the simplex method, in floating point: what it returns are proposals.
// Prices become a bound by the search for the cheapest path, in integers.
type master struct {
	dear    float64 // what a missing path costs
	fine    float64 // what it costs to take a risk once too often
	columns []column
	risks   []int32     // of every row; row 0 stands for K
	inverse [][]float64 // of the basis
	basis   []variable  // of every row
	value   []float64   // of the variables in the basis
	step    []float64
}

// column is a path.
type column struct {
	arcs  []int32
	risks []int32 // sorted
	cost  float64
	rows  []int32
}

// variable stands for a column, or for what is short (of K, row 0), left or
// too much in a row.
type variable struct {
	kind   uint8
	number int32
}

const (
	taken uint8 = iota
	left
	over
	short
)

// tiny is what counts as nothing in floating point.
const tiny = 1e-7

func newMaster(k int) *master {
	return &master{
		risks: []int32{-1}, inverse: [][]float64{{1}}, basis: []variable{{kind: short}}, value: []float64{float64(k)},
	}
}

// add takes in a path; false where it is there already.
func (m *master) add(c column) bool {
	for i := range m.columns {
		if slices.Equal(m.columns[i].arcs, c.arcs) {
			return false
		}
	}
	c.rows = []int32{0}
	for row, r := range m.risks[1:] {
		if _, ok := slices.BinarySearch(c.risks, r); ok {
			c.rows = append(c.rows, int32(row+1))
		}
	}
	m.columns = append(m.columns, c)
	return true
}

func (m *master) cost(v variable) float64 {
	switch v.kind {
	case taken:
		return m.columns[v.number].cost
	case over:
		return m.fine
	case short:
		return m.dear
	}
	return 0
}

// limit adds a row for a risk that is taken too often.
func (m *master) limit(r int32) {
	row := len(m.basis)
	last := make([]float64, row+1)
	much := -1.0
	for i, v := range m.basis {
		if v.kind != taken {
			continue
		}
		if _, ok := slices.BinarySearch(m.columns[v.number].risks, r); ok {
			much += m.value[i]
			for j, x := range m.inverse[i] {
				last[j] += x
			}
		}
	}
	last[row] = -1
	for i := range m.inverse {
		m.inverse[i] = append(m.inverse[i], 0)
	}
	m.inverse, m.risks = append(m.inverse, last), append(m.risks, r)
	m.basis, m.value = append(m.basis, variable{over, int32(row)}), append(m.value, max(0, much))
	m.step = append(m.step, 0)
	for i := range m.columns {
		if _, ok := slices.BinarySearch(m.columns[i].risks, r); ok {
			m.columns[i].rows = append(m.columns[i].rows, int32(row))
		}
	}
}

// optimum solves the program, with rows for all risks that are taken too
// often. It returns the cost and the price of every row; those of risks are
// not above 0. false: it did not come to an end.
func (m *master) optimum() (cost float64, prices []float64, ok bool) {
	for range 200 {
		if prices, ok = m.simplex(); !ok {
			return 0, nil, false
		}
		crowded := m.crowded()
		if len(crowded) == 0 {
			for i, v := range m.basis {
				cost += float64(m.cost(v) * m.value[i])
			}
			return cost, prices, true
		}
		for _, r := range crowded {
			m.limit(r)
		}
	}
	return 0, nil, false
}

// crowded lists risks that are taken more than once, of those that the same
// paths have the one that most others have too.
func (m *master) crowded() (risks []int32) {
	type crowd struct {
		risk    int32
		columns []int32 // in the basis
		much    float64
		uses    int
	}
	var all []crowd
	at := map[int32]int{}
	for i, v := range m.basis {
		if v.kind != taken || m.value[i] < tiny {
			continue
		}
		for _, r := range m.columns[v.number].risks {
			n, ok := at[r]
			if !ok {
				n = len(all)
				at[r] = n
				all = append(all, crowd{risk: r})
			}
			all[n].much += m.value[i]
			all[n].columns = append(all[n].columns, int32(i))
		}
	}
	all = slices.DeleteFunc(all, func(c crowd) bool { return c.much < 1+1e-6 || slices.Contains(m.risks, c.risk) })
	for i := range all {
		for j := range m.columns {
			if _, ok := slices.BinarySearch(m.columns[j].risks, all[i].risk); ok {
				all[i].uses++
			}
		}
	}
	slices.SortStableFunc(all, func(a, b crowd) int { return b.uses - a.uses })
	var chosen [][]int32
	for _, c := range all {
		if !slices.ContainsFunc(chosen, func(o []int32) bool { return slices.Equal(o, c.columns) }) {
			chosen, risks = append(chosen, c.columns), append(risks, c.risk)
		}
	}
	return risks
}

// simplex goes from basis to basis until none is cheaper.
func (m *master) simplex() (prices []float64, ok bool) {
	for range 2000 {
		prices = m.prices()
		enter, found := m.entering(prices)
		if !found {
			return prices, true
		}
		if !m.pivot(enter) {
			return nil, false
		}
	}
	return nil, false
}

func (m *master) prices() []float64 {
	prices := make([]float64, len(m.basis))
	for i, v := range m.basis {
		if c := m.cost(v); c != 0 {
			for j, x := range m.inverse[i] {
				prices[j] += float64(c * x)
			}
		}
	}
	return prices
}

// entering is the variable that gains most.
func (m *master) entering(prices []float64) (enter variable, found bool) {
	best := -tiny * (1 + m.dear/1000)
	try := func(gain float64, v variable) {
		if gain < best {
			best, enter, found = gain, v, true
		}
	}
	for n := range m.columns {
		gain := m.columns[n].cost
		for _, row := range m.columns[n].rows {
			gain -= prices[row]
		}
		try(gain, variable{taken, int32(n)})
	}
	for row := 1; row < len(prices); row++ {
		try(-prices[row], variable{left, int32(row)})
		try(m.fine+prices[row], variable{over, int32(row)})
	}
	return enter, found
}

// pivot takes a variable into the basis; false where nothing leaves it.
func (m *master) pivot(enter variable) bool {
	step := slices.Grow(m.step[:0], len(m.basis))[:len(m.basis)]
	m.step = step
	for i, row := range m.inverse {
		step[i] = 0
		switch enter.kind {
		case taken:
			for _, j := range m.columns[enter.number].rows {
				step[i] += row[j]
			}
		case left:
			step[i] = row[enter.number]
		case over:
			step[i] = -row[enter.number]
		}
	}
	leave, by := -1, 0.0
	for i, d := range step {
		if d <= 1e-9 {
			continue
		}
		if ratio := m.value[i] / d; leave < 0 || ratio < by-1e-12 || ratio <= by+1e-12 && d > step[leave] {
			leave, by = i, ratio
		}
	}
	if leave < 0 {
		return false
	}
	pivot := m.inverse[leave]
	for j := range pivot {
		pivot[j] /= step[leave]
	}
	for i, d := range step {
		if i == leave || d == 0 {
			continue
		}
		for j, x := range pivot {
			m.inverse[i][j] -= float64(d * x)
		}
		m.value[i] = max(0, m.value[i]-float64(d*by))
	}
	m.value[leave], m.basis[leave] = by, enter
	return true
}

// short reports whether the present solution lacks paths or takes a risk too
// often.
func (m *master) short() bool {
	for i, v := range m.basis {
		if (v.kind == short || v.kind == over) && m.value[i] > tiny {
			return true
		}
	}
	return false
}

// whole returns the paths of the present solution where it takes each in
// whole or not at all.
func (m *master) whole() (set []*column) {
	for i, v := range m.basis {
		switch x := m.value[i]; {
		case x < tiny || v.kind == left:
		case v.kind != taken || x < 1-1e-6 || x > 1+1e-6:
			return nil
		default:
			set = append(set, &m.columns[v.number])
		}
	}
	return set
}
