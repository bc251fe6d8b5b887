package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMain lets the test binary play the programs that the tests start.
func TestMain(m *testing.M) {
	switch os.Getenv("KEIRO_TEST_HELPER") {
	case "":
		os.Exit(m.Run())
	case "sleep":
		// Deaf to a polite request.
		signal.Ignore(unix.SIGTERM)
		_ = unix.Pause()
	case "up":
		helperUp()
	case "down":
		fmt.Println("now")
		if err := Down(context.Background(), os.Getenv("KEIRO_TEST_OF")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case "show":
		show := struct {
			Env, Dir string
			Args     []string
		}{os.Getenv("KEIRO_TEST_ENV"), "", os.Args[1:]}
		if data, err := os.ReadFile(os.Getenv("KEIRO_TEST_READ")); err == nil {
			show.Dir = string(data)
		}
		_ = json.NewEncoder(os.Stdout).Encode(show)
	case "fail":
		fmt.Fprintln(os.Stderr, "the oven is cold")
		os.Exit(3)
	}
}

// helperUp builds a lab and dies, by a signal that nobody can catch, after
// the given number of steps.
func helperUp() {
	last, err := strconv.Atoi(os.Getenv("KEIRO_TEST_STEPS"))
	if err != nil {
		panic(err)
	}
	_, err = Up(context.Background(), triangle(os.Getenv("KEIRO_TEST_OF")), Options{Progress: func(p Progress) {
		if p.Done == last {
			_ = unix.Kill(os.Getpid(), unix.SIGKILL)
			_ = unix.Pause()
		}
	}})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
