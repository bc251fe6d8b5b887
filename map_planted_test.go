package keiro

import (
	"strings"
	"testing"
	"testing/fstest"
)

// sound is a small tree that breaks no rule, and comes close to some.
var sound = map[string]string{
	"topology/topology.go": "// Package topology is pure.\npackage topology\n" +
		"import (\"net/netip\"; \"time\")\nvar _ netip.Addr; var _ = time.Second\n",
	"topology/topology_test.go": "package topology\nimport (\"os\"; \"time\"; \"pgregory.net/rapid\")\n" +
		"func f() { go time.Sleep(1) }\n",
	"pathspec/pathspec.go":        "// Package pathspec is pure.\npackage pathspec\nimport \"" + module + "topology\"\n",
	"pathspec/twin_test.go":       "package pathspec\nimport (\"" + module + "pathspec/solve\"; \"" + module + "pathspec/solve/draw\")\n",
	"pathspec/solve/solve.go":     "// Package solve is pure.\npackage solve\nimport \"" + module + "pathspec\"\n",
	"agent/nodecfg/config.go":     "// Package nodecfg is pure.\npackage nodecfg\n",
	"agent/rtnl/rtnl.go":          "// Package rtnl acts.\npackage rtnl\nimport (\"os\"; \"github.com/vishvananda/netlink\")\nfunc f() { go f() }\n",
	"lab/lab.go":                  "// Package lab sees all.\npackage lab\nimport \"" + module + "agent/rtnl\"\n",
	"cmd/keiro-agent/main.go":     "// Command keiro-agent obeys.\npackage main\nimport \"" + module + "agent/rtnl\"\n",
	"cmd/keiro/main.go":           "// Command keiro asks.\npackage main\nimport \"" + module + "cmd/keiro/cli\"\n",
	"cmd/keiro/cli/root.go":       "// Package cli speaks.\npackage cli\nimport (\"" + module + "lab\"; \"github.com/spf13/cobra\")\n",
	"cmd/keiro/cli/long.go":       "package cli\n\n// budget: a table of code points\n" + strings.Repeat("//\n", fileBudget),
	"cmd/keiro/testdata/bad.go":   "no Go at all",
	"bin/keiro":                   "built in /wo" + "rk/here",
	"docs/paths.md":               "a network/work/path, https://example.org/home/x, ~/work/y",
	"controller/core/core.go":     "// Package core is pure.\npackage core\nimport \"" + module + "agent/nodecfg\"\n",
	"controller/fleet/fleet.go":   "// Package fleet acts.\npackage fleet\nimport (\"" + module + "agent/nodecfg\"; \"google.golang.org/grpc/credentials\")\n",
	"controller/store/big_1.go":   "// Package store is large.\npackage store\n\n// package budget: the store of everything\n" + strings.Repeat("//\n", fileBudget-10),
	"controller/store/big_2.go":   "package store\n" + strings.Repeat("//\n", fileBudget-10),
	"controller/store/big_3.go":   "package store\n" + strings.Repeat("//\n", fileBudget-10),
	"controller/store/big_4.go":   "package store\n" + strings.Repeat("//\n", fileBudget-10),
	"controller/store/db_test.go": "package store\n" + strings.Repeat("//\n", fileBudget-10),
}

// planted are files of which each breaks one rule.
var planted = []struct {
	name string
	path string
	src  string
	want string // in the one report
}{
	{"import against the arrow", "topology/x.go", imports("topology", module+"pathspec"),
		"topology may not import pathspec"},
	{"checker uses the solver", "pathspec/x.go", imports("pathspec", module+"pathspec/solve"),
		"pathspec may not import pathspec/solve"},
	{"a program draws what is for tests", "controller/fleet/x.go", imports("fleet", module+"pathspec/solve/draw"),
		"pathspec/solve/draw is for tests"},
	{"agent imports controller", "agent/rtnl/x.go", imports("rtnl", module+"controller/core"),
		"agent/rtnl may not import controller/core"},
	{"agent's test imports controller's shell", "agent/rtnl/x_test.go", imports("rtnl", module+"controller/fleet"),
		"agent/rtnl may not import controller/fleet"},
	{"controller imports an agent's shell", "controller/fleet/x.go", imports("fleet", module+"agent/rtnl"),
		"controller/fleet may not import agent/rtnl"},
	{"core imports a shell", "controller/core/x.go", imports("core", module+"controller/fleet"),
		"controller/core may not import controller/fleet"},
	{"somebody imports lab", "controller/fleet/x.go", imports("fleet", module+"lab"),
		"controller/fleet may not import lab"},
	{"package that is not on the map", "util/util.go", "// Package util is everything.\n" + imports("util"),
		"package util has no line"},
	{"library away from home", "controller/core/x.go", imports("core", "go.etcd.io/etcd/client/v3"),
		"go.etcd.io/etcd/client/v3 belongs in controller/store"},
	{"test library outside tests", "lab/x.go", imports("lab", "pgregory.net/rapid"),
		"pgregory.net/rapid belongs in tests"},
	{"assertion library", "lab/x_test.go", imports("lab", "github.com/stretchr/testify/assert"),
		"github.com/stretchr/testify/assert has no home"},
	{"pure package does I/O", "topology/x.go", imports("topology", "os"),
		"pure package imports os"},
	{"pure package opens the network", "agent/nodecfg/x.go", imports("nodecfg", "net/http"),
		"pure package imports net/http"},
	{"pure package locks", "pathspec/solve/x.go", imports("solve", "sync/atomic"),
		"pure package imports sync/atomic"},
	{"pure package starts a goroutine", "pathspec/x.go", "package pathspec\nfunc f() { go f() }\n",
		"pure package starts a goroutine"},
	{"pure package reads the clock", "controller/core/x.go", "package core\nimport \"time\"\nvar t = time.Now()\n",
		"pure package uses time.Now"},
	{"pure package reads the clock by another name", "controller/core/x.go", "package core\nimport c \"time\"\nvar t = c.NewTimer(1)\n",
		"pure package uses time.NewTimer"},
	{"package without a comment", "agent/probe/probe.go", "package probe\n",
		"agent/probe: package has no comment"},
	{"long file", "lab/x.go", "package lab\n" + strings.Repeat("//\n", fileBudget),
		"lab/x.go: 401 lines, budget 400"},
	{"long test", "lab/x_test.go", "package lab\n" + strings.Repeat("//\n", fileBudget),
		"lab/x_test.go: 401 lines, budget 400"},
	{"long package", "lab/x.go", "package lab\n\n// budget: generated\n" + strings.Repeat("//\n", packageBudget),
		"package has 1506 lines, budget 1500"},
	{"long main", "cmd/keiro/main.go", "// Command keiro asks.\npackage main\n" + strings.Repeat("//\n", mainBudget),
		"62 lines, budget of a main 60"},
	{"main elsewhere", "lab/tool/main.go", "// Command tool helps.\npackage main\n",
		"package main belongs in cmd/*"},
	{"agent grows", "cmd/keiro-agent/main.go", "// Command keiro-agent obeys.\n" + imports("main", "github.com/spf13/cobra"),
		"keiro-agent would link github.com/spf13/cobra"},
	{"path of the build machine", "lab/x.txt", "built in /wo" + "rk/here",
		"lab/x.txt: names a path of one machine"},
	{"broken Go", "lab/x.go", "package lab\nfunc {", "lab/x.go: "},
}

func imports(pkg string, paths ...string) string {
	src := "package " + pkg + "\n"
	for _, p := range paths {
		src += "import _ \"" + p + "\"\n"
	}
	return src
}

func TestMapOfASoundTree(t *testing.T) {
	for _, v := range check(withFile("", "")) {
		t.Error(v)
	}
}

func TestMapFindsWhatIsPlanted(t *testing.T) {
	for _, p := range planted {
		t.Run(p.name, func(t *testing.T) {
			found := check(withFile(p.path, p.src))
			if len(found) != 1 || !strings.Contains(found[0], p.want) {
				t.Errorf("found %q, want one report with %q", found, p.want)
			}
		})
	}
}

// withFile is the sound tree with one file added or replaced.
func withFile(path, src string) fstest.MapFS {
	tree := fstest.MapFS{}
	for p, s := range sound {
		tree[p] = &fstest.MapFile{Data: []byte(s)}
	}
	if path != "" {
		tree[path] = &fstest.MapFile{Data: []byte(src)}
	}
	return tree
}
