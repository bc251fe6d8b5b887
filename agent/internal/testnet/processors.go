package testnet

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Processors is how much time of processors was used.
type Processors struct {
	Here     time.Duration // by this process
	Children time.Duration // by those that it started and that still run
}

// Used is the time of processors used so far.
func Used(t testing.TB) Processors {
	t.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	p := Processors{Here: time.Duration(u.Utime.Nano() + u.Stime.Nano())}
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	const tick = 10 * time.Millisecond // proc(5): USER_HZ is 100
	for _, stat := range all {
		text, _ := os.ReadFile(stat) // it may have ended
		// The name in parentheses may hold anything.
		var state string
		var parent, skip, user, system int
		_, err := fmt.Sscan(string(text[bytes.LastIndexByte(text, ')')+1:]), &state, &parent,
			&skip, &skip, &skip, &skip, &skip, &skip, &skip, &skip, &skip, &user, &system)
		if err == nil && parent == os.Getpid() {
			p.Children += time.Duration(user+system) * tick
		}
	}
	return p
}

// Since is what was used since an earlier time.
func (p Processors) Since(before Processors) Processors {
	return Processors{p.Here - before.Here, p.Children - before.Children}
}

// Per is how many processors that is over a time.
func (p Processors) Per(t time.Duration) string {
	return fmt.Sprintf("%.2f processors here, %.2f in processes of lanes", p.Here.Seconds()/t.Seconds(), p.Children.Seconds()/t.Seconds())
}

// Busy is the load average of the last minute: numbers of a busy machine say
// less of what is measured.
func Busy(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		t.Fatal(err)
	}
	one, _, _ := bytes.Cut(text, []byte(" "))
	return string(one)
}
