package local

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/keiro-net/keiro/agent/needs"
)

// TestMain is also the other user, who asks.
func TestMain(m *testing.M) {
	if dir := os.Getenv("KEIRO_TEST_ASK"); dir != "" {
		_, err := Ask(dir, "gold")
		fmt.Print(err)
		return
	}
	os.Exit(m.Run())
}

// Another user is refused, even where directory and socket are open to all.
func TestOtherUser(t *testing.T) {
	needs.Root(t, "to become another user")
	dir := serve(t)
	for _, path := range []string{filepath.Dir(filepath.Dir(dir)), filepath.Dir(dir), dir, filepath.Join(dir, socketName)} {
		if err := os.Chmod(path, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.ReadFile("/proc/self/exe") // which the other user may not reach
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "ask")
	if err := os.WriteFile(program, self, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env, cmd.Dir = []string{"KEIRO_TEST_ASK=" + dir}, dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "only root may ask this: user 65534 ") {
		t.Errorf("answered %q, %v", out, err)
	}
}
