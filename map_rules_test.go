package keiro

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const module = "github.com/keiro-net/keiro/"

// file is one Go file of the tree.
type file struct {
	name    string // path in the repository
	dir     string
	src     []byte
	ast     *ast.File
	imports []string
}

func (f *file) test() bool { return strings.HasSuffix(f.name, "_test.go") }
func (f *file) lines() int { return bytes.Count(f.src, []byte("\n")) }

// tree is the repository, parsed.
type tree struct {
	files    []*file
	packages []string // folders with at least one file that is no test
	found    []string
}

func (t *tree) report(where, format string, args ...any) {
	t.found = append(t.found, where+": "+fmt.Sprintf(format, args...))
}

// check applies every rule of the map to a source tree and returns what
// breaks them, sorted.
func check(repository fs.FS) []string {
	t := &tree{}
	t.read(repository)
	for _, f := range t.files {
		t.checkImports(f)
		t.checkHomes(f)
		t.checkPurity(f)
		t.checkFile(f)
	}
	for _, dir := range t.packages {
		t.checkPackage(dir)
	}
	t.checkAgent()
	slices.Sort(t.found)
	return t.found
}

// buildPath matches paths that exist on one machine only.
var buildPath = regexp.MustCompile(`(?m)(?:^|[^\w.~/-])/(?:work|farm|root|home|Users)/\w*`)

func (t *tree) read(repository fs.FS) {
	err := fs.WalkDir(repository, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if base := d.Name(); d.IsDir() {
			if base == "bin" || base != "." && base != ".ci" && base[0] == '.' {
				return fs.SkipDir
			}
			return nil
		}
		src, err := fs.ReadFile(repository, name)
		if err != nil {
			return err
		}
		if m := buildPath.Find(src); m != nil {
			t.report(name, "names a path of one machine: %s", m)
		}
		if strings.HasSuffix(name, ".go") && !strings.Contains(name, "testdata/") {
			t.parse(name, src)
		}
		return nil
	})
	if err != nil {
		t.report(".", "%v", err)
	}
}

func (t *tree) parse(name string, src []byte) {
	parsed, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.report(name, "%v", err)
		return
	}
	f := &file{name: name, dir: path.Dir(name), src: src, ast: parsed}
	for _, spec := range parsed.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value) // the parser has checked it
		f.imports = append(f.imports, imported)
	}
	t.files = append(t.files, f)
	if !f.test() && !slices.Contains(t.packages, f.dir) {
		t.packages = append(t.packages, f.dir)
	}
}

// in reports whether p lies under one of the prefixes, whole elements only.
func in(p string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool {
		return p == prefix || strings.HasPrefix(p, prefix+"/")
	})
}

// matches reports whether a pattern of a table covers the folder dir.
func matches(pattern, dir string) bool {
	if prefix, below := strings.CutSuffix(pattern, "..."); below {
		prefix = strings.TrimSuffix(prefix, "/")
		return prefix == "" || in(dir, []string{prefix})
	}
	return pattern == dir
}

// row finds the most exact line of a table for the folder or import path p.
func row(table, arrow, p string, covers func(pattern, p string) bool) (right []string, found bool) {
	best := -1
	for line := range strings.Lines(strings.TrimSpace(table)) {
		left, list, _ := strings.Cut(line, arrow)
		pattern := strings.TrimSpace(left)
		// What covers p is a prefix of it: the longer, the more exact.
		prefix, below := strings.CutSuffix(pattern, "/...")
		exactness := 2 * len(prefix)
		if !below {
			exactness++
		}
		if covers(pattern, p) && exactness > best {
			best, right = exactness, strings.Fields(list)
		}
	}
	return right, best >= 0
}

func (t *tree) checkImports(f *file) {
	if f.dir == "." {
		return
	}
	may, found := row(importTable, "<-", f.dir, matches)
	if !found {
		t.report(f.name, "package %s has no line in importTable", f.dir)
		return
	}
	if f.test() {
		may = append(append(may, f.dir), strings.Fields(purePackages+forTests)...)
	}
	for _, imported := range f.imports {
		ours, yes := strings.CutPrefix(imported, module)
		if forTest := strings.Fields(forTests); yes && !f.test() && slices.Contains(forTest, ours) && !slices.Contains(forTest, f.dir) {
			t.report(f.name, "%s is for tests, and %s is none", ours, f.dir)
			continue
		}
		if yes && !slices.ContainsFunc(may, func(pattern string) bool { return matches(pattern, ours) }) {
			t.report(f.name, "%s may not import %s", f.dir, ours)
		}
	}
}

func (t *tree) checkHomes(f *file) {
	for _, imported := range f.imports {
		host, _, _ := strings.Cut(imported, "/")
		if !strings.Contains(host, ".") || strings.HasPrefix(imported, module) {
			continue // the standard library, or ours
		}
		homes, found := row(homeTable, "->", imported, func(library, p string) bool { return in(p, []string{library}) })
		atHome := slices.ContainsFunc(homes, func(home string) bool {
			return matches(home, f.dir) || home == "tests" && f.test()
		})
		switch {
		case !found:
			t.report(f.name, "foreign library %s has no home in homeTable", imported)
		case !atHome:
			t.report(f.name, "foreign library %s belongs in %s", imported, strings.Join(homes, ", "))
		}
	}
}

// impure is what a pure package may not import, and clock what it may not use
// of package time.
var (
	impure = strings.Fields("os net syscall sync/atomic context log io/ioutil testing crypto/rand math/rand")
	clock  = strings.Fields("Now Since Until After AfterFunc Sleep Tick NewTicker NewTimer")
)

func (t *tree) checkPurity(f *file) {
	if f.test() || !slices.Contains(strings.Fields(purePackages), f.dir) {
		return
	}
	timeName := ""
	for i, imported := range f.imports {
		if in(imported, impure) && imported != "net/netip" {
			t.report(f.name, "pure package imports %s", imported)
		}
		if imported == "time" {
			timeName = "time"
			if name := f.ast.Imports[i].Name; name != nil {
				timeName = name.Name
			}
		}
	}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			t.report(f.name, "pure package starts a goroutine")
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == timeName && slices.Contains(clock, n.Sel.Name) {
				t.report(f.name, "pure package uses time.%s", n.Sel.Name)
			}
		}
		return true
	})
}

func (t *tree) checkFile(f *file) {
	if f.lines() > fileBudget && !bytes.Contains(f.src, []byte("\n// budget: ")) {
		t.report(f.name, "%d lines, budget %d: split it, or say why in a line `// budget: reason`", f.lines(), fileBudget)
	}
	if f.ast.Name.Name != "main" || f.test() {
		return
	}
	if ok, _ := path.Match("cmd/*", f.dir); !ok {
		t.report(f.name, "package main belongs in cmd/*")
	}
	if path.Base(f.name) == "main.go" && f.lines() > mainBudget {
		t.report(f.name, "%d lines, budget of a main %d", f.lines(), mainBudget)
	}
}

func (t *tree) checkPackage(dir string) {
	lines, comment, excused := 0, false, false
	for _, f := range t.files {
		if f.dir == dir && !f.test() {
			lines += f.lines()
			comment = comment || f.ast.Doc != nil
			excused = excused || bytes.Contains(f.src, []byte("\n// package budget: "))
		}
	}
	if !comment {
		t.report(dir, "package has no comment that says what it does")
	}
	if lines > packageBudget && !excused {
		t.report(dir, "package has %d lines, budget %d: split it, or say why in a line `// package budget: reason`", lines, packageBudget)
	}
}

// checkAgent follows the imports of keiro-agent through our own packages.
func (t *tree) checkAgent() {
	seen := map[string]bool{}
	var visit func(dir string)
	visit = func(dir string) {
		if seen[dir] {
			return
		}
		seen[dir] = true
		for _, f := range t.files {
			if f.dir != dir || f.test() {
				continue
			}
			for _, imported := range f.imports {
				if ours, yes := strings.CutPrefix(imported, module); yes {
					visit(ours)
				} else if in(imported, strings.Fields(notInAgent)) {
					t.report(f.name, "keiro-agent would link %s", imported)
				}
			}
		}
	}
	visit("cmd/keiro-agent")
}
