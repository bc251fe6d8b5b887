package command

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// The exit codes of every command.
const (
	OK         = 0
	Failure    = 1 // bad input or failure
	Pending    = 2 // changes pending: plan, diff
	Degraded   = 3 // a declared characteristic would be or is degraded
	CannotTell = 4 // unknown is not yes
)

// exitError is an answer that is not a failure and yet not yes: it sets the
// exit code. Any other error of a command is Failure.
type exitError struct {
	code int
	msg  string
}

func (e *exitError) Error() string { return e.msg }

// Exit ends a command with a code, and a line on stderr that says why.
func Exit(code int, format string, args ...any) error {
	return &exitError{code, fmt.Sprintf(format, args...)}
}

// ExitSilently ends a command with the code of a program that it ran, which
// has said why.
func ExitSilently(code int) error {
	if code == OK {
		return nil
	}
	return &exitError{code: code}
}

// ExitCode tells what happened on stderr and returns the exit code of err.
func ExitCode(stderr io.Writer, err error) int {
	if err == nil {
		return OK
	}
	if msg := strings.TrimRight(err.Error(), "\n"); msg != "" {
		for line := range strings.SplitSeq(msg, "\n") {
			fmt.Fprintln(stderr, "keiro:", line)
		}
	}
	var exit *exitError
	if errors.As(err, &exit) {
		return exit.code
	}
	return Failure
}
