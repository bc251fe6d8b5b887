package comply

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

var start = time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)

// well is an intent with two paths of which all is known, and good.
func well() *Facts {
	spread := topology.Delay(2000)
	in := &pathspec.Intent{Name: "gold", Require: pathspec.Require{
		Multiplicity: 2, Disjoint: []pathspec.Kind{pathspec.Link, pathspec.SRLG}, Separation: 20_000, Bandwidth: 1e9, MaxDelay: 5000,
		MaxDelaySpread: &spread, MaxHops: 3, Countries: pathspec.Countries{Allow: []string{"JP"}}, Avoid: pathspec.Avoid{Nodes: []string{"x"}},
		Encryption: pathspec.PQ,
	}}
	f := &Facts{Intent: in, Answered: true, Installed: Fact{Satisfied, "as told"}, Watched: true, Changed: "generation:1",
		Margins: Margins{Margin: counts(1, 1, 1), Reserve: counts(0, 0, 0)}, Mark: Margins{Margin: counts(1, 1, 1), Reserve: counts(0, 0, 0)}}
	for n, nodes := range [][]string{{"a", "b", "d"}, {"a", "c", "d"}} {
		p := PathFacts{Name: fmt.Sprintf("gold/%d", n), Nodes: nodes, Bound: 1000}
		for _, head := range []string{"a", "d"} {
			m := nodecfg.Measured{Packets: 10, DelayUS: 3000, Synced: true}
			p.Ends = append(p.Ends, End{Node: head, Seen: &nodecfg.PathState{State: nodecfg.Up, RTTUS: 6000, There: m, Back: m,
				Delay: nodecfg.Within, Loss: nodecfg.Within, Way: nodecfg.Proven}})
			p.Lanes = append(p.Lanes, LaneFacts{head, &nodecfg.LaneState{Open: true, Level: "pq"}})
		}
		f.Paths = append(f.Paths, p)
	}
	return f
}

func counts(link, node, srlg int) *Counts { return &Counts{&link, &node, &srlg} }

// Each row changes one thing of a good intent; what is not said to change stays
// Satisfied.
func TestJudge(t *testing.T) {
	seen := func(f *Facts, path, end int) *nodecfg.PathState { return f.Paths[path].Ends[end].Seen }
	broken := func(rule pathspec.Rule, lacks bool, object string) func(*Facts) {
		return func(f *Facts) {
			f.Broken = []pathspec.Violation{{Path: 1, Rule: rule, Message: "m", Lacks: lacks, Object: object}}
		}
	}
	astray := map[string]Status{Path: Unknown, DisjointOf + "link": Unknown, DisjointOf + "srlg": Unknown, Separation: Unknown, Bandwidth: Unknown,
		MaxHops: Unknown, Countries: Unknown, Avoid: Unknown, Encryption: Unknown, Way: Violated}
	for name, c := range map[string]struct {
		change func(*Facts)
		want   map[string]Status
		cause  string // of the first that is not satisfied
	}{
		"all is well":        {func(*Facts) {}, nil, ""},
		"one end lost":       {func(f *Facts) { seen(f, 0, 1).State = nodecfg.Down }, map[string]Status{Multiplicity: Degraded}, "path:gold/0"},
		"a link of one down": {func(f *Facts) { f.Paths[1].Down = "a--c" }, map[string]Status{Multiplicity: Degraded}, "link:a--c"},
		"no verdict yet":     {func(f *Facts) { seen(f, 0, 0).State = nodecfg.CannotTell }, map[string]Status{Multiplicity: Unknown}, ""},
		"no path answered": {func(f *Facts) { f.Paths = nil }, map[string]Status{Multiplicity: Violated, Path: Unknown, DisjointOf + "link": Unknown,
			DisjointOf + "srlg": Unknown, Separation: Unknown, Bandwidth: Unknown, MaxDelay: Unknown, Spread: Unknown, MaxHops: Unknown, Countries: Unknown,
			Avoid: Unknown, Encryption: Unknown, Way: Unknown}, "generation:1"},
		"closed":              {func(f *Facts) { f.Closed = true }, map[string]Status{Multiplicity: Violated}, "generation:1"},
		"a duct shared":       {broken("disjoint-srlg", false, "srlg:duct"), map[string]Status{DisjointOf + "srlg": Degraded}, "srlg:duct"},
		"a duct not stated":   {broken("disjoint-srlg", true, ""), map[string]Status{DisjointOf + "srlg": Unknown}, ""},
		"too near":            {broken(pathspec.RuleSeparation, false, ""), map[string]Status{Separation: Degraded}, "generation:1"},
		"too full":            {broken(pathspec.RuleBandwidth, false, ""), map[string]Status{Bandwidth: Violated}, "generation:1"},
		"abroad":              {broken(pathspec.RuleCountries, false, ""), map[string]Status{Countries: Violated}, "generation:1"},
		"country not stated":  {broken(pathspec.RuleCountries, true, ""), map[string]Status{Countries: Unknown}, ""},
		"no QKD system":       {broken(pathspec.RuleEncryption, false, ""), map[string]Status{Encryption: Violated}, "generation:1"},
		"keys run out":        {broken(pathspec.RuleEncryption, false, "keys:a--b"), map[string]Status{Encryption: Degraded}, "keys:a--b"},
		"slow by the file":    {broken(pathspec.RuleDelay, false, ""), map[string]Status{MaxDelay: Violated}, "generation:1"},
		"not in the file":     {broken(pathspec.RuleDelay, true, ""), nil, ""}, // it is measured
		"measured slow":       {func(f *Facts) { seen(f, 1, 1).Delay = nodecfg.Beyond }, map[string]Status{MaxDelay: Violated}, "path:gold/1"},
		"delay not known":     {func(f *Facts) { seen(f, 1, 1).Delay = "" }, map[string]Status{MaxDelay: Unknown}, ""},
		"too far apart":       {func(f *Facts) { seen(f, 1, 0).There.DelayUS = 5001 }, map[string]Status{Spread: Violated}, "path:gold/0"},
		"apart for sure":      {func(f *Facts) { unsync(f); seen(f, 1, 0).RTTUS = 10_002 }, map[string]Status{Spread: Violated}, "path:gold/0"},
		"perhaps apart":       {func(f *Facts) { unsync(f); seen(f, 1, 0).RTTUS = 10_000 }, map[string]Status{Spread: Unknown}, ""},
		"astray":              {func(f *Facts) { seen(f, 0, 0).Way = nodecfg.Deviates }, astray, ""},
		"way not proven":      {func(f *Facts) { seen(f, 0, 0).Way = "" }, map[string]Status{Way: Unknown}, ""},
		"lossy":               {func(f *Facts) { seen(f, 0, 0).Loss = nodecfg.Beyond }, map[string]Status{Loss: Violated}, "path:gold/0"},
		"a weak key":          {func(f *Facts) { f.Paths[0].Lanes[1].State.Level = "classic" }, map[string]Status{Encryption: Violated}, "path:gold/0"},
		"a weak key, closed":  {func(f *Facts) { f.Paths[0].Lanes[1].State = &nodecfg.LaneState{Level: "classic"} }, nil, ""},
		"nobody tells of one": {func(f *Facts) { f.Paths[0].Lanes[1].State = nil }, map[string]Status{Encryption: Unknown}, ""},
		"in the clear": {func(f *Facts) { f.Leaks = []NodeLeak{{"b", nodecfg.Leak{Kind: nodecfg.LeakClear, Link: "b--c"}}} },
			map[string]Status{Encryption: Violated, Leaks: Violated}, "link:b--c"},
		"a watcher away": {func(f *Facts) { f.Blind = []string{"b"} }, map[string]Status{Leaks: Unknown}, ""},
		"a change stands": {func(f *Facts) { f.Drifts = []NodeDrift{{"b", nodecfg.Drift{Object: "o", Change: "deleted"}}} },
			map[string]Status{Installed: Violated}, "node:b"},
		"margin fell":   {func(f *Facts) { f.Margins.Margin = counts(1, 1, 0) }, map[string]Status{Margin: Degraded}, "generation:1"},
		"margin shared": {func(f *Facts) { f.Margins.Margin, f.Shared = counts(1, 1, 0), "srlg:duct" }, map[string]Status{Margin: Degraded}, "srlg:duct"},
		"reserve fell":  {func(f *Facts) { f.Margins.Reserve, f.Mark.Reserve = counts(0, 0, 0), counts(1, 0, 0) }, map[string]Status{Reserve: Degraded}, "generation:1"},
		"more by luck":  {func(f *Facts) { f.Mark.Margin = &Counts{} }, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := well()
			c.change(f)
			cause, worst := "", Satisfied
			for _, cond := range Judge(f) {
				want := c.want[cond.Characteristic]
				if want == "" {
					want = Satisfied
				}
				if cond.Status != want || cond.Measured == "" || (cond.Status == Satisfied) && cond.Cause != "" {
					t.Errorf("%+v, want %s", cond, want)
				}
				if cond.Status != Satisfied && cause == "" {
					cause = cond.Cause
				}
				if !cond.Aside || cond.Status != Unknown {
					worst = Worse(worst, cond.Status)
				}
			}
			if c.cause != "" && cause != c.cause {
				t.Errorf("cause %q, want %q", cause, c.cause)
			}
			if got := Overall(Judge(f)).Status; got != worst {
				t.Errorf("overall %s, want %s", got, worst)
			}
		})
	}
}

// unsync: the clocks are not known to agree.
func unsync(f *Facts) {
	for _, p := range f.Paths {
		for _, e := range p.Ends {
			e.Seen.There.Synced, e.Seen.Back.Synced = false, false
		}
	}
}

// Whoever is away makes nothing better, and never all Satisfied: for each end in
// turn.
func TestAwayIsUnknown(t *testing.T) {
	for path := range 2 {
		for end := range 2 {
			f := well()
			f.Paths[path].Ends[end].Seen = nil
			f.Paths[path].Ends[end].Why = "away"
			status := map[string]Status{}
			for _, c := range Judge(f) {
				status[c.Characteristic] = c.Status
			}
			for _, name := range []string{Multiplicity, MaxDelay, Loss, Way} {
				if status[name] != Unknown {
					t.Errorf("path %d end %d: %s is %s", path, end, name, status[name])
				}
			}
			if got := Overall(Judge(f)).Status; got != Unknown {
				t.Errorf("overall %s", got)
			}
		}
	}
}

// However statuses come and go, across restarts and clocks that are set back,
// every month's time adds up, and no month has more than it lasts.
func TestLedgerAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, now, begun := &Ledger{}, start, time.Time{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.Int64Range(-3600, 60*24*3600).Draw(t, "seconds")) * time.Second)
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 0:
				text, err := json.Marshal(l)
				if err != nil {
					t.Fatal(err)
				}
				l = new(Ledger)
				if err := json.Unmarshal(text, l); err != nil {
					t.Fatal(err)
				}
				l.Resume(now.Add(-time.Duration(rapid.Int64Range(-10, 7200).Draw(t, "seen"))*time.Second), now)
			default:
				status := rapid.SampledFrom(Statuses).Draw(t, "status")
				l.Update(now, []Condition{{Characteristic: MaxDelay, Status: status, Measured: "m"}})
			}
			if begun.IsZero() && len(l.Conditions) > 0 {
				begun = l.Until
			}
		}
		if begun.IsZero() {
			return
		}
		at := l.At(now)
		if len(at.Months) > KeptMonths {
			t.Fatalf("%d months", len(at.Months))
		}
		var sum int64
		for _, m := range at.Months {
			first, err := time.Parse("2006-01", m.Month)
			if err != nil {
				t.Fatal(err)
			}
			var spent int64
			for _, ms := range m.Spent[MaxDelay] {
				if ms < 0 {
					t.Fatalf("%+v", m)
				}
				spent += ms
			}
			if spent > first.AddDate(0, 1, 0).Sub(first).Milliseconds() {
				t.Fatalf("%s has %d ms", m.Month, spent)
			}
			sum += spent
		}
		if first := at.Months; len(first) < KeptMonths && sum != at.Until.Sub(begun).Milliseconds() {
			t.Fatalf("%d ms, from %s to %s", sum, begun, at.Until)
		}
	})
}

// Erosion is kept with what was before and after and the cause; a mark is only
// what there was while nothing was down.
func TestErosions(t *testing.T) {
	l := &Ledger{}
	l.Redeclare("x")
	l.Count(start, Margins{Margin: counts(1, 1, 1)}, true, "first")
	if len(l.Erosions) != 0 || *l.Mark.Margin.Link != 1 {
		t.Errorf("%+v", l)
	}
	l.Count(start, Margins{Margin: counts(2, 1, 1)}, false, "another way")
	changed := l.Count(start, Margins{Margin: counts(1, 1, 0)}, true, "srlg:duct")
	if len(changed) != 1 || !changed[0].Fell || changed[0].Cause != "srlg:duct" || *l.Mark.Margin.Link != 1 || *l.Mark.Margin.SRLG != 1 {
		t.Errorf("%+v, mark %s", changed, l.Mark.Margin)
	}
	l.Count(start, Margins{}, true, "nothing is known")
	if len(l.Erosions) != 2 || *l.Last.Margin.SRLG != 0 {
		t.Errorf("%+v", l.Erosions)
	}
	for n := range 3 * KeptErosions {
		l.Count(start, Margins{Margin: counts(n%2, 1, 1)}, true, "flaps")
	}
	if len(l.Erosions) != KeptErosions {
		t.Errorf("%d erosions", len(l.Erosions))
	}
	l.Redeclare("y")
	if l.Mark.Margin != nil || len(l.Erosions) != KeptErosions {
		t.Error("another intent has the mark of the one before, or has lost its history")
	}
}

// A guessed cause is what had happened when it began, not what happened last.
func TestCauseStays(t *testing.T) {
	l := &Ledger{}
	cond := func(cause string) []Condition {
		return []Condition{{Characteristic: Margin, Status: Degraded, Cause: cause, Guessed: true}}
	}
	if !l.Update(start, cond("link:a--b")) || l.Update(start.Add(time.Hour), cond("generation:7")) {
		t.Error("what changed")
	}
	if c := l.Conditions[0]; c.Cause != "link:a--b" || !c.Since.Equal(start) {
		t.Errorf("%+v", c)
	}
	unknown := []Condition{{Characteristic: Margin, Status: Unknown}}
	l.Update(start.Add(2*time.Hour), unknown)
	l.Resume(start.Add(3*time.Hour), start.Add(4*time.Hour))
	l.Update(start.Add(5*time.Hour), slices.Clone(unknown))
	l.Update(start.Add(6*time.Hour), cond("generation:8"))
	if c := l.Conditions[0]; c.Cause != "link:a--b" || !c.Since.Equal(start.Add(6*time.Hour)) {
		t.Errorf("after nobody knew: %+v", c)
	}
	l.Update(start.Add(7*time.Hour), []Condition{{Characteristic: Margin, Status: Satisfied}})
	l.Update(start.Add(8*time.Hour), unknown)
	l.Update(start.Add(9*time.Hour), cond("generation:9"))
	if c := l.Conditions[0]; c.Cause != "generation:9" {
		t.Errorf("of another time: %+v", c)
	}
}
