package online

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/controller/api"
	"github.com/keiro-net/keiro/controller/api/apitest"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/pathspec"
)

func TestMain(m *testing.M) {
	time.Local = time.UTC
	os.Exit(m.Run())
}

// world is a controller that fits in a test, and an operator's desk.
type world struct {
	*apitest.Backend
	env    *command.Env
	stdout *bytes.Buffer
	stderr *bytes.Buffer
	vars   map[string]string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Backend: apitest.New(), stdout: new(bytes.Buffer), stderr: new(bytes.Buffer)}
	server, err := api.New(api.Config{
		Backend: w.Backend, Auth: apitest.Tokens{"secret": "alice"}, Log: slog.New(slog.DiscardHandler),
		Version: resource.Version{Version: "v1", Go: "go1.26"}, Alerts: &apitest.Alerts{},
	})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(server)
	t.Cleanup(func() { web.CloseClientConnections(); web.Close() })
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.vars = map[string]string{"KEIRO_SERVER": web.URL, "KEIRO_TOKEN_FILE": token, "HOME": t.TempDir()}
	w.env = &command.Env{
		Stdin: strings.NewReader(""), Stdout: w.stdout, Stderr: w.stderr,
		LookupEnv: func(name string) (string, bool) { v, set := w.vars[name]; return v, set },
		Size:      func() (int, int) { return 100, 24 },
		Now:       func() time.Time { return apitest.Now.Add(10 * time.Minute) },
	}
	return w
}

// run runs one command line and returns its exit code and what it printed.
func (w *world) run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	w.stdout.Reset()
	w.stderr.Reset()
	code = execute(t.Context(), w.env, args...)
	return code, w.stdout.String(), w.stderr.String()
}

func execute(ctx context.Context, env *command.Env, args ...string) int {
	root := &cobra.Command{Use: "keiro", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(Commands(env)...)
	root.SetArgs(args)
	root.SetOut(env.Stdout)
	root.SetErr(io.Discard)
	return command.ExitCode(env.Stderr, root.ExecuteContext(ctx))
}

// expect runs a command line and compares all of what it says.
func (w *world) expect(t *testing.T, code int, stdout, stderr string, args ...string) {
	t.Helper()
	gotCode, gotOut, gotErr := w.run(t, args...)
	if gotCode != code {
		t.Errorf("%v: exit code %d, want %d", args, gotCode, code)
	}
	if want := strings.TrimPrefix(stdout, "\n"); gotOut != want {
		t.Errorf("%v: stdout\n%s\nwant\n%s", args, gotOut, want)
	}
	if want := strings.TrimPrefix(stderr, "\n"); gotErr != want {
		t.Errorf("%v: stderr\n%s\nwant\n%s", args, gotErr, want)
	}
}

func pointer[T any](v T) *T { return &v }

// comply gives gold a delay that is measured beyond its bound, and leaves far
// without a path.
func (w *world) comply(gold, far *resource.Intent) {
	since := apitest.Now.Add(5 * time.Minute)
	gold.Status.Compliance, far.Status.Compliance = resource.Violates, resource.Violates
	gold.Status.Characteristics = []resource.Characteristic{
		{Name: "multiplicity", Status: resource.Degrades, Declared: "2", Measured: "1 of 2 paths carry packets", Since: since, Cause: "path:gold/0"},
		{Name: "maxDelay", Status: resource.Violates, Declared: "4ms", Measured: "path gold/1 from a takes 5.1ms there", Since: since, Cause: "path:gold/1"},
		{Name: "way", Status: resource.CannotTell, Measured: "not known of path gold/1 from d", Since: apitest.Now},
	}
	far.Status.Characteristics = []resource.Characteristic{{Name: "multiplicity", Status: resource.Violates, Declared: "1", Measured: "no path set stands", Since: apitest.Now}}
	hour := int64(time.Hour / time.Millisecond)
	w.Remember(
		&resource.Compliance{Intent: "far", Status: resource.Violates, Characteristics: far.Status.Characteristics, Erosions: []resource.Erosion{}, Months: []resource.Availability{}},
		&resource.Compliance{Intent: "gold", Status: resource.Violates, Characteristics: gold.Status.Characteristics,
			Erosions: []resource.Erosion{{At: since, What: "margin", Before: "link 1, node 1, srlg any", After: "link 0, node 0, srlg any", Fell: true, Cause: "path:gold/0"}},
			Months: []resource.Availability{
				{Month: "2026-10", Characteristic: "total", SatisfiedMS: 743 * hour, ViolatedMS: 1, UnknownMS: hour - 1},
				{Month: "2026-11", Characteristic: "maxDelay", SatisfiedMS: 10 * hour, ViolatedMS: 90_500},
				{Month: "2026-11", Characteristic: "total", SatisfiedMS: 9 * hour, DegradedMS: hour, ViolatedMS: 90_500},
			}})
}

// populate puts a small network into the controller: gold with two paths, one
// of them down; far, which cannot be.
func (w *world) populate() {
	gold := intent("gold", `{"from":"a","to":"d","require":{"multiplicity":2}}`, resource.True, resource.True, resource.False)
	gold.Metadata.Labels = map[string]string{"class": "secret"}
	gold.Status.Answer = pathspec.Answer{Name: "gold", Status: pathspec.Satisfied, Optimal: true, Cost: 9000, Paths: []pathspec.Path{
		{Nodes: []string{"a", "b", "d"}, Links: []string{"a--b", "b--d"}, DelayUS: pointer(int64(4000))},
		{Nodes: []string{"a", "c", "d"}, Links: []string{"a--c", "c--d"}, DelayUS: pointer(int64(5000))},
	}, Margin: &pathspec.Margin{
		Link: pointer(1), Node: pointer(1),
		Breaks: pathspec.Breaks{Link: []string{"link:a--b", "link:a--c"}, Node: []string{"node:b", "node:c"}},
	}, Reserve: &pathspec.Reserve{Exact: true, Breaks: pathspec.Breaks{Link: []string{"link:a--b"}}}}
	path := func(n, head, nodes, links string, active bool, state nodecfg.PathUp, cause string, rtt int64) resource.PathStatus {
		return resource.PathStatus{
			Name: "gold/" + n, Headend: head, Nodes: strings.Fields(nodes), Links: strings.Fields(links), Installed: true,
			Active: active, State: state, Cause: cause, RTTUS: rtt, Since: apitest.Now,
		}
	}
	gold.Status.Paths = []resource.PathStatus{
		path("0", "a", "a b d", "a--b b--d", false, nodecfg.Up, "", 8100),
		path("1", "a", "a c d", "a--c c--d", true, nodecfg.Up, "", 10200),
		path("0", "d", "d b a", "b--d a--b", false, nodecfg.Down, nodecfg.DownByProbe, 0),
		path("1", "d", "d c a", "c--d a--c", true, nodecfg.Up, "", 10300),
	}
	gold.Status.Paths[1].Way = nodecfg.Proven
	gold.Status.Paths[3].Way, gold.Status.Paths[3].Deviation = nodecfg.Deviates, "after c they come to b over link b--c, not to a over link a--c"
	gold.Status.Leaks = []resource.Leak{{Node: "b", Link: "b--c", Kind: nodecfg.LeakOutside, Seen: 31, First: apitest.Now, Last: apitest.Now.Add(9 * time.Minute),
		Packet: "10.4.0.9 > 10.1.0.9 protocol 6 port 443"}}
	gold.Status.Paths[1].There = &resource.Measured{Packets: 200, LossPPM: 5000, DelayUS: pointer(int64(5100)), VariationUS: 70}
	gold.Status.Paths[1].Back = &resource.Measured{Packets: 199, VariationUS: 1200}
	gold.Status.Paths[1].Delay, gold.Status.Paths[1].Loss = nodecfg.Within, nodecfg.Beyond
	far := intent("far", `{"from":"a","to":"d","objective":"hops","require":{"maxDelay":"1ms"}}`, resource.False, resource.False, resource.Unknown)
	far.Status.Answer = pathspec.Answer{Name: "far", Status: pathspec.Infeasible, Paths: []pathspec.Path{}, Why: &pathspec.Why{
		Code: pathspec.WhyDelay, Message: "the fastest path takes 4ms, 1ms is asked for", Cut: []string{"srlg:duct"},
		Relaxations: []pathspec.Relaxation{{Change: "maxDelay: 1ms -> 4ms", Cost: 2}},
	}}
	w.comply(gold, far)
	w.Update(func(s *resource.State) {
		s.Generation = 7
		s.Topology = []byte(`{"apiVersion":"keiro/v1","kind":"Topology","metadata":{"name":"net"},"spec":{"nodes":[{"name":"a"}],"links":[]}}`)
		s.TopologyGeneration = 3
		s.Intents = []*resource.Intent{far, gold}
		s.Nodes = []*resource.Node{
			{Name: "a", Site: "tokyo", Locator: "5f00:0:1::/48", Connected: true, Since: apitest.Now.Add(-time.Hour), Agent: "v1", RevisionWanted: 4, RevisionReached: 4},
			{Name: "b", RevisionWanted: 4, RevisionReached: 2, Since: apitest.Now, Drained: true,
				Errors: []nodecfg.ObjectError{{Object: "route 5f00:0:2::/64", Error: "no such device"}}},
			{Name: "c"},
		}
		s.Links = []*resource.Link{
			{Name: "a--b", A: "a", B: "b", State: resource.LinkUp, Drained: true, Since: apitest.Now, SRLGs: []string{"duct", "quake"},
				CapacityBPS: pointer(int64(1e9)), DelayUS: pointer(int64(2000)), ReservedBPS: 1e8},
			{Name: "a--c", A: "a", B: "c", State: resource.LinkUnknown},
		}
		s.Lanes = []*resource.Lane{
			{Name: "gold/0", Intent: "gold", Encryption: "pq", Nodes: []string{"a", "b", "d"}, Links: []string{"a--b", "b--d"}, Serving: true, Ends: []resource.LaneEnd{
				{Node: "a", Interface: "kr-w1", State: resource.LaneOpen, Level: "pq", Epoch: 17, Keyed: apitest.Now.Add(9 * time.Minute), Proven: true,
					Handshake: apitest.Now.Add(590 * time.Second), Sent: 1234567, Received: 999},
				{Node: "d", Interface: "kr-w1", State: resource.LaneDraining, Reason: "the key gets too old", Level: "pq", Epoch: 16, Keyed: apitest.Now.Add(7 * time.Minute),
					Handshake: apitest.Now.Add(590 * time.Second), Sent: 999, Received: 1234500, Dropped: 2}}},
			{Name: "gold/1", Intent: "gold", Index: 1, Encryption: "pq", Nodes: []string{"a", "c", "d"}, Links: []string{"a--c", "c--d"}, Serving: true, Ends: []resource.LaneEnd{
				{Node: "a", State: resource.LaneClosed, Reason: "no key"}, {Node: "d", State: resource.LaneUnknown}}},
		}
		s.Keying = []*resource.Keying{{
			Node: "a", Alarms: []nodecfg.KeyAlarm{{Name: "FloorViolated", Peer: "d", Lane: "gold/1", Message: "no key"}},
			Stores: []nodecfg.KeyStore{{Peer: "b", State: "low", Known: true, Keys: 12, Lasts: 40e6, At: apitest.Now.Add(9 * time.Minute)}, {Peer: "c", State: "none", Reason: "KME kme-a does not answer"}},
			Floors: []nodecfg.FloorState{{Intent: "gold", Level: "pq"}, {Intent: "lead", Level: "pq", Fenced: true, Reason: "its packets would go in the clear"}},
			Counts: nodecfg.KeyCounts{Started: 20, Committed: 17, Abandoned: 3, Refused: map[string]uint64{"seen before": 4}},
		}}
		s.Drains = []*resource.Drain{{Kind: "node", Name: "b", Reason: "splice", By: "alice", Since: apitest.Now}}
		s.Alerts = []*resource.Alert{{
			ID: "1", Name: resource.DegradedPath, Intent: "gold", Severity: resource.Warning, Status: resource.Firing, Before: "2 paths", After: "1 path",
			Cause: resource.Cause{Object: "srlg:duct"}, IntentsHit: []string{"gold"}, IntentsOmitted: 2,
			CausedAt: apitest.Now, DetectedAt: apitest.Now.Add(1234 * time.Microsecond), Message: "gold has 1 of 2 paths", DetectionDelayUS: 1234,
			Evidence: []resource.Evidence{{Kind: resource.ByNetlink, Source: "node:a", Text: "the interface of link a--b, eth1, is down or has no carrier", At: apitest.Now}},
		}}
		s.Alerts = append(s.Alerts, &resource.Alert{
			ID: "lanes/pair:a~d", Name: resource.LaneDown, Intent: "gold", Severity: resource.Warning, Status: resource.Firing,
			Before: "gold: 2 of 2 lanes", After: "gold: 1 of 2 lanes", Cause: resource.Cause{Object: "pair:a~d"}, IntentsHit: []string{"gold"},
			CausedAt: apitest.Now, DetectedAt: apitest.Now, Message: "lanes between a and d carry nothing: gold/1 (a: no key)", Evidence: []resource.Evidence{},
		})
		s.Solution = &resource.Solution{APIVersion: resource.APIVersion, Kind: "Solution", Topology: "net",
			Intents: []pathspec.Answer{gold.Status.Answer, far.Status.Answer}}
	}, resource.Event{Type: "LinkDown", Object: "link:b--d", Intents: []string{"gold"}, Message: "no carrier at b"})
}

func intent(name, spec string, satisfied, installed, healthy resource.ConditionStatus) *resource.Intent {
	i := &resource.Intent{APIVersion: resource.APIVersion, Kind: resource.KindIntent, Metadata: resource.Metadata{Name: name, Generation: 5}, Spec: []byte(spec)}
	i.Status.ObservedGeneration = 7
	i.Status.Paths = []resource.PathStatus{}
	for n, status := range []resource.ConditionStatus{satisfied, installed, healthy} {
		kind := []string{resource.Satisfied, resource.Installed, resource.Healthy}[n]
		i.Status.Conditions = append(i.Status.Conditions, resource.Condition{
			Type: kind, Status: status, Reason: "Because", Message: strings.ToLower(kind) + " is " + string(status), LastTransitionTime: apitest.Now,
		})
	}
	return i
}
