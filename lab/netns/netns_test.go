package netns

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/needs"
)

// TestMain lets the test binary play a process in a namespace.
func TestMain(m *testing.M) {
	switch os.Getenv("KEIRO_TEST_HELPER") {
	case "":
		os.Exit(m.Run())
	case "stubborn":
		signal.Ignore(unix.SIGTERM)
	}
	os.Stdout.WriteString("ready")
	_ = unix.Pause() // not select {}, which the runtime takes for a deadlock
}

func namespace(t *testing.T) (string, *Namespace) {
	t.Helper()
	needs.Root(t, "to make network namespaces")
	path := filepath.Join(t.TempDir(), "ns")
	if err := Create(path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := Remove(path); err != nil {
			t.Error(err)
		}
	})
	ns, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ns.Close() })
	return path, ns
}

func TestCreateOpenRemove(t *testing.T) {
	path, ns := namespace(t)
	if err := Create(path); !errors.Is(err, os.ErrExist) {
		t.Errorf("create over a namespace: %v", err)
	}
	again, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if again.ID() != ns.ID() {
		t.Error("the same namespace has two identities")
	}
	if home, err := identify("/proc/self/ns/net"); err != nil || home == ns.ID() {
		t.Errorf("the new namespace is the one we are in (%v)", err)
	}
	for range 2 {
		if err := Remove(path); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("after remove: %v", err)
		}
	}
	// What a kill between the two steps of Create leaves.
	if err := os.WriteFile(path, nil, 0o444); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); !errors.Is(err, ErrNone) {
		t.Errorf("open of a bare file: %v, want ErrNone", err)
	}
}

func TestDo(t *testing.T) {
	_, ns := namespace(t)
	for range 20 {
		var names []string
		err := ns.Do(func() error {
			ports, err := net.Interfaces()
			for _, p := range ports {
				names = append(names, p.Name)
			}
			return err
		})
		if err != nil || len(names) != 1 || names[0] != "lo" {
			t.Fatalf("interfaces inside: %v, %v; want only lo", names, err)
		}
		if id, err := identify("/proc/thread-self/ns/net"); err != nil || id == ns.ID() {
			t.Fatal("the caller was left inside")
		}
	}
	if want := errors.New("mine"); !errors.Is(ns.Do(func() error { return want }), want) {
		t.Error("the error of the function is not returned")
	}
	if err := ns.Do(func() error { runtime.Goexit(); return nil }); err == nil {
		t.Error("a function that never returned gave no error")
	}
}

func TestDoWithMountsKeepsThemToItself(t *testing.T) {
	_, ns := namespace(t)
	dir := t.TempDir()
	err := ns.DoWithMounts(func() error {
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, ""); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, "inside"), nil, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "inside")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the mount is seen outside: %v", err)
	}
	mounts, err := os.ReadFile("/proc/thread-self/mountinfo")
	if err != nil || strings.Contains(string(mounts), dir) {
		t.Errorf("the mount is in our own table (%v)", err)
	}
}

// The main thread must stay where it is: it cannot be thrown away.
func TestMainThreadIsSpared(t *testing.T) {
	_, ns := namespace(t)
	look := func() (places [2]string) {
		for i, what := range []string{"mnt", "net"} {
			places[i], _ = os.Readlink("/proc/self/ns/" + what)
		}
		return places
	}
	before := look()
	for range 200 {
		err := ns.DoWithMounts(func() error {
			if unix.Gettid() == unix.Getpid() {
				return errors.New("on the main thread")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if after := look(); after != before || before[0] == "" {
		t.Errorf("the process is now in %v, it was in %v", after, before)
	}
}

func start(t *testing.T, ns *Namespace, how string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "KEIRO_TEST_HELPER="+how)
	ready, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := ns.Do(cmd.Start); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	if _, err := ready.Read(make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	return cmd
}

func TestEndAll(t *testing.T) {
	_, one := namespace(t)
	_, two := namespace(t)
	polite, stubborn, other := start(t, one, "polite"), start(t, one, "stubborn"), start(t, two, "polite")
	want := []int{polite.Process.Pid, stubborn.Process.Pid}
	slices.Sort(want)
	if pids, err := Processes([]ID{one.ID()}); err != nil || !slices.Equal(pids, want) {
		t.Fatalf("processes: %v, %v; want %v", pids, err, want)
	}
	if n, err := EndAll(t.Context(), []ID{one.ID()}, 200*time.Millisecond); err != nil || n != 2 {
		t.Errorf("ended %d, %v; want 2", n, err)
	}
	for cmd, signal := range map[*exec.Cmd]syscall.Signal{polite: unix.SIGTERM, stubborn: unix.SIGKILL} {
		_ = cmd.Wait()
		if got := cmd.ProcessState.Sys().(syscall.WaitStatus).Signal(); got != signal {
			t.Errorf("process %d ended by %v, want %v", cmd.Process.Pid, got, signal)
		}
	}
	if pids, err := Processes([]ID{one.ID(), two.ID()}); err != nil || len(pids) != 1 || pids[0] != other.Process.Pid {
		t.Errorf("left: %v, %v; want %d", pids, err, other.Process.Pid)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	deaf := start(t, two, "stubborn")
	if _, err := EndAll(ctx, []ID{two.ID()}, 10*time.Millisecond); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that is over: %v", err)
	}
	if _, err := EndAll(t.Context(), []ID{two.ID()}, 10*time.Millisecond); err != nil {
		t.Error(err)
	}
	_, _ = deaf.Wait(), other.Wait()
}
