package helper

import (
	"log/slog"

	"golang.org/x/sys/unix"
)

// protect keeps keys off the disk as far as the kernel lets us: no core dump,
// no debugger of the same user, no swap.
func protect(log *slog.Logger) {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		log.Warn("core dumps stay possible", "error", err)
	}
	// What is mapped later is not locked (MCL_FUTURE): the Go heap reserves
	// far more than it uses, and RLIMIT_MEMLOCK would end the process.
	if err := unix.Mlockall(unix.MCL_CURRENT | unix.MCL_ONFAULT); err != nil {
		log.Info("memory may be swapped out", "error", err)
	}
}
