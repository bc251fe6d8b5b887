package resource

import (
	"fmt"
	"strings"

	"github.com/keiro-net/keiro/pathspec/gate"
)

// ErrorKind says what a caller can do about an Error.
type ErrorKind string

// The kinds, each with the HTTP status it travels as.
const (
	Invalid         ErrorKind = "invalid"         // 422: correct the input
	NotFound        ErrorKind = "not found"       // 404
	Conflict        ErrorKind = "conflict"        // 409: what is there forbids it
	Stale           ErrorKind = "stale"           // 412: read again, then repeat
	Unavailable     ErrorKind = "unavailable"     // 503: try again later
	Unauthenticated ErrorKind = "unauthenticated" // 401: the token is missing or wrong
	Internal        ErrorKind = "internal"        // 500: the controller's log says more
)

// Error is a refusal. It travels as an RFC 9457 problem and arrives at the
// client as it was.
type Error struct {
	Kind    ErrorKind
	Message string
	Details []Detail
	// Findings, of a change that the gate refuses, are the declared
	// characteristics that it would degrade, or may.
	Findings []gate.Finding
}

// Detail is one thing that is wrong.
type Detail struct {
	Where string // such as jp.yaml:12: spec.links[3].delay; "" is not known
	What  string
}

// Errorf returns an Error without details.
func Errorf(kind ErrorKind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// Error is the message followed by one line per detail.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Message)
	for _, d := range e.Details {
		b.WriteString("\n")
		b.WriteString(d.String())
	}
	return b.String()
}

func (d Detail) String() string {
	if d.Where == "" {
		return d.What
	}
	return d.Where + ": " + d.What
}
