package ownership

import (
	"cmp"
	"math/bits"
	"slices"
)

// Rounds of prices at the root and below it.
const (
	rootRounds = 100
	nodeRounds = 12
)

// candidates is how many contested risks are looked at before one is chosen.
const candidates = 6

// state is what a branch changes and must put back.
type state struct {
	members []member
	arena   int
	prices  []priced
}

type priced struct {
	risk  int32
	price int64
}

func (t *Tree) save() state {
	s := state{members: slices.Clone(t.members), arena: len(t.arena)}
	for _, r := range t.priced {
		s.prices = append(s.prices, priced{r, t.price[r]})
	}
	return s
}

func (t *Tree) restore(s state) {
	t.reprice(s.prices)
	for m := range t.members {
		t.note(m, false)
	}
	copy(t.members, s.members)
	t.arena = t.arena[:s.arena]
	for m := range t.members {
		t.note(m, true)
	}
}

// reprice puts prices back.
func (t *Tree) reprice(prices []priced) {
	for len(t.priced) > 0 {
		r := t.priced[len(t.priced)-1]
		t.charge(r, -t.price[r])
	}
	for _, p := range prices {
		t.charge(p.risk, p.price)
	}
}

// over reports whether the search ends here.
func (t *Tree) over() bool { return t.any && t.best.Set != nil || t.halt.Now() }

// visit searches one branch, or all of the space.
func (t *Tree) visit(root bool) {
	if t.over() || !t.settle() {
		return
	}
	rounds := nodeRounds
	if root {
		rounds = rootRounds
	}
	risks, open := t.bargain(rounds)
	if !open || t.over() {
		return
	}
	if len(risks) == 0 {
		risks = t.unsold()
	}
	if choice, ok := t.choose(risks); ok {
		t.branch(choice)
	}
}

// bargain moves the prices until the branch is closed, or nothing is gained;
// then it returns the risks that are contested at the best of them.
func (t *Tree) bargain(rounds int) (risks []int32, open bool) {
	best, idle := int64(-1), 0
	part := int64(1) // of the way to the goal, in a step: one of so many parts
	var kept []priced
	for round := 0; ; round++ {
		least := t.least()
		if least >= t.best.Limit {
			return nil, false
		}
		risks = t.contested()
		if len(risks) == 0 {
			if cost := t.offer(); cost == least || t.over() {
				return nil, false
			}
		}
		if idle++; least > best {
			best, idle, kept = least, 0, t.save().prices
		}
		if idle == 3 {
			part, idle = 2*part, 0
		}
		if round == rounds || part > 64 || t.halt.Now() || !t.haggle(risks, least, part) {
			break
		}
		if !t.settle() {
			return nil, false
		}
	}
	if t.least() < best {
		t.reprice(kept)
		for m := range t.members {
			t.members[m].stale = true
		}
		if !t.settle() {
			return nil, false
		}
		if risks = t.contested(); len(risks) == 0 {
			t.offer()
		}
		if t.least() >= t.best.Limit {
			return nil, false
		}
	}
	return risks, true
}

// haggle changes the prices by one step along the subgradient: up where a risk
// has several members, down where it has none. false: there is nothing to
// change.
func (t *Tree) haggle(risks []int32, least, part int64) bool {
	norm := int64(0)
	var up, down []int32
	for _, r := range risks {
		if t.Once[r] {
			d := t.tooMany(r)
			norm += d * d
			up = append(up, r)
		}
	}
	for _, r := range t.priced {
		if t.users[r] == 0 {
			norm++
			down = append(down, r)
		}
	}
	if norm == 0 {
		return false
	}
	goal := t.best.Limit
	if goal >= Never {
		goal = least + least/8 + 1
	}
	step := max(1, (goal-least)*t.scale/norm/part)
	for _, r := range down {
		t.charge(r, -min(step, t.price[r]))
	}
	for _, r := range up {
		t.charge(r, step*t.tooMany(r))
	}
	for m := range t.members {
		t.members[m].stale = true
	}
	return true
}

// tooMany is how many members have a risk beside the one that may.
func (t *Tree) tooMany(r int32) int64 { return int64(bits.OnesCount8(t.users[r]) - 1) }

// charge changes the price of a risk.
func (t *Tree) charge(r int32, by int64) {
	if by == 0 {
		return
	}
	t.guided = false
	if t.price[r] == 0 {
		t.priced = append(t.priced, r)
	}
	t.price[r] += by
	t.paid += by
	for _, a := range t.OfRisk.At(r) {
		t.weight[a] += by
	}
	if t.price[r] == 0 {
		t.priced = slices.DeleteFunc(t.priced, func(p int32) bool { return p == r })
	}
}

// unsold picks the dearest open risk that no member has: it keeps the bound below the cost.
func (t *Tree) unsold() (risks []int32) {
	best := int32(-1)
	for _, r := range t.priced {
		if t.users[r] == 0 && !t.sold[r] && (best < 0 || t.price[r] > t.price[best] || t.price[r] == t.price[best] && r < best) {
			best = r
		}
	}
	if best < 0 {
		return nil
	}
	return []int32{best}
}

// choice is a risk and who may own it, with the bound that each leaves.
type choice struct {
	risk   int32
	owners []option
}

type option struct {
	member int
	least  int64
}

// choose takes the risk of which every owner costs most: the branches under it
// end soonest. ok false: no owner leaves anything.
func (t *Tree) choose(risks []int32) (best choice, ok bool) {
	if len(risks) == 0 {
		return best, false
	}
	slices.SortStableFunc(risks, func(a, b int32) int {
		return cmp.Compare(bits.OnesCount8(t.users[b]), bits.OnesCount8(t.users[a]))
	})
	for i, r := range risks[:min(candidates, len(risks))] {
		c := choice{r, t.options(r)}
		if len(c.owners) == 0 {
			return c, false
		}
		if i == 0 || harder(c, best) {
			best = c
		}
		if len(c.owners) == 1 {
			return c, true
		}
	}
	return best, true
}

// harder reports whether a leaves less to search than b.
func harder(a, b choice) bool {
	if len(a.owners) != len(b.owners) && min(len(a.owners), len(b.owners)) == 1 {
		return len(a.owners) < len(b.owners)
	}
	for i := range min(len(a.owners), len(b.owners)) {
		if a.owners[i].least != b.owners[i].least {
			return a.owners[i].least > b.owners[i].least
		}
	}
	return len(a.owners) < len(b.owners)
}

// options lists who may own a risk, the cheapest first: each member that owns
// something, and one for all that own nothing. Those that leave no better set
// are left out.
func (t *Tree) options(r int32) (owners []option) {
	var extra [8]int64 // what every member pays for doing without
	var all int64
	stuck, only := 0, -1 // members that cannot do without
	for m := range t.members {
		if t.users[r]>>m&1 == 0 {
			continue
		}
		t.forbid(m, r, 1)
		_, weight, ok := t.route(m, Never)
		t.forbid(m, r, ^uint16(0))
		if !ok {
			stuck, only = stuck+1, m
			continue
		}
		extra[m] = weight - t.members[m].weight
		all += extra[m]
	}
	t.halt.Work(t.router.work)
	t.router.work = 0
	fresh := -1
	offer := func(m int) {
		least := t.round(t.sum() - t.paid + all - extra[m])
		if least < t.best.Limit && (stuck == 0 || stuck == 1 && (m == only || t.owned[m] == 0 && t.owned[only] == 0)) {
			owners = append(owners, option{m, least})
		}
	}
	for m := range t.members {
		if t.owned[m] > 0 {
			offer(m)
		} else if fresh < 0 || m == only || fresh != only && extra[m] > extra[fresh] {
			fresh = m
		}
	}
	if fresh >= 0 {
		offer(fresh)
	}
	slices.SortStableFunc(owners, func(a, b option) int { return cmp.Compare(a.least, b.least) })
	return owners
}

// forbid takes the arcs of a risk from a member, or gives them back.
func (t *Tree) forbid(m int, r int32, by uint16) {
	for _, a := range t.OfRisk.At(r) {
		t.forbidden[m][a] += by
	}
}

// branch searches below a choice.
func (t *Tree) branch(c choice) {
	s := t.save()
	for _, o := range c.owners {
		if o.least >= t.best.Limit || t.over() {
			continue
		}
		t.give(c.risk, o.member, 1)
		t.visit(false)
		t.give(c.risk, o.member, ^uint16(0))
		t.restore(s)
	}
}

// give makes a member the owner of a risk, or undoes that. What has an owner
// needs no price.
func (t *Tree) give(r int32, owner int, by uint16) {
	for m := range t.members {
		if m != owner {
			t.forbid(m, r, by)
			if by == 1 && t.users[r]>>m&1 == 1 {
				t.members[m].stale = true
			}
		}
	}
	if t.sold[r] = by == 1; !t.sold[r] {
		t.owned[owner]--
		return
	}
	t.owned[owner]++
	if t.price[r] > 0 {
		t.members[owner].stale = true
		t.charge(r, -t.price[r])
	}
}
