package lab

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// helper is the test binary playing another program about the named lab.
func helper(what, lab string, env ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "KEIRO_TEST_HELPER="+what, "KEIRO_TEST_OF="+lab)
	cmd.Env = append(cmd.Env, env...)
	return cmd
}

// killedAt builds a lab in a process that is killed with signal 9 at a step,
// and returns whether it was.
func killedAt(t *testing.T, name string, step int) bool {
	t.Helper()
	out, err := helper("up", name, "KEIRO_TEST_STEPS="+strconv.Itoa(step)).CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if status := exit.Sys().(interface{ Signal() unix.Signal }); status.Signal() == unix.SIGKILL {
			return true
		}
	}
	if err != nil {
		t.Fatalf("up in another process: %v\n%s", err, out)
	}
	return false
}

// Whatever step a kill -9 hits, down clears up and up starts anew.
func TestKillDuringUp(t *testing.T) {
	needRoot(t)
	steps := 0
	for ; ; steps++ {
		name := uniqueName()
		t.Cleanup(func() { _ = Down(context.Background(), name) })
		if !killedAt(t, name, steps) {
			break
		}
		if len(remains(t, name)) == 0 {
			t.Fatalf("killed at step %d, and nothing remains: the test kills too early", steps)
		}
		if _, err := Open(t.Context(), name); !errors.Is(err, ErrNotUp) || !strings.Contains(err.Error(), "remains") {
			t.Errorf("open of a half built lab: %v", err)
		}
		if steps%2 == 1 {
			if _, err := Up(t.Context(), triangle(name), Options{}); err != nil {
				t.Fatalf("up after a kill at step %d: %v", steps, err)
			}
		}
		if err := Down(t.Context(), name); err != nil {
			t.Fatalf("down after a kill at step %d: %v", steps, err)
		}
		if got := remains(t, name); len(got) != 0 {
			t.Errorf("killed at step %d, down left %q", steps, got)
		}
	}
	if steps < 8 {
		t.Errorf("up had only %d steps", steps)
	}
}

// A kill -9 of a down, after any number of its system calls, leaves something
// that the next down can finish.
func TestKillDuringDown(t *testing.T) {
	needRoot(t)
	killed := 0
	for round := range 25 {
		name := uniqueName()
		t.Cleanup(func() { _ = Down(context.Background(), name) })
		l := up(t, triangle(name))
		cmd := helper("down", name)
		ready, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := ready.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		// A little later in each round, whatever a turn of the loop takes.
		for range round * round {
			_ = unix.Nanosleep(&unix.Timespec{Nsec: 10_000}, nil)
		}
		_ = cmd.Process.Kill()
		if cmd.Wait() != nil {
			killed++
		}
		if err := l.Down(t.Context()); err != nil && !errors.Is(err, ErrNotUp) {
			t.Fatal(err)
		}
		if got := remains(t, name); len(got) != 0 {
			t.Errorf("round %d: down left %q", round, got)
		}
	}
	if killed == 0 {
		t.Error("no down was killed before it was over")
	}
}

// A cut that was killed between writing and acting is completed by repeating.
func TestRepeatedCutCompletesAKilledOne(t *testing.T) {
	l := up(t, triangle(uniqueName()))
	d, err := enter(t.Context(), l.Name(), false)
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.load()
	if err != nil {
		t.Fatal(err)
	}
	s.set("west", condition{Causes: []string{"link:west"}})
	if err := d.save(s); err != nil {
		t.Fatal(err)
	}
	d.leave()
	status, err := l.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !status.Links[1].Up || len(status.Links[1].Causes) != 1 {
		t.Errorf("status shows %+v: want what the kernel has and the cause as written", status.Links[1])
	}
	if _, err := l.Cut(t.Context(), Target{Link, "west"}); err != nil {
		t.Fatal(err)
	}
	if status, err = l.Status(t.Context()); err != nil || status.Links[1].Up {
		t.Errorf("after the repeated cut: %+v, %v", status.Links[1], err)
	}
}

func TestCommandsWaitForEachOther(t *testing.T) {
	l := up(t, triangle(uniqueName()))
	d, err := enter(t.Context(), l.Name(), false)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Cut(ctx, Target{Link, "west"}); !errors.Is(err, context.Canceled) {
		t.Errorf("a cut while another command has the lab: %v, want %v", err, context.Canceled)
	}
	done := make(chan error)
	go func() {
		_, err := l.Cut(t.Context(), Target{Link, "west"})
		done <- err
	}()
	d.leave()
	if err := <-done; err != nil {
		t.Errorf("the cut that waited: %v", err)
	}
}
