// Package protect keeps the secrets of a process from where they do not
// belong: it asks the kernel for no core dump, no debugger of the same user
// and no swap. It cannot keep root out. The processes of keiro-agent call it
// first of all.
package protect

import (
	"log/slog"

	"golang.org/x/sys/unix"
)

// Process protects the calling process as far as the kernel lets it. What the
// process executes is protected only if it asks for it again.
func Process(log *slog.Logger) {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		log.Warn("core dumps stay possible", "error", err)
	}
	// What is mapped later is not locked (MCL_FUTURE): the Go heap reserves
	// far more than it uses, and RLIMIT_MEMLOCK would end the process.
	if err := unix.Mlockall(unix.MCL_CURRENT | unix.MCL_ONFAULT); err != nil {
		log.Info("memory may be swapped out", "error", err)
	}
}
