package protect

import (
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A protected process leaves no core dump, says what it could not have, and
// can still start itself anew, as the agent starts the helpers of lanes.
func TestProcess(t *testing.T) {
	if os.Getenv("KEIRO_TEST_AGAIN") != "" {
		return
	}
	var said strings.Builder
	Process(slog.New(slog.NewTextHandler(&said, nil)))
	if dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); err != nil || dumpable != 0 {
		t.Errorf("dumpable %d, %v", dumpable, err)
	}
	if text := said.String(); text != "" && !strings.Contains(text, "memory may be swapped out") {
		t.Errorf("said %s", text)
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	locked := !strings.Contains(string(status), "VmLck:\t       0 kB")
	if locked != (said.String() == "") {
		t.Errorf("locked %v, said %q", locked, said.String())
	}
	cmd := exec.Command("/proc/self/exe", "-test.run", "TestProcess")
	cmd.Env = append(os.Environ(), "KEIRO_TEST_AGAIN=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("started anew: %v\n%s", err, out)
	}
}
