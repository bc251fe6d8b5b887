package world_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/lab"
	"github.com/keiro-net/keiro/lab/stream"
	"github.com/keiro-net/keiro/lab/world"
	"github.com/keiro-net/keiro/topology/clab"
)

// binaries is where keiro-controller and keiro-agent are, built once.
var binaries string

func TestMain(m *testing.M) {
	if os.Getenv(etcdListen) != "" {
		fmt.Println(etcdMain())
		os.Exit(1)
	}
	if os.Getuid() != 0 {
		fmt.Println("skipped: a lab needs root")
		return
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "keiro-world-")
	if err == nil {
		defer os.RemoveAll(dir)
		binaries = dir
		build := exec.Command("go", "build", "-o", dir+"/", "../../cmd/keiro-controller", "../../cmd/keiro-agent", "../../cmd/keiro-lab-router")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		build.Stderr = os.Stderr
		err = build.Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "build the programs:", err)
		return 1
	}
	return m.Run()
}

// The ends of the traffic of examples/intents.yaml.
var loopbacks = map[string]string{
	"tyo1": "10.1.0.1 10.1.1.1 10.1.2.1 10.1.3.1 2001:db8:1::1 2001:db8:1:2::1",
	"osa1": "10.2.0.1 10.2.3.1 2001:db8:2::1",
	"hkt1": "10.3.1.1 10.3.2.1 2001:db8:3::1 2001:db8:3:2::1",
}

// example reads a file of the examples.
func example(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../../examples", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// jp12 is the lab of the examples under a name of this process's own.
func jp12(t testing.TB) *clab.File {
	t.Helper()
	f, err := clab.Parse("jp12.clab.yml", example(t, "jp12.clab.yml"), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	f.Name = labName(t.Name())
	for i := range f.Nodes {
		n := &f.Nodes[i]
		n.Labels = maps.Clone(n.Labels)
		n.Labels["loopback"] = loopbacks[n.Name]
	}
	return f
}

func labName(test string) string {
	test = strings.TrimPrefix(strings.TrimPrefix(test, "Test"), "Benchmark")
	return fmt.Sprintf("t%d-%s", os.Getpid(), strings.ToLower(strings.ReplaceAll(test, "/", "-")))
}

// cloud is a world under test.
type cloud struct {
	*world.World
	operator *operator
	t        testing.TB
	ctx      context.Context
	nodes    []string
	rate     int // of streams, packets a second
}

// start brings up a world that ends with the test.
func start(t testing.TB, f *clab.File, flags ...string) *cloud {
	t.Helper()
	return startWith(t, world.Options{File: f, Controller: flags})
}

// startWith is start with more options.
func startWith(t testing.TB, o world.Options) *cloud {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	operator := newOperator(t)
	o.Bin, o.Controller = binaries, append([]string{"-v", "--wait-to-restore", "50ms", "--operators", operator.file}, o.Controller...)
	// The same everywhere, whatever the kernel has: helpers can be killed, and
	// begin handshakes at will, so that a test sees each key in use.
	o.Agent = append([]string{"--lanes", "helper"}, o.Agent...)
	w, err := world.Start(ctx, o)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			for _, name := range []string{"controller", "agent-tyo1"} {
				t.Logf("end of the log of %s:\n%s", name, w.Log(name))
			}
		}
		if err := w.Close(ctx); err != nil && !errors.Is(err, lab.ErrNotUp) {
			t.Error(err)
		}
		cancel()
	})
	c := &cloud{World: w, operator: operator, t: t, ctx: ctx, rate: 1000}
	for _, n := range o.File.Nodes {
		c.nodes = append(c.nodes, n.Name)
	}
	return c
}

// demo starts the lab of the examples and declares their intents.
func demo(t testing.TB, flags ...string) *cloud {
	t.Helper()
	return declared(start(t, jp12(t), flags...))
}

func declared(c *cloud) *cloud {
	c.t.Helper()
	c.apply(c.document("jp12.topology.yaml"), c.document("intents.yaml"))
	return c
}

func (c *cloud) document(name string) resource.Document {
	c.t.Helper()
	return resource.Document{Name: name, Data: example(c.t, name)}
}

// edited is a document of the examples with a replacement that must apply.
func (c *cloud) edited(name, old, new string) resource.Document {
	c.t.Helper()
	d := c.document(name)
	if n := strings.Count(string(d.Data), old); n != 1 {
		c.t.Fatalf("%s has %q %d times", name, old, n)
	}
	d.Data = []byte(strings.Replace(string(d.Data), old, new, 1))
	return d
}

func (c *cloud) apply(documents ...resource.Document) {
	c.t.Helper()
	c.must(c.Apply(c.ctx, documents...))
}

func (c *cloud) settled() {
	c.t.Helper()
	c.must(c.Settled(c.ctx))
}

func (c *cloud) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// await waits until ready returns nil.
func (c *cloud) await(what string, ready func() error) {
	c.t.Helper()
	c.must(world.Wait(c.ctx, what, ready))
}

// cut cuts targets and waits until the controller knows.
func (c *cloud) cut(words ...string) {
	c.t.Helper()
	c.alter(resource.LinkDown, words...)
}

// restore takes a cut back and waits until the controller trusts the links.
func (c *cloud) restore(words ...string) {
	c.t.Helper()
	c.alter(resource.LinkUp, words...)
}

func (c *cloud) alter(want resource.LinkState, words ...string) {
	c.t.Helper()
	for _, word := range words {
		target, err := c.Lab.Target(word)
		c.must(err)
		act := c.Lab.Cut
		if want == resource.LinkUp {
			act = c.Lab.Restore
		}
		changes, err := act(c.ctx, target)
		c.must(err)
		c.await("the controller to see "+word+" "+string(want), func() error {
			links, err := c.Client.Links(c.ctx)
			if err != nil {
				return err
			}
			for _, change := range changes {
				for _, l := range links {
					// An end whose agent is away leaves it unknown whether a link is up.
					seen := l.State == want || want == resource.LinkUp && l.State == resource.LinkUnknown
					if l.Name == change.Link && !seen && change.Up == (want == resource.LinkUp) {
						return fmt.Errorf("link %s is %s", l.Name, l.State)
					}
				}
			}
			return nil
		})
	}
}

// paths are the links of the paths of an intent at its first headend.
func (c *cloud) paths(intent string) [][]string {
	c.t.Helper()
	i, err := c.Client.Intent(c.ctx, intent)
	c.must(err)
	var paths [][]string
	for _, p := range i.Status.Paths {
		if p.Headend == i.Status.Paths[0].Headend {
			paths = append(paths, p.Links)
		}
	}
	return paths
}

// traffic are the ends of a stream.
type traffic struct{ node, addr, toNode, toAddr string }

var (
	gold      = traffic{"tyo1", "10.1.0.1", "osa1", "10.2.0.1"}
	gold6     = traffic{"tyo1", "2001:db8:1::1", "osa1", "2001:db8:2::1"}
	silver    = traffic{"tyo1", "10.1.1.1", "hkt1", "10.3.1.1"}
	operators = traffic{"tyo1", "2001:db8:1:2::1", "hkt1", "2001:db8:3:2::1"}
	sovereign = traffic{"osa1", "2001:db8:2::1", "hkt1", "2001:db8:3::1"}
)

func (f traffic) back() traffic { return traffic{f.toNode, f.toAddr, f.node, f.addr} }

// stream starts a stream, of 1,000 packets a second where nobody says less. Late is how late a packet
// may come; a second where only loss matters, as the machine may be busy.
func (c *cloud) stream(f traffic, late time.Duration) *stream.Stream {
	c.t.Helper()
	s, err := c.Stream(f.node, f.toNode, stream.Config{
		From: netip.MustParseAddr(f.addr), To: netip.MustParseAddr(f.toAddr), Rate: c.rate, Deadline: late,
	})
	c.must(err)
	return s
}

// flows waits until n more packets have come.
func (c *cloud) flows(s *stream.Stream, n int) {
	c.t.Helper()
	c.await(fmt.Sprintf("%d more packets to come", n), reaches(s.Received, s.Received()+n))
}

// sends waits until n more packets were sent.
func (c *cloud) sends(s *stream.Stream, n int) {
	c.t.Helper()
	c.await(fmt.Sprintf("%d more packets to be sent", n), reaches(s.Sent, s.Sent()+n))
}

func reaches(count func() int, goal int) func() error {
	return func() error {
		if n := count(); n < goal {
			return fmt.Errorf("%d of %d", n, goal)
		}
		return nil
	}
}

// lossless demands that work costs the streams no packet.
func (c *cloud) lossless(what string, flows []traffic, work func()) {
	c.t.Helper()
	streams := make([]*stream.Stream, len(flows))
	for i, f := range flows {
		streams[i] = c.stream(f, time.Second*1000/time.Duration(c.rate))
		c.flows(streams[i], 100)
	}
	work()
	results := make([]*stream.Result, len(flows))
	var stopping sync.WaitGroup
	for i, s := range streams {
		c.flows(s, 100)
		stopping.Go(func() { results[i] = s.Stop() }) // it waits for what is under way
	}
	stopping.Wait()
	for i, r := range results {
		if r.Lost > 0 {
			c.t.Errorf("%s: %v: lost %d of %d packets (%d turned down: %s): %+v", what, flows[i], r.Lost, r.Sent, r.Refused, r.Refusal, r.Outages)
		}
	}
}
