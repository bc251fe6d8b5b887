package solve

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// program states one intent, alone on a topology, as an integer program in
// CPLEX LP format. It is written from the design and shares no code with the
// solver:
//
//	x_p_l  path p takes link l            s_p_n, t_p_n  path p starts, ends at node n
//	y_p_r  path p has risk r
//
// A path enters no node twice, but beside it a program may send a circle round
// that touches it nowhere. That makes no set feasible which is not so without
// the circle, and no set cheaper: it costs nothing at best, and takes risks,
// delay and hops. A bound on the spread is the exception, because a circle
// slows the fast path down; there, u_p_n numbers the nodes along path p.
type program struct {
	t    *topology.Topology
	in   *pathspec.Intent
	rows strings.Builder
	bin  map[string]bool // the binary variables
	num  []string        // the others
	risk map[string]int
	have [][]string // of every risk: the y of the paths that have had it so far
}

// term is a coefficient and a variable.
type term struct {
	by   int64
	name string
}

func one(name string) term   { return term{1, name} }
func minus(name string) term { return term{-1, name} }

// write returns the program.
func write(t *topology.Topology, in *pathspec.Intent) string {
	g := &program{t: t, in: in, bin: map[string]bool{}, risk: map[string]int{}}
	var objective []term
	for p := range in.Require.Multiplicity {
		g.path(p)
		for l := range t.Links {
			if x, ok := g.x(p, l); ok {
				objective = append(objective, term{g.cost(l), x})
			}
		}
	}
	for _, ys := range g.have {
		var terms []term
		for _, y := range ys {
			terms = append(terms, one(y))
		}
		if len(terms) > 1 {
			g.row(terms, "<=", 1)
		}
	}
	var names []string
	for name := range g.bin {
		names = append(names, name)
	}
	slices.Sort(names)
	var b strings.Builder
	fmt.Fprintf(&b, "Minimize\n cost: %s\nSubject To\n%s", expression(objective), g.rows.String())
	if len(g.num) > 0 {
		b.WriteString("Bounds\n")
		for _, u := range g.num {
			fmt.Fprintf(&b, " 0 <= %s <= %d\n", u, len(t.Nodes))
		}
	}
	fmt.Fprintf(&b, "Binaries\n %s\nEnd\n", strings.Join(names, "\n "))
	return b.String()
}

func expression(terms []term) string {
	var b strings.Builder
	for i, t := range terms {
		fmt.Fprintf(&b, " %+d %s", t.by, t.name)
		if i%8 == 7 {
			b.WriteString("\n ") // lines have a greatest length
		}
	}
	return b.String()
}

func (g *program) row(terms []term, is string, what int64) {
	if len(terms) == 0 {
		terms = []term{one(g.binary("zero"))}
		if is == "=" && what != 0 {
			is, what = ">=", 2 // cannot be
		}
	}
	fmt.Fprintf(&g.rows, " %s %s %d\n", expression(terms), is, what)
}

func (g *program) binary(name string) string { g.bin[name] = true; return name }

// x is the variable of a link; false where no path may take the link.
func (g *program) x(p, l int) (string, bool) {
	if !g.usable(l) {
		return "", false
	}
	return g.binary(fmt.Sprintf("x_%d_%d", p, l)), true
}

// usable: a link, and the nodes at it, state what the intent needs.
func (g *program) usable(l int) bool {
	r, link := &g.in.Require, &g.t.Links[l]
	entry := &g.t.Entries[link.Entry]
	several := r.Multiplicity > 1
	if g.in.Objective == pathspec.MinDelay || r.MaxDelay > 0 || r.MaxDelaySpread != nil && several {
		if !link.Delay.Known() {
			return false
		}
	}
	for _, d := range []int{l, l ^ 1} {
		if capacity, ok := g.t.Links[d].Capacity.Get(); r.Bandwidth > 0 && (!ok || capacity < r.Bandwidth) {
			return false
		}
	}
	if several && (r.Wants(pathspec.SRLG) && !entry.SRLGs.Known() || r.Wants(pathspec.Operator) && entry.Operator == "") {
		return false
	}
	for _, n := range []int{link.From, link.To} {
		if several && r.Wants(pathspec.Site) && g.t.Nodes[n].Site == "" && !g.named(n) {
			return false
		}
	}
	return true
}

func (g *program) named(n int) bool {
	return g.t.Nodes[n].Name == g.in.From || g.t.Nodes[n].Name == g.in.To
}

// at reports whether a path may start or end at node n, where end is said.
func (g *program) at(n int, end string) bool {
	if m, ok := g.t.Node(end); ok {
		return m == n
	}
	return g.t.Nodes[n].Site == end
}

func (g *program) cost(l int) int64 {
	switch g.in.Objective {
	case pathspec.MinMetric:
		return g.t.Links[l].Metric
	case pathspec.MinHops:
		return 1
	}
	return g.delay(l)
}

func (g *program) delay(l int) int64 {
	d, _ := g.t.Links[l].Delay.Get()
	return int64(d)
}

// path adds what makes p a path that meets its bounds.
func (g *program) path(p int) {
	r := &g.in.Require
	in, out := make([][]term, len(g.t.Nodes)), make([][]term, len(g.t.Nodes))
	var starts, ends, delay, hops []term
	for l := range g.t.Links {
		if x, ok := g.x(p, l); ok {
			in[g.t.Links[l].To] = append(in[g.t.Links[l].To], one(x))
			out[g.t.Links[l].From] = append(out[g.t.Links[l].From], one(x))
			delay = append(delay, term{g.delay(l), x})
			hops = append(hops, one(x))
			g.onLink(p, l, x)
		}
	}
	for n := range g.t.Nodes {
		var s, t []term
		if g.at(n, g.in.From) {
			s = []term{one(g.binary(fmt.Sprintf("s_%d_%d", p, n)))}
		}
		if g.at(n, g.in.To) {
			t = []term{one(g.binary(fmt.Sprintf("t_%d_%d", p, n)))}
		}
		starts, ends = append(starts, s...), append(ends, t...)
		// What comes in or starts goes out or ends, once at most.
		arrive, leave := slices.Concat(in[n], s), slices.Concat(out[n], t)
		if len(arrive)+len(leave) == 0 {
			continue
		}
		balance := slices.Clone(arrive)
		for _, v := range leave {
			balance = append(balance, minus(v.name))
		}
		g.row(balance, "=", 0)
		if len(arrive) > 0 {
			g.row(arrive, "<=", 1)
		}
		if len(s) > 0 && len(t) > 0 {
			g.row(slices.Concat(s, t), "<=", 1) // a path has a link
		}
		g.atNode(p, n, in[n], s, t)
	}
	g.row(starts, "=", 1)
	g.row(ends, "=", 1)
	if r.MaxDelay > 0 {
		g.row(delay, "<=", int64(r.MaxDelay))
	}
	if r.MaxHops > 0 {
		g.row(hops, "<=", int64(r.MaxHops))
	}
	if r.MaxDelaySpread != nil {
		g.spread(p, delay)
	}
}

// has makes path p have a risk where the terms, none of them alone, say so.
func (g *program) has(p int, risk string, terms []term) {
	r, ok := g.risk[risk]
	if !ok {
		r = len(g.have)
		g.risk[risk] = r
		g.have = append(g.have, nil)
	}
	y := g.binary(fmt.Sprintf("y_%d_%d", p, r))
	if !slices.Contains(g.have[r], y) {
		g.have[r] = append(g.have[r], y)
	}
	g.row(append(terms, minus(y)), "<=", 0)
}

func (g *program) onLink(p, l int, x string) {
	r := &g.in.Require
	if r.Multiplicity < 2 {
		return
	}
	entry := &g.t.Entries[g.t.Links[l].Entry]
	g.has(p, "link:"+entry.Name, []term{one(x)})
	if groups, _ := entry.SRLGs.Get(); r.Wants(pathspec.SRLG) {
		for _, group := range groups {
			g.has(p, "srlg:"+group, []term{one(x)})
		}
	}
	if r.Wants(pathspec.Operator) {
		g.has(p, "operator:"+entry.Operator, []term{one(x)})
	}
}

// atNode: in says that the path comes to node n, s that it starts there, t
// that it ends there.
func (g *program) atNode(p, n int, in, s, t []term) {
	r, node := &g.in.Require, &g.t.Nodes[n]
	arrive := slices.Concat(in, s)
	if r.Multiplicity < 2 || g.named(n) || len(arrive) == 0 {
		return
	}
	if r.Wants(pathspec.Node) {
		g.has(p, "node:"+node.Name, arrive)
	}
	if r.Wants(pathspec.Site) && node.Site != "" && !g.endSite(node.Site) {
		g.has(p, "site:"+node.Site, arrive)
	}
	if r.Wants(pathspec.Operator) && node.Operator != "" {
		through := slices.Clone(in)
		for _, v := range t {
			through = append(through, minus(v.name))
		}
		g.has(p, "operator:"+node.Operator, through)
	}
}

// endSite reports whether a site is that of an end of the intent.
func (g *program) endSite(site string) bool {
	for _, end := range []string{g.in.From, g.in.To} {
		if n, ok := g.t.Node(end); ok {
			end = g.t.Nodes[n].Site
		}
		if site == end {
			return true
		}
	}
	return false
}

// spread bounds the delay of path p against those before it, both ways, and
// forbids circles (Miller, Tucker, Zemlin 1960).
func (g *program) spread(p int, delay []term) {
	for q := range p {
		for _, sign := range []int64{1, -1} {
			var apart []term
			for _, d := range delay {
				_, link, _ := strings.Cut(d.name[2:], "_")
				apart = append(apart, term{sign * d.by, d.name}, term{-sign * d.by, fmt.Sprintf("x_%d_%s", q, link)})
			}
			g.row(apart, "<=", int64(*g.in.Require.MaxDelaySpread))
		}
	}
	most := int64(len(g.t.Nodes))
	u := func(n int) string { return fmt.Sprintf("u_%d_%d", p, n) }
	for n := range g.t.Nodes {
		g.num = append(g.num, u(n))
	}
	for l := range g.t.Links {
		if x, ok := g.x(p, l); ok {
			link := &g.t.Links[l]
			g.row([]term{one(u(link.From)), minus(u(link.To)), {most + 1, x}}, "<=", most)
		}
	}
}

// verdict is what CBC says of a program.
type verdict struct {
	status  pathspec.Status // Undecided: the time was over
	cost    int64
	elapsed time.Duration // of processor time
}

// cbc solves a program, to the last unit of cost, within limit.
func cbc(t testing.TB, program string, limit time.Duration) verdict {
	t.Helper()
	dir := t.TempDir()
	in, out := filepath.Join(dir, "model.lp"), filepath.Join(dir, "solution")
	if err := os.WriteFile(in, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	seconds := strconv.FormatFloat(limit.Seconds(), 'f', 1, 64)
	run := exec.CommandContext(t.Context(), "cbc", in, "-sec", seconds, "-ratio", "0", "-allow", "0", "-solve", "-solution", out)
	log, err := run.CombinedOutput()
	v := verdict{status: pathspec.Undecided, elapsed: run.ProcessState.UserTime()}
	if err != nil {
		t.Fatalf("cbc: %v\n%s", err, log)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatalf("cbc wrote no solution: %v\n%s", err, log)
	}
	first, _, _ := strings.Cut(string(data), "\n")
	switch _, number, _ := strings.Cut(first, "objective value"); {
	case strings.HasPrefix(first, "Optimal"):
		cost, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil {
			t.Fatalf("cbc: %q", first)
		}
		v.status, v.cost = pathspec.Satisfied, int64(cost+0.5)
	case strings.HasPrefix(first, "Infeasible") || strings.HasPrefix(first, "Integer infeasible"):
		v.status = pathspec.Infeasible
	case !strings.HasPrefix(first, "Stopped"):
		t.Fatalf("cbc: %q\n%s", first, log)
	}
	return v
}

// needCBC skips the test on a machine without the peer. In CI it has to be
// there: .ci/needs installs it.
func needCBC(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("cbc"); err == nil {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatal("there is no cbc, which .ci/needs installs (Debian package coinor-cbc)")
	}
	t.Skip("needs cbc as its peer (Debian package coinor-cbc)")
}
