package pathspec

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/topology"
)

// world is a question on testdata/check.yaml and an answer that is right: two
// paths from a to b, by c in 2ms and by k, abroad, in 4ms.
type world struct {
	*Require // of the first intent
	*Answer  // of the first intent

	yaml    string
	keyless map[string]string // why links have no QKD keys to count on
	intents []Intent
	s       Solution
}

func newWorld(t *testing.T) *world {
	t.Helper()
	data, err := os.ReadFile("testdata/check.yaml")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		yaml: string(data),
		intents: []Intent{{Name: "gold", From: "a", To: "b", Require: Require{
			Multiplicity: 2, Disjoint: []Kind{Link, Node, SRLG, Site, Operator}, Bandwidth: 1e9,
		}}},
		s: Solution{APIVersion: "keiro/v1", Kind: "Solution", Topology: "check", Intents: []Answer{{
			Name: "gold", Status: Satisfied, Optimal: true, Cost: 6000,
			Paths:   []Path{hop("c", 2000, "a--c", "c--b"), hop("k", 4000, "a--k", "k--b")},
			Margin:  &Margin{Link: number(1), Node: number(1), SRLG: number(1)},
			Reserve: &Reserve{Exact: true},
		}}},
	}
	w.Require, w.Answer = &w.intents[0].Require, &w.s.Intents[0]
	return w
}

func number(n int) *int { return &n }

// hop is a path from a to b by one node.
func hop(by string, delay int64, links ...string) Path {
	return Path{Nodes: []string{"a", by, "b"}, Links: links, DelayUS: &delay, Metric: 2, BandwidthBPS: 1e9}
}

// edit changes the topology.
func (w *world) edit(old, new string) { w.yaml = strings.ReplaceAll(w.yaml, old, new) }

// byC takes both paths over c, on links of their own.
func (w *world) byC(kinds ...Kind) {
	w.Disjoint = kinds
	w.Paths[1] = hop("c", 4000, "a--c#2", "c--b#2")
	w.Margin.Node = number(0)
}

// unstated leaves open what the paths share, and names what breaks them.
func (w *world) unstated(breaks string) {
	w.edit(", srlgs: [g3]", "")
	w.edit(", srlgs: [g1]", "")
	w.Disjoint, w.Margin.SRLG, w.Margin.Breaks.SRLG = []Kind{Link}, number(0), []string{breaks}
}

// second adds an intent that the direct link answers.
func (w *world) second() {
	delay := int64(10000)
	w.intents = append(w.intents, Intent{Name: "silver", From: "a", To: "b", Require: Require{Multiplicity: 1, Bandwidth: 1e9}})
	w.s.Intents = append(w.s.Intents, Answer{
		Name: "silver", Status: Satisfied, Cost: delay,
		Paths:  []Path{{Nodes: []string{"a", "b"}, Links: []string{"a--b"}, DelayUS: &delay, Metric: 1, BandwidthBPS: 1e9}},
		Margin: &Margin{Link: number(0), SRLG: number(0)}, Reserve: &Reserve{},
	})
	w.Require, w.Answer = &w.intents[0].Require, &w.s.Intents[0]
}

func spread(us topology.Delay) *topology.Delay { return &us }

func condition(p *Predicate, err error) *Predicate {
	if err != nil {
		panic(err)
	}
	return p
}

// checkCase is one change to a right answer, and the rules that it violates.
type checkCase struct {
	rules  string // in alphabetical order
	what   string
	change func(w *world)
}

// checkCases change one thing at a time. With a rule removed from Check, its
// lines here fail.
func checkCases() []checkCase {
	return []checkCase{
		{"", "nothing", func(w *world) {}},
		{"", "two intents", func(w *world) { w.second() }},
		{"", "no intents", func(w *world) { w.intents, w.s.Intents = nil, nil }},

		{"document", "another version", func(w *world) { w.s.APIVersion = "keiro/v2" }},
		{"document", "another kind", func(w *world) { w.s.Kind = "PathIntent" }},
		{"document", "another topology", func(w *world) { w.s.Topology = "other" }},
		{"answer", "none", func(w *world) { w.s.Intents = nil }},
		{"answer", "twice", func(w *world) { w.s.Intents = append(w.s.Intents, *w.Answer) }},
		{"answer", "of no intent", func(w *world) { w.s.Intents = append(w.s.Intents, Answer{Name: "bronze"}) }},
		{"answer", "out of order", func(w *world) { w.second(); slices.Reverse(w.s.Intents) }},

		{"undecided", "unknown", func(w *world) { *w.Answer = Answer{Name: "gold", Status: Undecided, Why: &Why{}} }},
		{"unproven", "infeasible", func(w *world) { *w.Answer = Answer{Name: "gold", Status: Infeasible, Why: &Why{}} }},
		{"status", "no status", func(w *world) { *w.Answer = Answer{Name: "gold", Status: "fine", Why: &Why{}} }},
		{"status", "satisfied, with a reason", func(w *world) { w.Why = &Why{} }},
		{"status unproven", "infeasible without a reason", func(w *world) { *w.Answer = Answer{Name: "gold", Status: Infeasible} }},
		{"status unproven", "infeasible with paths", func(w *world) {
			*w.Answer = Answer{Name: "gold", Status: Infeasible, Why: &Why{}, Paths: w.Paths}
		}},
		{"multiplicity", "one of two", func(w *world) { w.Paths = w.Paths[:1] }},
		{"multiplicity", "two of one", func(w *world) { w.Multiplicity = 1 }},

		{"path", "no such node", func(w *world) { w.Paths[0].Nodes[1] = "z" }},
		{"path", "no such link", func(w *world) { w.Paths[0].Links[1] = "z" }},
		{"path", "link between others", func(w *world) { w.Paths[0].Links[1] = "k--b" }},
		{"path", "link missing", func(w *world) { w.Paths[0].Links = w.Paths[0].Links[:1] }},
		{"path", "nothing", func(w *world) { w.Paths[0] = Path{} }},
		{"path", "a node only", func(w *world) { w.Paths[0] = Path{Nodes: []string{"a"}} }},
		{"simple", "round by k and a", func(w *world) {
			w.intents[0].Require = Require{Multiplicity: 1}
			p := hop("c", 6000, "a--k", "a--k", "a--c", "c--b")
			p.Nodes, p.Metric, p.BandwidthBPS = []string{"a", "k", "a", "c", "b"}, 4, 0
			w.Paths, w.Margin = []Path{p}, &Margin{Link: number(0), Node: number(0), SRLG: number(0)}
		}},
		{"ends margin", "another to", func(w *world) { w.intents[0].To, w.Disjoint = "k2", nil }},
		{"ends margin", "another from", func(w *world) { w.intents[0].From, w.Disjoint = "k2", nil }},
		{"ends margin", "another site", func(w *world) { w.intents[0].To, w.Disjoint = "korea", nil }},
		{"", "sites", func(w *world) {
			w.intents[0].From, w.intents[0].To = "home", "away"
			w.Disjoint, w.Margin.Node = []Kind{Link, Site, Operator}, number(0)
		}},

		{"disjoint-link", "a link in both", func(w *world) {
			w.Disjoint, w.Cost = nil, 5000
			w.Paths[1] = hop("c", 3000, "a--c", "c--b#2")
			w.Margin = &Margin{Link: number(0), Node: number(0), SRLG: number(0)}
		}},
		{"", "a node in both, not asked for", func(w *world) { w.byC(Link) }},
		{"disjoint-node", "a node in both", func(w *world) { w.byC(Link, Node) }},
		{"disjoint-node", "one node of a site", func(w *world) {
			w.intents[0].From, w.Margin.Node, w.Disjoint = "home", number(0), []Kind{Link, Node}
		}},
		{"disjoint-site", "a site in both", func(w *world) { w.byC(Link, Site) }},
		{"", "a node of the site of an end in both", func(w *world) { w.byC(Link, Site); w.edit("site: middle", "site: home") }},
		{"disjoint-site", "a node without a site", func(w *world) { w.edit("name: k, site: korea,", "name: k,") }},
		{"", "an end without a site", func(w *world) { w.edit("name: a, site: home,", "name: a,") }},
		{"disjoint-srlg", "a group in both", func(w *world) { w.edit("[g3]", "[g1]"); w.Margin.SRLG = number(0) }},
		{"", "a group in one path twice", func(w *world) { w.edit("[g4]", "[g3]") }},
		{"disjoint-srlg", "groups unknown", func(w *world) { w.edit(", srlgs: [g3]", ""); w.Margin.SRLG = number(0) }},
		{"", "groups unknown, not asked for", func(w *world) {
			w.edit(", srlgs: [g3]", "")
			w.Disjoint, w.Margin.SRLG = []Kind{Link}, number(0)
		}},
		{"disjoint-operator", "an operator of links of both", func(w *world) { w.edit("operator: y", "operator: x") }},
		{"disjoint-operator", "an operator of nodes of both", func(w *world) { w.edit("operator: ok", "operator: oc") }},
		{"disjoint-operator", "an operator of a node and a link", func(w *world) { w.edit("operator: ok", "operator: x") }},
		{"disjoint-operator", "a link without an operator", func(w *world) { w.edit("operator: y, ", "") }},
		{"", "a node without an operator", func(w *world) { w.edit("operator: ok, ", "") }},
		{"", "the operator of an end elsewhere", func(w *world) { w.edit("operator: ok", "operator: oa") }},

		{"", "capacity for two", func(w *world) { w.second(); w.edit("10Gbps", "1Gbps") }},
		{"bandwidth", "too little", func(w *world) { w.edit("capacity: 10Gbps", "capacity: 999Mbps") }},
		{"bandwidth", "too little backwards", func(w *world) {
			w.edit("{a: a, b: c,", "{a: a, b: c, ba: {capacity: 1Mbps},")
		}},
		{"bandwidth", "unknown", func(w *world) { w.edit("capacity: 10Gbps, ", "") }},
		{"bandwidth", "too little for two", func(w *world) {
			w.second()
			w.edit("capacity: 10Gbps", "capacity: 1Gbps")
			w.s.Intents[1].Paths[0] = hop("c", 2000, "a--c", "c--b")
			w.s.Intents[1].Cost, w.s.Intents[1].Margin.Node = 2000, number(0)
		}},
		{"bandwidth", "more than a number can hold", func(w *world) {
			w.Bandwidth, w.Paths[0].BandwidthBPS, w.Paths[1].BandwidthBPS = 1<<62, 1<<62, 1<<62
			w.second()
			w.s.Intents[1].Paths[0] = hop("c", 2000, "a--c", "c--b")
			w.s.Intents[1].Cost, w.s.Intents[1].Margin.Node = 2000, number(0)
		}},

		{"", "bounds just met", func(w *world) { w.MaxDelay, w.MaxHops, w.MaxDelaySpread = 4000, 2, spread(2000) }},
		{"max-delay", "too slow", func(w *world) { w.MaxDelay = 3999 }},
		{"max-delay", "unknown delay", func(w *world) {
			w.MaxDelay, w.intents[0].Objective, w.Cost = 4000, MinHops, 4
			w.edit("delay: 2ms, ", "")
			w.Paths[1].DelayUS = nil
		}},
		{"max-delay-spread", "too far apart", func(w *world) { w.MaxDelaySpread = spread(1999) }},
		{"max-delay-spread", "unknown delay", func(w *world) {
			w.MaxDelaySpread, w.intents[0].Objective, w.Cost = spread(2000), MinHops, 4
			w.edit("delay: 2ms, ", "")
			w.Paths[1].DelayUS = nil
		}},
		{"max-hops", "too many", func(w *world) { w.MaxHops = 1 }},

		{"", "countries allowed", func(w *world) { w.Countries.Allow = []string{"JP", "KR"} }},
		{"countries", "not allowed", func(w *world) { w.Countries.Allow = []string{"JP"} }},
		{"countries", "denied", func(w *world) { w.Countries.Deny = []string{"KR"} }},
		{"countries", "denied at an end", func(w *world) {
			w.edit("name: away, country: JP", "name: away, country: KP")
			w.Countries.Deny = []string{"KP"}
		}},
		{"countries", "unknown, allowed others", func(w *world) { w.edit(", country: KR", ""); w.Countries.Allow = []string{"JP"} }},
		{"countries", "unknown, denied others", func(w *world) { w.edit(", country: KR", ""); w.Countries.Deny = []string{"KP"} }},
		{"avoid", "a node", func(w *world) { w.Avoid.Nodes = []string{"c"} }},
		{"avoid", "a link", func(w *world) { w.Avoid.Links = []string{"c--b"} }},
		{"avoid", "a group", func(w *world) { w.Avoid.SRLGs = []string{"g9", "g4"} }},
		{"avoid", "a group, where groups are unknown", func(w *world) {
			w.edit(", srlgs: [g3]", "")
			w.Disjoint, w.Margin.SRLG, w.Avoid.SRLGs = nil, number(0), []string{"g9"}
		}},
		{"avoid", "a site", func(w *world) { w.Avoid.Sites = []string{"middle"} }},
		{"avoid", "a site, where one is unknown", func(w *world) {
			w.edit("name: k, site: korea,", "name: k,")
			w.Disjoint, w.Avoid.Sites = nil, []string{"nowhere"}
		}},
		{"avoid", "an operator of a link", func(w *world) { w.Avoid.Operators = []string{"x"} }},
		{"avoid", "an operator of a node", func(w *world) { w.Avoid.Operators = []string{"ok"} }},
		{"avoid", "an operator, where one is unknown", func(w *world) {
			w.edit("operator: y, ", "")
			w.Disjoint, w.Avoid.Operators = nil, []string{"w"}
		}},
		{"nodes", "a condition on nodes", func(w *world) { w.Nodes = condition(CompileNodes(`node.labels.rank == "1"`)) }},
		{"links", "a condition on links", func(w *world) { w.Links = condition(CompileLinks(`link.delay_us < 2000`)) }},
		{"", "QKD on all links", func(w *world) { w.Encryption = QKD }},
		{"encryption", "QKD without keys", func(w *world) { w.Encryption = QKD; w.keyless = map[string]string{"k--b": "its store is low"} }},
		{"", "QKD without keys, not asked for", func(w *world) { w.Encryption = PQ; w.keyless = map[string]string{"k--b": "its store is low"} }},
		{"encryption", "QKD missing", func(w *world) { w.Encryption = QKD; w.byC(Link) }},
		{"separation", "no routes", func(w *world) { w.Separation = 1000 }},

		{"objective stated", "unknown delay", func(w *world) { w.edit("delay: 2ms, ", "") }},
		{"stated", "a delay that is unknown", func(w *world) {
			w.intents[0].Objective, w.Cost = MinHops, 4
			w.edit("delay: 2ms, ", "")
		}},
		{"stated", "delay", func(w *world) { *w.Paths[1].DelayUS++ }},
		{"stated", "no delay", func(w *world) { w.Paths[1].DelayUS = nil }},
		{"stated", "metric", func(w *world) { w.Paths[1].Metric++ }},
		{"stated", "bandwidth", func(w *world) { w.Paths[1].BandwidthBPS++ }},
		{"cost", "delay", func(w *world) { w.Cost = 5999 }},
		{"cost", "metric", func(w *world) { w.intents[0].Objective = MinMetric }},
		{"", "metric", func(w *world) { w.intents[0].Objective, w.Cost = MinMetric, 4 }},
		{"cost", "hops", func(w *world) { w.intents[0].Objective = MinHops }},
		{"", "hops", func(w *world) { w.intents[0].Objective, w.Cost = MinHops, 4 }},
		{"cost", "balance", func(w *world) { w.intents[0].Objective = Balance }},
		{"", "balance", func(w *world) { w.intents[0].Objective, w.Cost = Balance, 100_000 }},
		{"", "balance after another intent", func(w *world) {
			w.second()
			w.intents[0].Priority, w.intents[0].Objective, w.Cost = -1, Balance, 200_000
			w.s.Intents[1].Paths[0] = hop("k", 4000, "a--k", "k--b")
			w.s.Intents[1].Cost, w.s.Intents[1].Margin.Node = 4000, number(0)
		}},
		{"bandwidth objective", "balance, unknown", func(w *world) { w.intents[0].Objective = Balance; w.edit("capacity: 10Gbps, ", "") }},
		{"order", "by cost", func(w *world) { slices.Reverse(w.Paths) }},
		{"order", "by names", func(w *world) { w.intents[0].Objective, w.Cost = MinHops, 4; slices.Reverse(w.Paths) }},

		{"margin", "none", func(w *world) { w.Margin = nil }},
		{"margin", "links", func(w *world) { w.Margin.Link = number(2) }},
		{"margin", "nodes", func(w *world) { w.Margin.Node = number(0) }},
		{"margin", "groups", func(w *world) { w.Margin.SRLG = number(0) }},
		{"cost", "a bound above the cost", func(w *world) { w.Optimal, w.Bound = false, 1<<40 }},
		{"cost", "a bound of what is optimal", func(w *world) { w.Optimal, w.Bound = true, 1 }},
		{"margin", "any number", func(w *world) { w.Margin.SRLG = nil }},
		{"margin", "not any number", func(w *world) { w.edit("[g3]", "[]"); w.edit("[g4]", "[]") }},
		{"", "any number", func(w *world) { w.edit("[g3]", "[]"); w.edit("[g4]", "[]"); w.Margin.SRLG = nil }},
		{"", "what breaks it", func(w *world) {
			w.Margin.Breaks = Breaks{[]string{"link:c--b", "link:a--k"}, []string{"node:c", "node:k"}, []string{"srlg:g1", "srlg:g4"}}
		}},
		{"margin", "what breaks it leaves a path", func(w *world) { w.Margin.Breaks.Link = []string{"link:a--c", "link:c--b"} }},
		{"margin", "what breaks it is too little", func(w *world) { w.Margin.Breaks.Link = []string{"link:a--c"} }},
		{"margin", "what breaks it is too much", func(w *world) { w.Margin.Breaks.Link = []string{"link:a--c", "link:a--k", "link:c--b"} }},
		{"margin", "what breaks it is elsewhere", func(w *world) { w.Margin.Breaks.Link = []string{"link:a--c", "link:a--b"} }},
		{"margin", "what breaks it is an end", func(w *world) { w.Margin.Breaks.Node = []string{"node:a", "node:c"} }},
		{"margin", "nothing breaks it", func(w *world) {
			w.edit("[g3]", "[]")
			w.edit("[g4]", "[]")
			w.Margin.SRLG, w.Margin.Breaks.SRLG = nil, []string{"srlg:g1"}
		}},
		{"", "what nobody stated breaks it", func(w *world) { w.unstated(UnstatedOf("a--k")) }},
		{"margin", "what breaks it is on no path", func(w *world) { w.unstated("srlg:g9") }},
	}
}

func TestCheck(t *testing.T) {
	for _, c := range checkCases() {
		t.Run(c.rules+" "+c.what, func(t *testing.T) {
			w := newWorld(t)
			c.change(w)
			topo, err := topology.Parse("check.yaml", []byte(w.yaml))
			if err != nil {
				t.Fatal(err)
			}
			topo = topo.Without(topology.Outage{Keyless: w.keyless})
			var rules []string
			for _, v := range Check(topo, w.intents, &w.s) {
				t.Log(v)
				if !slices.Contains(rules, string(v.Rule)) {
					rules = append(rules, string(v.Rule))
				}
				if tell := slices.Contains([]Rule{RuleUndecided, RuleUnproven}, v.Rule); v.CannotTell() != tell {
					t.Errorf("CannotTell is %v", v.CannotTell())
				}
			}
			slices.Sort(rules)
			if got := strings.Join(rules, " "); got != c.rules {
				t.Errorf("violated: %q, want %q", got, c.rules)
			}
		})
	}
}

// FuzzCheck: an answer is somebody else's word, and may be anything.
func FuzzCheck(f *testing.F) {
	data, err := os.ReadFile("testdata/check.yaml")
	if err != nil {
		f.Fatal(err)
	}
	topo, err := topology.Parse("check.yaml", data)
	if err != nil {
		f.Fatal(err)
	}
	intents := []Intent{
		{Name: "gold", From: "a", To: "b", Require: Require{Multiplicity: 2, Disjoint: []Kind{Link, SRLG}, Bandwidth: 1e9}},
		{Name: "silver", From: "home", To: "b", Objective: Balance, Require: Require{Multiplicity: 1}},
	}
	f.Add([]byte(`{"intents":[{"name":"gold","status":"satisfied","paths":[{"nodes":["a","b"],"links":["a--b"]},{"nodes":["a","c","b"],"links":["a--c","c--b"]}]}]}`))
	f.Add([]byte(`{"intents":[{"name":"silver","status":"satisfied","paths":[{"nodes":["a"]}],"margin":{"link":1}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var s Solution
		if json.Unmarshal(data, &s) != nil || len(Check(topo, intents, &s)) > 0 {
			return
		}
		for i, a := range s.Intents {
			if a.Status != Satisfied || len(a.Paths) != intents[i].Require.Multiplicity {
				t.Errorf("no violation in %s", data)
			}
		}
	})
}
