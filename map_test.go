// Package keiro holds no code: only the test of the map, which keeps the
// borders between the packages where the design draws them.
package keiro

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// The map. On the left a package, or all below it with `/...`; on the right
// what of ours it may import. The most exact line counts, and a package
// without a line is an error. Only lab and cmd may import lab.
const importTable = `
topology/...       <- topology/...
pathspec           <- topology/...
pathspec/solve     <- pathspec/solve/admit pathspec/solve/problem pathspec/solve/disjoint pathspec topology
pathspec/solve/admit <- pathspec/solve/why pathspec/solve/survive pathspec/solve/problem pathspec/solve/disjoint pathspec topology
pathspec/solve/why <- pathspec/solve/problem pathspec/solve/disjoint pathspec topology
pathspec/solve/survive <- pathspec/solve/problem pathspec/solve/disjoint pathspec topology
pathspec/solve/problem <- pathspec/solve/disjoint pathspec/solve/flow pathspec topology topology/geo
pathspec/solve/draw <- pathspec topology
pathspec/solve/disjoint <- pathspec/solve/disjoint/... pathspec/solve/flow
pathspec/solve/disjoint/auction   <- pathspec/solve/disjoint/corridor pathspec/solve/disjoint/halt
pathspec/solve/disjoint/ownership <- pathspec/solve/disjoint/corridor pathspec/solve/disjoint/halt pathspec/solve/flow
pathspec/solve/disjoint/corridor  <- pathspec/solve/disjoint/halt pathspec/solve/flow
pathspec/solve/disjoint/halt      <-
pathspec/solve/flow <-
pathspec/gate      <- pathspec pathspec/solve topology topology/diff topology/strictyaml
pathspec/gate/iac  <- pathspec/gate topology topology/diff topology/strictyaml
keys/secret        <-
keys/hybrid        <- keys/secret keys/sign/composite keys/hybrid/kem keys/hybrid/vector
keys/hybrid/kem    <- keys/hybrid/vector
keys/hybrid/vector <-
keys/hybrid/datagram <- keys/hybrid keys/secret
keys/sign          <- keys/sign/composite
keys/sign/composite <- keys/secret keys/hybrid/vector
keys/rotate        <-
keys/qkd           <- keys/secret
keys/qkd/level     <-
hwcheck            <-
internal/plays     <-
bgp/...            <- bgp/...
bgp/file           <- bgp/... topology/strictyaml/...
bgp/lsdb/lsdbtest  <- bgp/... internal/plays
agent/nodecfg      <- topology keys
agent/nodecfg/rpc  <- agent/nodecfg
agent/floor        <- agent/nodecfg
agent/guard        <- agent/nodecfg
agent/...          <- agent/... bgp/... topology pathspec keys/... hwcheck
controller/comply <- agent/nodecfg pathspec topology
controller/core/... <- controller/core/... controller/compile controller/comply controller/live bgp/ls bgp/lsdb bgp/service bgp/srpolicy/... agent/nodecfg pathspec pathspec/solve topology keys hwcheck
controller/pki     <- controller/store agent/nodecfg/rpc keys/hybrid
controller/alert/webhook <- keys/sign
controller/compile <- agent/nodecfg controller/live bgp/... pathspec topology
controller/...     <- controller/... bgp/... agent/nodecfg/... pathspec/... topology/... keys keys/sign hwcheck
lab/...            <- ...
cmd/...            <- ...
`

// purePackages do no I/O, start no goroutine, read no clock and no randomness.
// Of locks they use sync.Once, for what follows from a value and is made late.
// Tests may use them from anywhere.
const purePackages = `
topology topology/strictyaml topology/geo topology/diff
topology/foreign topology/clab topology/gml topology/graphml topology/sndlib topology/repetita
pathspec pathspec/solve pathspec/solve/admit pathspec/solve/why pathspec/solve/survive pathspec/solve/problem
pathspec/solve/disjoint pathspec/solve/flow pathspec/gate
pathspec/solve/disjoint/auction pathspec/solve/disjoint/ownership pathspec/solve/disjoint/corridor pathspec/solve/disjoint/halt
keys/secret keys/hybrid keys/hybrid/kem keys/hybrid/vector keys/hybrid/datagram keys/sign keys/sign/composite keys/rotate keys/qkd/level hwcheck
agent/nodecfg agent/floor agent/guard agent/steer agent/sample/headers agent/sample/leak lab/sight
controller/core controller/core/cause controller/comply controller/compile controller/declare controller/timed controller/waiver controller/show
bgp/ls bgp/message bgp/fsm
bgp/route bgp/srpolicy bgp/srpolicy/report bgp/service
bgp/said bgp/lsdb controller/live
`

// forTests are packages that tests may import, from anywhere, and nothing else.
const forTests = `internal/plays pathspec/solve/draw bgp/internal/peertest bgp/internal/codectest bgp/lsdb/lsdbtest`

// homeTable gives each foreign library its one home. `tests` is any
// _test.go file. A library without a line is an error: no assertion library
// has one.
const homeTable = `
cel.dev/cel-go                 -> pathspec
go.yaml.in/yaml/v3             -> topology/strictyaml
github.com/cloudflare/circl    -> keys/... hwcheck/...
github.com/osrg/gobgp/v4       -> lab/router tests
go.etcd.io                     -> controller/store lab/world
go.uber.org/zap                -> controller/store
github.com/danielgtaylor/huma  -> controller/api
github.com/prometheus          -> controller/...
google.golang.org/grpc         -> agent/nodecfg/rpc agent/session controller/fleet lab/world
github.com/vishvananda         -> agent/... lab/... bgp/internal/peertest
golang.zx2c4.com/wireguard     -> agent/... lab/...
github.com/cilium/ebpf         -> lab/...
github.com/spf13/cobra         -> cmd/...
golang.org/x/net               -> agent/internal/testnet
golang.org/x/sys               -> agent/... lab/... cmd/... bgp/transport bgp/internal/peertest
golang.org/x/term              -> cmd/...
pgregory.net/rapid             -> tests
github.com/rogpeppe/go-internal -> tests bgp/internal/codectest
`

// notInAgent: keiro-agent runs as root on every machine, so it links none of
// these, not even by way of another library.
const notInAgent = `
go.etcd.io github.com/osrg/gobgp github.com/danielgtaylor/huma cel.dev/cel-go github.com/spf13/cobra
`

// Budgets in lines. A file over its own says why in a line `// budget: reason`,
// a package in a line `// package budget: reason`. Tests count as files only.
const (
	fileBudget    = 400
	packageBudget = 1500
	mainBudget    = 60
)

func TestMap(t *testing.T) {
	for _, v := range check(os.DirFS(".")) {
		t.Error(v)
	}
}

// TestProgramsLinkLittle asks the go command, which sees what the libraries
// import in turn.
func TestProgramsLinkLittle(t *testing.T) {
	for program, not := range map[string]string{
		"keiro-agent": notInAgent,
		// Their BGP is our own: gobgp plays the routers of others.
		"keiro":            "github.com/osrg/gobgp",
		"keiro-controller": "github.com/osrg/gobgp",
	} {
		out, err := exec.Command("go", "list", "-deps", "./cmd/"+program).CombinedOutput()
		if err != nil {
			t.Fatalf("go list: %v\n%s", err, out)
		}
		for _, dep := range strings.Fields(string(out)) {
			if in(dep, strings.Fields(not)) {
				t.Errorf("%s links %s", program, dep)
			}
		}
	}
}
