package lsdb

import "slices"

// partition unites things that share a key, but never two of one slot, which are
// known to be different things: a key that two of one slot have is no key, and
// where keys unite two of one slot by way of others, nothing is united. Groups
// and what is in them ascend. refused are the keys that are none, torn the things
// that stayed alone because of others.
func partition[K, S comparable](keys [][]K, slots []S) (groups [][]int, refused map[K][]int, torn [][]int) {
	holders := map[K][]int{}
	for i := range keys {
		for _, k := range keys[i] {
			if h := holders[k]; len(h) == 0 || h[len(h)-1] != i {
				holders[k] = append(h, i)
			}
		}
	}
	root := make([]int, len(keys))
	for i := range root {
		root[i] = i
	}
	find := func(i int) int {
		for root[i] != i {
			root[i] = root[root[i]]
			i = root[i]
		}
		return i
	}
	clash := func(list []int) bool {
		seen := make(map[S]bool, len(list))
		for _, i := range list {
			if seen[slots[i]] {
				return true
			}
			seen[slots[i]] = true
		}
		return false
	}
	for k, list := range holders {
		if len(list) < 2 {
			continue
		}
		if clash(list) {
			if refused == nil {
				refused = map[K][]int{}
			}
			refused[k] = list
			continue
		}
		for _, i := range list[1:] {
			a, b := find(list[0]), find(i)
			root[max(a, b)] = min(a, b) // a root is the least
		}
	}
	at := make([]int, len(keys)) // of the group of a root
	for i := range keys {
		if r := find(i); r == i {
			at[i] = len(groups)
			groups = append(groups, []int{i})
		} else {
			groups[at[r]] = append(groups[at[r]], i)
		}
	}
	whole := groups[:0:0]
	for _, g := range groups {
		if len(g) == 1 || !clash(g) {
			whole = append(whole, g)
			continue
		}
		torn = append(torn, g)
		for _, i := range g {
			whole = append(whole, []int{i})
		}
	}
	slices.SortFunc(whole, func(a, b []int) int { return a[0] - b[0] })
	return whole, refused, torn
}
