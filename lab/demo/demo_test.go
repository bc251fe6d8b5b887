package demo

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/needs"
	"github.com/keiro-net/keiro/lab/world"
)

// binaries is where the programs are, built once, and readable to everybody.
var binaries string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "keiro-demo-test-")
	if err == nil {
		defer os.RemoveAll(dir)
		binaries = dir
		build := exec.Command("go", "build", "-o", dir+"/", "../../cmd/...")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		build.Stderr = os.Stderr
		err = errors.Join(os.Chmod(dir, 0o755), build.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "build the programs:", err)
		return 1
	}
	return m.Run()
}

// stage is where a demo runs: examples whose lab has a name of this test's
// own, and a directory for all that is temporary.
type stage struct {
	t         *testing.T
	lab, dir  string
	temporary string
	identity  *syscall.Credential // nil: ours
}

func newStage(t *testing.T, name string) *stage {
	t.Helper()
	dir, err := os.MkdirTemp("", "keiro-stage-") //nolint:usetesting // t.TempDir is closed to other users
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, lab: fmt.Sprintf("d%d-%s", os.Getpid(), name), dir: dir, temporary: filepath.Join(dir, "tmp")}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s.must(os.Chmod(dir, 0o755))
	s.must(os.Mkdir(s.temporary, 0o700))
	for _, file := range []string{labFile, topologyFile, intentsFile, tooMuchFile, sealedFile, quantumFile} {
		data := bytes.Replace(example(t, file), []byte("\nname: jp12\n"), []byte("\nname: "+s.lab+"\n"), 1)
		s.must(os.WriteFile(filepath.Join(dir, file), data, 0o644))
	}
	return s
}

func (s *stage) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// command is `keiro demo` there.
func (s *stage) command(args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(binaries, "keiro"), append([]string{"demo", "--examples", s.dir}, args...)...)
	cmd.Dir = s.dir
	cmd.Env = []string{"TMPDIR=" + s.temporary, "XDG_RUNTIME_DIR=" + s.temporary, "PATH=/nowhere"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.identity}
	return cmd
}

// run runs it and wants that exit code.
func (s *stage) run(code int, args ...string) string {
	s.t.Helper()
	cmd := s.command(args...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code {
		s.t.Fatalf("%v, want exit code %d\n%s", err, code, out)
	}
	return string(out)
}

func (s *stage) nothingLeft() {
	s.t.Helper()
	left, err := world.Left(s.lab)
	if err != nil || len(left) > 0 {
		s.t.Errorf("left: %v, %v", left, err)
	}
	if files, _ := filepath.Glob(s.temporary + "/keiro-*"); len(files) > 0 {
		s.t.Errorf("left: %v", files)
	}
}

func needRoot(t *testing.T) {
	t.Helper()
	needs.Root(t, "to make a lab; TestOrdinaryUser does without")
}

var good = regexp.MustCompile(`\ndemo: ok, lost \d+ of \d{4,5} packets, repaired in \d+\.\d ms, alert after \d+\.\d ms\n$`)

func TestRoot(t *testing.T) {
	needRoot(t)
	s := newStage(t, "root")
	told(t, s.run(0), true)
	s.nothingLeft()
}

// told looks for what the demo is to show.
func told(t *testing.T, out string, lanes bool) {
	t.Helper()
	encrypted := []string{`\n  tyo-osa-sealed +\d+ packets sent meanwhile, 0 lost\n`, `\n  tyo-osa-quantum +\d+ packets sent meanwhile, 0 lost\n`, `\nlane kr-w\d+, qkd, epoch `}
	if !lanes {
		encrypted = []string{`Left\s+(# )?out:\s+(# )?/dev/net/tun\s+(# )?cannot`}
	}
	if !good.MatchString(out) {
		t.Errorf("it does not end well:\n%s", out)
	}
	for _, want := range append(encrypted,
		`delay\s+(# )?is\s+(# )?not\s+(# )?emulated`, `finds\s+(# )?1\s+(# )?of\s+(# )?2`, `keiro: intent tyo-hkt-fast is infeasible: `,
		`\n  intents hit .*tyo-osa-gold`, `\n  received +\d+\.\d ms after the cut\n`, ` sent meanwhile, 0 lost\n`,
	) {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
}

func TestOrdinaryUser(t *testing.T) {
	s := newStage(t, "user")
	if os.Geteuid() == 0 {
		id := uint32(30000 + os.Getpid()%30000)
		s.identity = &syscall.Credential{Uid: id, Gid: id}
		s.must(os.Chown(s.temporary, int(id), int(id)))
	} else if out, err := s.command().CombinedOutput(); err != nil && strings.Contains(string(out), "user namespace") {
		t.Skipf("no user namespace for an ordinary user here: %s", out)
	}
	tun, err := os.Stat("/dev/net/tun")
	s.must(err)
	told(t, s.run(0), s.identity == nil && tunnels() == nil || tun.Mode().Perm()&0o006 == 0o006)
	s.nothingLeft()
	if s.identity != nil {
		s.nobodyLeft()
	}
	s.run(1, "--down")
}

// nobodyLeft waits until the user has no process any more.
func (s *stage) nobodyLeft() {
	s.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		var left []string
		processes, _ := filepath.Glob("/proc/[0-9]*")
		for _, process := range processes {
			var st syscall.Stat_t
			if syscall.Stat(process, &st) == nil && st.Uid == s.identity.Uid {
				left = append(left, process)
			}
		}
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			s.t.Errorf("left: %v", left)
			return
		}
	}
}

// However often somebody wants to get out of it, it leaves nothing behind.
func TestInterrupt(t *testing.T) {
	needRoot(t)
	s := newStage(t, "interrupt")
	cmd := s.command()
	pipe, err := cmd.StdoutPipe()
	s.must(err)
	s.must(cmd.Start())
	guard := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer guard.Stop()
	var out strings.Builder
	reader := bufio.NewReader(io.TeeReader(pipe, &out))
	for line := ""; !strings.HasPrefix(line, "── 3 ──"); {
		if line, err = reader.ReadString('\n'); err != nil {
			t.Fatalf("it ended early:\n%s", out.String())
		}
	}
	for range 3 {
		s.must(cmd.Process.Signal(syscall.SIGINT))
	}
	_, err = io.Copy(io.Discard, reader)
	s.must(err)
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.HasSuffix(out.String(), "\ndemo: FAILED: interrupted\n") {
		t.Errorf("exit code %d\n%s", code, out.String())
	}
	s.nothingLeft()
}

func TestKeep(t *testing.T) {
	needRoot(t)
	s := newStage(t, "keep")
	t.Cleanup(func() { _ = s.command("--down").Run() }) // where the test fails
	if out := s.run(0, "--keep"); !good.MatchString(out) {
		t.Errorf("it does not end well:\n%s", out)
	}
	if out := s.run(0, "--", "get", "intents"); !strings.Contains(out, protected) {
		t.Errorf("get intents: %s", out)
	}
	s.run(1, "--", "no-such-command")
	if out := s.run(1); !strings.Contains(out, "demo: FAILED: a lab "+s.lab+" is up already; `keiro demo --down` ends it\n") {
		t.Errorf("a second one: %s", out)
	}
	s.run(0, "--down")
	s.nothingLeft()
	s.run(1, "--down")
	s.run(1, "--", "get", "intents")
}
