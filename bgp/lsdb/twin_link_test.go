package lsdb_test

import (
	"fmt"
	"maps"
	"slices"

	"github.com/keiro-net/keiro/bgp/ls"
)

// together tells which adjacencies are one link.
func together(adjacencies [][2]ls.Link, group map[node]int) (lines []string) {
	local := func(l ls.Link) int { return group[node{l.Origin, l.Local}] }
	level := func(a [2]ls.Link) string {
		return fmt.Sprint(a[0].Origin, a[0].MultiTopology, a[0].Local.OSPFAreaID)
	}
	// called is what an end is called, by who calls it so.
	called := func(a [2]ls.Link) map[string]any {
		out := map[string]any{}
		for _, l := range a {
			if l.IPv4Interface.IsValid() {
				out[fmt.Sprint(local(l), " address")] = l.IPv4Interface
			}
			if id := l.Identifiers.Value.Local; id != 0 {
				out[fmt.Sprint(local(l), " number in ", node{o: l.Origin}.igp())] = id
			}
		}
		return out
	}
	between := map[[2]int][][2]ls.Link{}
	for _, a := range adjacencies {
		e := [2]int{min(local(a[0]), local(a[1])), max(local(a[0]), local(a[1]))}
		between[e] = append(between[e], a)
	}
	for _, list := range between {
		one := make([]int, len(list))
		for i := range one {
			one[i] = i
		}
		shares := func(i, j int) bool {
			for k, v := range called(list[i]) {
				if called(list[j])[k] != v {
					continue
				}
				holders := map[string]int{}
				for n := range list {
					if called(list[n])[k] == v {
						holders[level(list[n])]++
					}
				}
				if !slices.ContainsFunc(slices.Collect(maps.Values(holders)), func(n int) bool { return n > 1 }) {
					return true
				}
			}
			return false
		}
		for i := range list {
			for j := range list {
				if from, to := one[j], one[i]; shares(i, j) {
					for n := range one {
						if one[n] == from {
							one[n] = to
						}
					}
				}
			}
		}
		sole, against := true, false
		torn := map[int]bool{}
		for i := range list {
			for j := range i {
				same := level(list[i]) == level(list[j])
				sole = sole && !same
				torn[one[i]] = torn[one[i]] || same && one[i] == one[j]
				for k, v := range called(list[i]) {
					other := called(list[j])[k]
					against = against || other != nil && other != v
				}
			}
		}
		for i := range list {
			for j := range list {
				if i != j && (one[i] == one[j] && !torn[one[i]] || sole && !against) {
					lines = append(lines, pairOf(list[i], list[j]))
				}
			}
		}
	}
	return lines
}

func pairOf(a, b [2]ls.Link) string {
	names := []string{}
	for _, l := range []ls.Link{a[0], a[1], b[0], b[1]} {
		names = append(names, nlri(l))
	}
	slices.Sort(names[:2])
	slices.Sort(names[2:])
	x, y := fmt.Sprint(names[:2]), fmt.Sprint(names[2:])
	return "one link: " + min(x, y) + " and " + max(x, y)
}

// member reports whether a router and its LAN know each other.
func member(links []ls.Link, group map[node]int, l ls.Link) bool {
	knows, interfaces := false, 0
	for _, b := range links {
		if b.Origin != l.Origin {
			continue
		}
		if b.Local == l.Remote && !(node{b.Origin, b.Remote}).pseudo() && group[node{b.Origin, b.Remote}] == group[node{l.Origin, l.Local}] {
			knows = true
		}
		if b.Remote == l.Remote && !(node{b.Origin, b.Local}).pseudo() && group[node{b.Origin, b.Local}] == group[node{l.Origin, l.Local}] && b.MultiTopology == l.MultiTopology {
			interfaces++
		}
	}
	return knows && interfaces == 1
}

// mate finds the half back.
func mate(a ls.Link, along, back []ls.Link) (ls.Link, bool) {
	ids := func(l ls.Link) [2]any {
		return [2]any{blank(l.Identifiers.Value.Local), blank(l.Identifiers.Value.Remote)}
	}
	v4 := func(l ls.Link) [2]any { return [2]any{blank(l.IPv4Interface), blank(l.IPv4Neighbor)} }
	mated := map[ls.Link]ls.Link{}
	for _, of := range []func(ls.Link) [2]any{ids, v4} {
		fits := []func(x, y [2]any) bool{
			func(x, y [2]any) bool { return x[0] != nil && x[1] != nil && x[0] == y[1] && x[1] == y[0] },
			func(x, y [2]any) bool { return x[0] != nil && x[1] == nil && y[1] == x[0] },
			func(x, y [2]any) bool { return y[0] != nil && y[1] == nil && x[1] == y[0] },
		}
		for _, fit := range fits {
			pairs := map[ls.Link]ls.Link{}
			for _, x := range along {
				var of1, of2 []ls.Link
				for _, y := range back {
					if _, done := mated[y]; !done && fit(of(x), of(y)) {
						of1 = append(of1, y)
					}
				}
				if _, done := mated[x]; done || len(of1) != 1 {
					continue
				}
				for _, z := range along {
					if _, done := mated[z]; !done && fit(of(z), of(of1[0])) {
						of2 = append(of2, z)
					}
				}
				if len(of2) == 1 {
					pairs[x], pairs[of1[0]] = of1[0], x
				}
			}
			maps.Copy(mated, pairs)
		}
	}
	if b, ok := mated[a]; ok {
		return b, true
	}
	if len(along) == 1 && len(back) == 1 {
		b := back[0]
		against := func(x, y [2]any) bool {
			return x[1] != nil && y[0] != nil && x[1] != y[0] || x[0] != nil && y[1] != nil && x[0] != y[1]
		}
		return b, !against(ids(a), ids(b)) && !against(v4(a), v4(b))
	}
	return ls.Link{}, false
}

// blank is nil for what is not known.
func blank[T comparable](v T) any {
	var none T
	if v == none {
		return nil
	}
	return v
}

func (w *twin) unusable(a [2]ls.Link, objects []ls.NLRI, group map[node]int) bool {
	for _, l := range a {
		for _, o := range objects {
			n, ok := o.(ls.Node)
			if !ok || n.Origin != l.Origin || group[node{n.Origin, n.Local}] != group[node{l.Origin, l.Local}] {
				continue
			}
			if f, _ := w.believed(n, "flags"); n.Protocol != ls.OSPFv2 && f == ls.Overload {
				return true
			}
		}
	}
	return false
}

func text(n node) string    { return fmt.Sprintf("%v %v", n.o, n.d) }
func nlri(l ls.Link) string { return l.String() }
