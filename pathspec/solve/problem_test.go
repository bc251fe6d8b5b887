package solve

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/problem"
	"github.com/keiro-net/keiro/topology"
)

// TestSharedCosts: nothing assigns to a cost or a delay in place, in any
// room; whoever wants other costs gives the problem others (Reprice).
func TestSharedCosts(t *testing.T) {
	var files []string
	for _, pattern := range []string{"*.go", "*/*.go", "*/*/*.go"} {
		some, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, some...)
	}
	seen := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		seen++
		for _, at := range writes(f) {
			t.Errorf("%s: writes to costs or delays that others may share", set.Position(at))
		}
	}
	if seen < 20 {
		t.Errorf("%d files only", seen)
	}
	const wrong = "package p; func f() { p.Cost[1] = 2; q.p.Delay[l]++; p.Cost[l] *= 2; p.Cost = nil; cost[1] = 2; copy(p.Cost, x); clear(p.Delay[2:]); p.Cost[l], x = 1, 2 }"
	f, err := parser.ParseFile(token.NewFileSet(), "wrong.go", wrong, 0)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(writes(f)); n != 6 {
		t.Errorf("%d of 6 writes found in %s", n, wrong)
	}
}

// writes finds what changes an element of a field Cost or Delay.
func writes(f *ast.File) (at []token.Pos) {
	shared := func(e ast.Expr) bool {
		for {
			switch x := e.(type) {
			case *ast.IndexExpr:
				e = x.X
				continue
			case *ast.SliceExpr:
				e = x.X
				continue
			case *ast.SelectorExpr:
				return x.Sel.Name == "Cost" || x.Sel.Name == "Delay"
			}
			return false
		}
	}
	element := func(e ast.Expr) bool { x, ok := e.(*ast.IndexExpr); return ok && shared(x) }
	ast.Inspect(f, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.AssignStmt:
			if slices.ContainsFunc(x.Lhs, element) {
				at = append(at, x.Pos())
			}
		case *ast.IncDecStmt:
			if element(x.X) {
				at = append(at, x.Pos())
			}
		case *ast.CallExpr:
			if name, ok := x.Fun.(*ast.Ident); ok && (name.Name == "copy" || name.Name == "clear") && shared(x.Args[0]) {
				at = append(at, x.Pos())
			}
		}
		return true
	})
	return at
}

// TestNetworkStays: whatever is asked, the numbers that all intents share stay
// what they were.
func TestNetworkStays(t *testing.T) {
	var intents []pathspec.Intent
	for _, d := range ducts(t) {
		if d.topology == "jp12" {
			intents = append(intents, d.intent)
		}
	}
	numbers := func(topo *topology.Topology) (all []any) {
		for i := range intents {
			p := problem.Compile(topo, &intents[i], problem.Nothing(topo), 0)
			all = append(all, p.Links, p.Cost, p.Delay, p.OnEntry, p.Through, p.AtEnd)
		}
		return all
	}
	topo, fresh := problem.Ordered(load(t, "jp12")), problem.Ordered(load(t, "jp12"))
	policy := Policy{Joint: true, MaxMoves: 9}
	Solve(Input{Topology: topo, Intents: intents, Policy: policy})
	e := NewEngine(topo, intents)
	e.Fail(topology.Outage{Entries: map[string]bool{topo.Entries[0].Name: true}}, nil)
	if !reflect.DeepEqual(numbers(topo), numbers(fresh)) {
		t.Error("the numbers of the network have changed")
	}
}
