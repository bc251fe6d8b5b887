package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/needs"
	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/clab"
)

// needRoot ends the test where the kernel would refuse everything; lab/rootless tests
// that case.
func needRoot(t *testing.T) {
	t.Helper()
	needs.Root(t, "to make network namespaces")
}

var labs atomic.Int32

// uniqueName is the name of a lab that nobody else on this machine has.
func uniqueName() string { return fmt.Sprintf("t%d-%d", os.Getpid(), labs.Add(1)) }

// triangle is a lab of three nodes a, b and c with an address each on the
// loopback, c with two links to a.
func triangle(name string) *clab.File {
	node := func(name, loopback string) clab.Node {
		return clab.Node{Name: name, Kind: "linux", Labels: map[string]string{"loopback": loopback}}
	}
	end := func(node, port, four, six string) clab.Endpoint {
		return clab.Endpoint{Node: node, Interface: port, IPv4: netip.MustParsePrefix(four), IPv6: netip.MustParsePrefix(six)}
	}
	return &clab.File{
		Name: name, Prefix: "clab",
		Nodes: []clab.Node{
			node("a", "10.1.0.1/16 2001:db8:1::1/64"), node("b", "10.2.0.1/16"), node("c", "10.3.0.1 2001:db8:3::1"),
		},
		Links: []clab.Link{
			{
				A: end("a", "eth1", "192.168.0.1/30", "fd00:0::1/64"), B: end("b", "eth1", "192.168.0.2/30", "fd00:0::2/64"),
				Traits: clab.Traits{SRLGs: topology.Declare([]string{"duct"})},
			},
			{
				A: end("b", "eth2", "192.168.1.1/30", "fd00:1::1/64"), B: end("c", "eth1", "192.168.1.2/30", "fd00:1::2/64"), MTU: 1500,
				Traits: clab.Traits{Capacity: topology.Declare(topology.Bandwidth(50e6)), Name: "west"},
			},
			{
				A: end("c", "eth2", "192.168.2.1/30", "fd00:2::1/64"), B: end("a", "eth2", "192.168.2.2/30", "fd00:2::2/64"),
				Traits: clab.Traits{SRLGs: topology.Declare([]string{"duct", "quake"}), Delay: topology.Declare(topology.Delay(1000))},
			},
			{
				A: clab.Endpoint{Node: "c", Interface: "eth3", MAC: "02:00:00:00:00:03"}, B: clab.Endpoint{Node: "a", Interface: "eth3"},
			},
		},
	}
}

// up builds a lab that is gone when the test ends.
func up(t *testing.T, file *clab.File) *Lab {
	t.Helper()
	needRoot(t)
	t.Cleanup(func() {
		if err := Down(context.Background(), file.Name); err != nil && !errors.Is(err, ErrNotUp) {
			t.Error(err)
		}
	})
	l, err := Up(t.Context(), file, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// remains lists what is left of a lab on the machine.
func remains(t *testing.T, name string) []string {
	t.Helper()
	var found []string
	names, _ := filepath.Glob(netnsDir + "/*" + name + "*")
	found = append(found, names...)
	runs, _ := filepath.Glob(runPath(name) + "*")
	found = append(found, runs...)
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, name) {
			found = append(found, line)
		}
	}
	processes, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range processes {
		if env, err := os.ReadFile(path); err == nil && strings.Contains(string(env), "KEIRO_TEST_OF="+name+"\x00") {
			found = append(found, path)
		}
	}
	return found
}

// sleeper starts a program in a node that ends only when it is killed.
func sleeper(t *testing.T, l *Lab, node string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "KEIRO_TEST_HELPER=sleep", "KEIRO_TEST_OF="+l.Name())
	if err := l.Start(t.Context(), node, cmd); err != nil {
		t.Fatal(err)
	}
	return cmd
}

func TestUpAndDownLeaveNothing(t *testing.T) {
	l := up(t, triangle(uniqueName()))
	if got := remains(t, l.Name()); len(got) < 8 {
		t.Fatalf("an up lab shows only %v: the test looks at the wrong places", got)
	}
	cmd := sleeper(t, l, "b")
	status, err := l.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if p := status.Nodes[1].Processes; len(p) != 1 || p[0] != cmd.Process.Pid {
		t.Errorf("processes of b: %v, want %d", p, cmd.Process.Pid)
	}
	go func() { _ = cmd.Wait() }() // a process that nobody waits for stays in /proc
	if err := l.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := remains(t, l.Name()); len(got) != 0 {
		t.Errorf("down left %q", got)
	}
	if err := l.Down(t.Context()); !errors.Is(err, ErrNotUp) {
		t.Errorf("down again: %v, want ErrNotUp", err)
	}
	if _, err := Open(t.Context(), l.Name()); !errors.Is(err, ErrNotUp) {
		t.Errorf("open after down: %v, want ErrNotUp", err)
	}
	if err := l.In("a", func() error { return nil }); !errors.Is(err, ErrNotUp) {
		t.Errorf("in after down: %v, want ErrNotUp", err)
	}
}

func TestUpIsIdempotent(t *testing.T) {
	file := triangle(uniqueName())
	l := up(t, file)
	before := settled(t, l)
	if _, err := l.Cut(t.Context(), Target{Link, "west"}); err != nil {
		t.Fatal(err)
	}
	if _, err := Up(t.Context(), file, Options{}); err != nil {
		t.Fatalf("up of an up lab: %v", err)
	}
	status, err := l.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if status.Links[1].Up {
		t.Error("up of an up lab mended a cut link")
	}
	if _, err := l.Restore(t.Context(), Target{Link, "west"}); err != nil {
		t.Fatal(err)
	}
	awaitDump(t, l, before)
	file.Links[1].MTU = 1400
	if _, err := Up(t.Context(), file, Options{}); err == nil || !strings.Contains(err.Error(), "keiro lab down") {
		t.Errorf("up with a changed file: %v, want an error that names `keiro lab down`", err)
	}
}

func TestTwoLabsDoNotMeet(t *testing.T) {
	one, two := up(t, triangle(uniqueName())), up(t, triangle(uniqueName()))
	before := settled(t, two)
	if _, err := one.Cut(t.Context(), Target{SRLG, "duct"}); err != nil {
		t.Fatal(err)
	}
	process := sleeper(t, two, "a")
	if err := one.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := dump(t, two); got != before {
		t.Errorf("down of one lab changed the other:\n%s", difference(before, got))
	}
	status, err := two.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if p := status.Nodes[0].Processes; len(p) != 1 {
		t.Errorf("processes of the other lab after down: %v, want %d", p, process.Process.Pid)
	}
	go func() { _ = process.Wait() }()
}

// A name in /run/netns that somebody else uses is left alone.
func TestForeignNamespaceIsLeftAlone(t *testing.T) {
	needRoot(t)
	file := triangle(uniqueName())
	foreign := filepath.Join(netnsDir, "clab-"+file.Name+"-b")
	if err := os.MkdirAll(netnsDir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(foreign, nil, 0o444); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(foreign)
	if _, err := Up(t.Context(), file, Options{}); err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Fatalf("up over a foreign namespace: %v", err)
	}
	if got := remains(t, file.Name); len(got) != 1 || got[0] != foreign {
		t.Errorf("left: %q, want only %s", got, foreign)
	}
}

func TestCancelledUpLeavesNothing(t *testing.T) {
	needRoot(t)
	file := triangle(uniqueName())
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Up(ctx, file, Options{Progress: func(p Progress) {
		if p.Done == 4 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("up: %v, want %v", err, context.Canceled)
	}
	if got := remains(t, file.Name); len(got) != 0 {
		t.Errorf("left: %q", got)
	}
}

// eventually waits until ok is true.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in 20 s: %s", what)
		}
	}
}
