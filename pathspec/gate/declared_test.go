package gate

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/pathspec"
)

// TestIntentsChange: what is declared otherwise is its operator's wish, but for
// what it takes from others and what cannot be had.
func TestIntentsChange(t *testing.T) {
	topo, _ := parseTopology(t, square)
	const (
		pair   = "from: a, to: d, require: {multiplicity: 2, bandwidth: 600Mbps}"
		single = "from: a, to: d, require: {bandwidth: 600Mbps}"
		small  = "from: a, to: d, require: {bandwidth: 100Mbps}"
		four   = "from: a, to: d, require: {multiplicity: 4}"
		hog    = "from: a, to: d, priority: 9, require: {multiplicity: 2, bandwidth: 600Mbps}"
	)
	type side map[string]string
	for _, c := range []struct {
		name          string
		before, after side
		want          string
	}{
		{"nothing", side{"p": pair}, side{"p": pair}, "unchanged\np: unchanged\n"},
		{"taken back", side{"p": pair, "q": single}, side{"p": pair}, "changes\np: unchanged\nq: changes\n"},
		{"weaker", side{"p": pair}, side{"p": single}, "changes\np: changes\n"},
		{"more than there is", side{"p": pair}, side{"p": four}, "degraded\np: degraded\ndegraded p/disjoint: satisfied -> infeasible by [[intent:p]]\n"},
		{"new", side{"p": pair}, side{"p": pair, "n": small}, "changes\nn: changes\np: unchanged\n"},
		{"new, and takes from another", side{"p": pair}, side{"p": pair, "n": hog},
			"degraded\nn: changes\np: degraded\ndegraded p/bandwidth: satisfied -> infeasible by [[intent:n]]\n"},
	} {
		parse := func(s side) []pathspec.Intent {
			var text strings.Builder
			var names []string
			for name := range s {
				names = append(names, name)
			}
			slices.Sort(names)
			for _, name := range names {
				text.WriteString(intent(name, s[name]))
			}
			intents, err := pathspec.Parse("i.yaml", []byte(text.String()))
			if err != nil {
				t.Fatal(err)
			}
			return intents
		}
		got := summary(Evaluate(Input{Before: topo, After: topo, BeforeIntents: parse(c.before), Intents: parse(c.after), Failures: "link"}))
		if got != c.want {
			t.Errorf("%s: got\n%swant\n%s", c.name, got, c.want)
		}
	}
}

// TestSidesAgree: a world with every change reverted is the one before, whatever
// was added, removed, changed and put into another order.
func TestSidesAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func() (out []pathspec.Intent) {
			for _, i := range rapid.Permutation([]int{0, 1, 2, 3, 4}).Draw(t, "order")[:rapid.IntRange(0, 5).Draw(t, "n")] {
				out = append(out, pathspec.Intent{Name: string(rune('a' + i)), From: "x", To: rapid.SampledFrom([]string{"y", "z"}).Draw(t, "to"), Require: pathspec.Require{Multiplicity: 1}})
			}
			return out
		}
		before, after := draw(), draw()
		d := declare(before, after)
		names := func(revert bool) (out []string) {
			specs, order := d.side(func(int) bool { return revert })
			for _, r := range order {
				out = append(out, specs[r].Name+specs[r].To)
			}
			return out
		}
		want := func(list []pathspec.Intent) (out []string) {
			for _, i := range list {
				out = append(out, i.Name+i.To)
			}
			return out
		}
		if got := names(false); !slices.Equal(got, want(after)) {
			t.Fatalf("after: %v, want %v", got, want(after))
		}
		got, is := names(true), want(before)
		if !d.reordered { // then the place of what comes and goes does not count
			slices.Sort(got)
			slices.Sort(is)
		}
		if !slices.Equal(got, is) {
			t.Fatalf("before: %v, want %v (%+v)", got, is, d)
		}
	})
}
