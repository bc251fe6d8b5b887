package solve

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/problem"
	"github.com/keiro-net/keiro/topology"
)

// TestRelaxations: every change suffices, at the cost that it states, and is
// the least of its kind: the naive solver says so.
func TestRelaxations(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		topo := placed(t, randomTopology(t))
		in := randomIntent(t, topo, "a")
		answer := Solve(Input{Topology: topo, Intents: []pathspec.Intent{in}, NoReserve: true})
		why := answer.Intents[0].Why
		if answer.Intents[0].Status == pathspec.Satisfied {
			return
		}
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
		finds(t, &in, topo, why, answer.NewLink)
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
	topo = problem.Ordered(topo)
	var all []span
	for a := range topo.Nodes {
		for b := range a {
			if s := newSpan(topo, b, a); s.cures(in) {
				all = append(all, s)
			}
		}
	}
	slices.SortFunc(all, bySpan)
	var want []string
	for _, s := range all[:min(len(all), 3)] {
		want = append(want, s.name)
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

// span is a link that nobody has laid yet: a duct of its own.
type span struct {
	t      *topology.Topology
	a, b   int
	name   string
	known  bool // how long it is
	length topology.Distance
}

func newSpan(t *topology.Topology, a, b int) span {
	s := span{t: t, a: a, b: b, name: t.Nodes[a].Name + "--" + t.Nodes[b].Name}
	if from, to := t.SiteOf(a), t.SiteOf(b); from != nil && to != nil && from.Where.Known() && to.Where.Known() {
		x, _ := from.Where.Get()
		y, _ := to.Where.Get()
		s.known, s.length = true, topology.GreatCircle(x, y)
	}
	return s
}

// bySpan orders by length, then names. What is not known to be short is last.
func bySpan(s, o span) int {
	if s.known != o.known {
		if s.known {
			return -1
		}
		return 1
	}
	n := s.t.Nodes
	return cmp.Or(cmp.Compare(s.length, o.length), cmp.Compare(n[s.a].Name, n[o.a].Name), cmp.Compare(n[s.b].Name, n[o.b].Name))
}

// cures reports whether an intent can be met with the link, which has what the
// intent needs.
func (s *span) cures(in *pathspec.Intent) bool {
	parts := []string{"qkd"}
	if s.known {
		parts = append(parts, "delay "+topology.CableDelay(s.length).String())
	}
	if need := max(in.Require.Bandwidth, 1); in.Require.Bandwidth > 0 || in.Objective == pathspec.Balance {
		parts = append(parts, "capacity "+need.String())
	}
	if in.Require.Encryption != pathspec.QKD {
		parts = parts[1:]
	}
	return ask(withLink(s.t, in, s.name+" ("+strings.Join(parts, ", ")+")"), in).Status == pathspec.Satisfied
}
