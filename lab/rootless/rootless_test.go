package rootless

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/needs"
	"github.com/keiro-net/keiro/lab"
	"github.com/keiro-net/keiro/topology/clab"
)

// TestMain lets the test binary play the command line of an ordinary user.
func TestMain(m *testing.M) {
	Hook()
	if os.Getenv("KEIRO_TEST_CLI") == "" {
		os.Exit(m.Run())
	}
	args := os.Args[1:]
	if args[0] == "connect" {
		conn, err := net.Dial("unix", args[1])
		if err != nil {
			panic(err)
		}
		_, _ = io.Copy(io.Discard, conn)
		os.Exit(0)
	}
	handled, exit, err := Reexec(args, args[0] == "up")
	if !handled {
		exit, err = command(args)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(exit)
}

// command is a small `keiro lab`: what runs inside, as root.
func command(args []string) (int, error) {
	ctx := context.Background()
	file := &clab.File{
		Name: args[1], Prefix: "clab",
		Nodes: []clab.Node{{Name: "a", Kind: "linux"}, {Name: "b", Kind: "linux", Sysctls: map[string]string{"net.ipv4.ip_forward": "1"}}},
		Links: []clab.Link{{A: clab.Endpoint{Node: "a", Interface: "eth1"}, B: clab.Endpoint{Node: "b", Interface: "eth1"}}},
	}
	var err error
	switch args[0] {
	case "up":
		_, err = lab.Up(ctx, file, lab.Options{})
	case "down":
		err = lab.Down(ctx, args[1])
	case "echo":
		wd, _ := os.Getwd()
		in, _ := io.ReadAll(os.Stdin)
		fmt.Printf("uid %d, %q in %s with %s\n", os.Geteuid(), in, filepath.Base(wd), os.Getenv("KEIRO_TEST_CLI"))
		return 7, nil
	case "wait":
		fmt.Println("waiting")
		_ = unix.Pause()
	default:
		var l *lab.Lab
		if l, err = lab.Open(ctx, args[1]); err == nil {
			err = withLab(ctx, l, args[0])
		}
	}
	if err != nil {
		return 1, err
	}
	return 0, nil
}

func withLab(ctx context.Context, l *lab.Lab, what string) error {
	link := lab.Target{Kind: lab.Link, Name: "a--b"}
	switch what {
	case "cut":
		_, err := l.Cut(ctx, link)
		return err
	case "impair":
		return l.Impair(ctx, link.Name, lab.Impairment{Loss: 300_000, Rate: 1e6})
	case "leave": // a process in the background
		cmd := exec.Command("/proc/self/exe", "wait", l.Name())
		return l.Start(ctx, "a", cmd)
	case "status":
		s, err := l.Status(ctx)
		if err == nil {
			fmt.Printf("up %t, loss %d, rate %d, %d processes\n", s.Links[0].Up, s.Links[0].Loss, s.Links[0].Rate, len(s.Nodes[0].Processes))
		}
		return err
	}
	return fmt.Errorf("no command %q", what)
}

// user is an ordinary user with a directory of his own.
type user struct {
	t        *testing.T
	program  string
	runtime  string
	identity *syscall.Credential
}

// newUser makes one. Root, as in CI, becomes somebody else; anybody else is
// ordinary already.
func newUser(t *testing.T) *user {
	t.Helper()
	dir, err := os.MkdirTemp("", "keiro-user-") //nolint:usetesting // t.TempDir is closed to other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	u := &user{t: t, program: filepath.Join(dir, "keiro"), runtime: filepath.Join(dir, "runtime")}
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(u.program, self, 0o755), os.Mkdir(u.runtime, 0o700)); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		id := uint32(30000 + os.Getpid()%30000)
		u.identity = &syscall.Credential{Uid: id, Gid: id}
		if err := os.Chown(u.runtime, int(id), int(id)); err != nil {
			t.Fatal(err)
		}
	} else if out, err := u.command("up", "probe").CombinedOutput(); err != nil {
		t.Skipf("no user namespace for an ordinary user here: %s", out)
	} else {
		u.run(0, "down", "probe")
	}
	t.Cleanup(func() {
		for _, pid := range u.processes() {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
	})
	return u
}

func (u *user) command(args ...string) *exec.Cmd {
	cmd := exec.Command(u.program, args...)
	cmd.Env = []string{"KEIRO_TEST_CLI=1", "XDG_RUNTIME_DIR=" + u.runtime, "PATH=/usr/bin:/bin"}
	cmd.Dir = u.runtime
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: u.identity}
	return cmd
}

// run runs a command and wants the given exit code.
func (u *user) run(exit int, args ...string) string {
	u.t.Helper()
	cmd := u.command(args...)
	cmd.Stdin = strings.NewReader("words")
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != exit {
		u.t.Fatalf("%v: %v, want exit %d\n%s", args, err, exit, out)
	}
	return string(out)
}

// processes are those that run the user's program.
func (u *user) processes() []int {
	var pids []int
	paths, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, path := range paths {
		if target, err := os.Readlink(path); err == nil && strings.TrimSuffix(target, " (deleted)") == u.program {
			pid, _ := strconv.Atoi(strings.Split(path, "/")[2])
			pids = append(pids, pid)
		}
	}
	return pids
}

// holders are those of the processes without arguments, as init and holder
// are, that are not number 1 somewhere, as init is.
func (u *user) holders() []int {
	var pids []int
	for _, pid := range u.processes() {
		status, err1 := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		args, err2 := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err1 == nil && err2 == nil && strings.Count(string(args), "\x00") == 1 && !strings.Contains(string(status), "\t1\nNSpgid") {
			pids = append(pids, pid)
		}
	}
	return pids
}

func (u *user) nothingLeft() {
	u.t.Helper()
	u.eventually("no process is left", func() bool { return len(u.processes()) == 0 })
	if left, _ := filepath.Glob(u.runtime + "/keiro/*"); len(left) != 0 {
		u.t.Errorf("left: %v", left)
	}
}

func (u *user) eventually(what string, ok func() bool) {
	u.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			u.t.Fatalf("not in 20 s: %s", what)
		}
	}
}

func TestLabOfAnOrdinaryUser(t *testing.T) {
	u := newUser(t)
	u.run(1, "status", "one") // starts nothing
	u.nothingLeft()
	u.run(0, "up", "one")
	u.run(0, "up", "one")
	u.run(0, "up", "two")
	if got, want := u.run(7, "echo", "x"), "uid 0, \"words\" in runtime with 1\n"; got != want {
		t.Errorf("echo: %q, want %q", got, want)
	}
	u.run(0, "leave", "one")
	u.run(0, "cut", "one")
	u.run(0, "impair", "one")
	for name, want := range map[string]string{
		"one": "up false, loss 300000, rate 1000000, 1 processes\n", "two": "up true, loss 0, rate 0, 0 processes\n",
	} {
		if got := u.run(0, "status", name); got != want {
			t.Errorf("status of %s: %q, want %q", name, got, want)
		}
	}
	if seen, _ := filepath.Glob("/run/netns/clab-one-*"); len(seen) != 0 {
		t.Errorf("outside one sees %v", seen)
	}
	u.run(0, "down", "one")
	u.run(0, "status", "two")
	u.run(0, "down", "two")
	u.nothingLeft()
	u.run(1, "down", "two")
}

func TestFailedUpEndsTheHolder(t *testing.T) {
	u := newUser(t)
	u.run(1, "up", "bad name")
	u.nothingLeft()
}

func TestSignalsReachTheCommand(t *testing.T) {
	u := newUser(t)
	u.run(0, "up", "one")
	for _, signal := range []syscall.Signal{unix.SIGINT, unix.SIGKILL} {
		cmd := u.command("wait", "one")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		before := len(u.processes())
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		// The output closes when the command inside is gone, too.
		_, _ = io.Copy(io.Discard, out)
		_ = cmd.Wait()
		u.eventually("the command and its client are gone", func() bool { return len(u.processes()) == before-2 })
		if code := cmd.ProcessState.ExitCode(); signal == unix.SIGINT && code != 128+int(signal) {
			t.Errorf("exit %d after an interrupt", code)
		}
	}
	u.run(0, "down", "one")
	u.nothingLeft()
}

// A killed holder takes everything along, and the next command starts anew.
func TestKilledHolder(t *testing.T) {
	u := newUser(t)
	u.run(0, "up", "one")
	u.run(0, "leave", "one")
	var holder []int
	u.eventually("there are init, holder and the one in the background", func() bool {
		holder = u.holders()
		return len(holder) == 1 && len(u.processes()) == 3
	})
	if err := unix.Kill(holder[0], unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	u.eventually("no process is left", func() bool { return len(u.processes()) == 0 })
	u.run(1, "status", "one")
	u.run(0, "up", "one")
	u.run(0, "down", "one")
	u.nothingLeft()
}

func TestRefusesAForeignDirectory(t *testing.T) {
	u := newUser(t)
	if err := os.Mkdir(u.runtime+"/keiro", 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(u.runtime+"/keiro", 0o777); err != nil {
		t.Fatal(err)
	}
	if out := u.run(1, "up", "one"); !strings.Contains(out, "must belong to you alone") {
		t.Errorf("up with an open directory: %s", out)
	}
}

func TestOnlyOurUserIsOurs(t *testing.T) {
	u := newUser(t)
	needs.Root(t, "to be two users")
	path := filepath.Join(filepath.Dir(u.program), "socket")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if err := os.Chmod(path, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, same := range []bool{true, false} {
		cmd := u.command("connect", path)
		if same {
			cmd.SysProcAttr.Credential = nil
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		conn, err := listener.AcceptUnix()
		if err != nil {
			t.Fatal(err)
		}
		if got := ours(conn); got != same {
			t.Errorf("ours is %t for a process of ours=%t", got, same)
		}
		conn.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
}
