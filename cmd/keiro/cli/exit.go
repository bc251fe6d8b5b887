package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// The exit codes of every command.
const (
	exitOK         = 0
	exitFailure    = 1 // bad input or failure
	exitPending    = 2 // changes pending: plan, diff
	exitDegraded   = 3 // a declared characteristic would be or is degraded
	exitCannotTell = 4 // unknown is not yes
)

// exitError is an answer that is not a failure and yet not yes: it sets the
// exit code. Any other error of a command is exitFailure.
type exitError struct {
	code int
	msg  string
}

func (e *exitError) Error() string { return e.msg }

// exit ends a command with a code, and a line on stderr that says why.
func exit(code int, format string, args ...any) error {
	return &exitError{code, fmt.Sprintf(format, args...)}
}

// exitCode tells what happened on stderr and returns the exit code of err.
func exitCode(stderr io.Writer, err error) int {
	if err == nil {
		return exitOK
	}
	for line := range strings.SplitSeq(strings.TrimRight(err.Error(), "\n"), "\n") {
		fmt.Fprintln(stderr, "keiro:", line)
	}
	var exit *exitError
	if errors.As(err, &exit) {
		return exit.code
	}
	return exitFailure
}
