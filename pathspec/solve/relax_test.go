package solve

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/disjoint"
	"github.com/keiro-net/keiro/topology"
)

// TestRelaxations: every change suffices, at the cost that it states, and is
// the least of its kind: the naive solver says so.
func TestRelaxations(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		topo := placed(t, randomTopology(t))
		in := randomIntent(t, topo, "a")
		q := asking(topo, &in)
		if q.feasible(&in, 0) != nil {
			return
		}
		var w wishes
		why := q.why(&w)
		for _, r := range why.Relaxations {
			field, rest, _ := strings.Cut(r.Change, ": ")
			_, value, _ := strings.Cut(rest, " -> ")
			changed, on := in, topo
			if field == "new link" {
				on = withLink(topo, &in, value)
			} else {
				relax(t, &changed.Require, field, value, 0)
			}
			cost, ok := newNaive(on, []pathspec.Intent{changed}, []pathspec.Answer{{}}, 0).best()
			if !ok || cost != r.Cost {
				t.Errorf("%s: feasible %v, cost %d, want %d", r.Change, ok, cost, r.Cost)
			}
			less := in
			if field != "new link" && relax(t, &less.Require, field, value, 1) {
				if _, ok := newNaive(topo, []pathspec.Intent{less}, []pathspec.Answer{{}}, 0).best(); ok {
					t.Errorf("%s: less would do", r.Change)
				}
			}
		}
		finds(t, &in, topo, why, w.best(disjoint.NewHalt(nil)))
	})
}

// placed gives sites places, most of them.
func placed(t *rapid.T, topo *topology.Topology) *topology.Topology {
	for i := range topo.Sites {
		if at := rapid.SampledFrom([]float64{0, 1, 2, 3, 4, 5}).Draw(t, "place"); at < 5 {
			topo.Sites[i].Where = topology.Declare(topology.Point{Lat: at * 1e-4, Lon: float64(i) * 1e-4})
		}
	}
	return topo
}

// relax applies a change, or one step less of it; false where there is none.
func relax(t *rapid.T, r *pathspec.Require, field, value string, step int) bool {
	number := func() int {
		n, err := strconv.Atoi(value)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	delay := func() topology.Delay {
		d, err := topology.ParseDelay(value)
		if err != nil {
			t.Fatal(err)
		}
		return d - topology.Delay(step)
	}
	switch field {
	case "multiplicity":
		r.Multiplicity = number() + step
	case "maxHops":
		r.MaxHops = number() - step
	case "maxDelay":
		r.MaxDelay = delay()
	case "maxDelaySpread":
		d := delay()
		r.MaxDelaySpread = &d
	case "bandwidth":
		b, err := topology.ParseBandwidth(value)
		if err != nil {
			t.Fatal(err)
		}
		r.Bandwidth = b + topology.Bandwidth(step)
	case "separation":
		d, err := topology.ParseDistance(value)
		if err != nil {
			t.Fatal(err)
		}
		r.Separation = d + topology.Distance(step)
	default:
		if step > 0 {
			return false
		}
		names := strings.FieldsFunc(value, func(c rune) bool { return strings.ContainsRune("[], ", c) })
		switch field {
		case "disjoint":
			r.Disjoint = slices.DeleteFunc(slices.Clone(r.Disjoint), func(k pathspec.Kind) bool { return !slices.Contains(names, k.String()) })
		case "countries.allow":
			r.Countries.Allow = names
		case "countries.deny":
			r.Countries.Deny = slices.Clip(names)
			if len(names) == 0 {
				r.Countries.Deny = nil
			}
		case "avoid.nodes":
			r.Avoid.Nodes = names
		case "avoid.links":
			r.Avoid.Links = names
		case "avoid.srlgs":
			r.Avoid.SRLGs = names
		case "avoid.sites":
			r.Avoid.Sites = names
		case "avoid.operators":
			r.Avoid.Operators = names
		case "encryption":
			r.Encryption = pathspec.PQ
		default:
			t.Fatalf("what is %s?", field)
		}
	}
	return true
}

// withLink adds a link as the change says it must be.
func withLink(topo *topology.Topology, in *pathspec.Intent, value string) *topology.Topology {
	ends, rest, _ := strings.Cut(value, " (")
	a, b, _ := strings.Cut(ends, "--")
	entry := topology.Entry{Name: "x--y", Operator: "delta", SRLGs: topology.Declare([]string{"g9"}), QKD: strings.Contains(rest, "qkd")}
	entry.A, _ = topo.Node(a)
	entry.B, _ = topo.Node(b)
	ab := topology.Link{Entry: len(topo.Entries), From: entry.A, To: entry.B, Metric: 1}
	for _, part := range strings.Split(strings.TrimSuffix(rest, ")"), ", ") {
		if d, err := topology.ParseDelay(strings.TrimPrefix(strings.TrimPrefix(part, "delay "), "<= ")); err == nil {
			ab.Delay = topology.Declare(d)
		}
		if c, err := topology.ParseBandwidth(strings.TrimPrefix(part, "capacity ")); err == nil {
			ab.Capacity = topology.Declare(c)
		}
	}
	ba := ab
	ba.From, ba.To = entry.B, entry.A
	return topology.New(topo.Name, topo.Sites, topo.Nodes, append(slices.Clip(topo.Entries), entry), append(slices.Clip(topo.Links), ab, ba))
}

// finds fails where another link would do, and shorter, than those named.
func finds(t *rapid.T, in *pathspec.Intent, topo *topology.Topology, why *pathspec.Why, best *pathspec.NewLink) {
	q := asking(topo, in)
	var all []span
	for a := range topo.Nodes {
		for b := range a {
			s := q.span(b, a)
			more := q.with(s)
			if answer, _, _ := more.answer(); answer.Status == pathspec.Satisfied {
				all = append(all, s)
			}
		}
	}
	slices.SortFunc(all, q.bySpan)
	var want []string
	for _, s := range all[:min(len(all), someSpans)] {
		want = append(want, q.name(s))
	}
	var got []string
	for _, r := range why.Relaxations {
		if rest, ok := strings.CutPrefix(r.Change, "new link: none -> "); ok {
			name, _, _ := strings.Cut(rest, " ")
			got = append(got, name)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("new links %q, want %q", got, want)
	}
	if (best == nil) != (want == nil) || best != nil && best.A+"--"+best.B != want[0] {
		t.Errorf("the best is %+v, want %q", best, want)
	}
}
