package qkd

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// ErrSpent is in the chain of every error after which the keys that were
// asked for must be taken as handed out to somebody: the KME may have deleted
// them, and who read its answer is unknown.
var ErrSpent = errors.New("the key is spent")

// Fault is what was wrong with a request, and the counter that counts it.
type Fault uint8

// The faults.
const (
	Unreachable Fault = iota // no connection: nothing was sent
	Identity                 // the certificate is not that of the KME, or nobody we know vouches for it
	Refused                  // the KME said 400, 401 or 503
	TimedOut                 // no whole answer in time, or the caller gave up
	Broken                   // the connection ended within the exchange
	Protocol                 // an answer that is none of the standard's
	Oversized                // a longer answer than any can be
	Garbled                  // not the JSON of the standard
	Count                    // more or fewer keys than were asked for
	Length                   // a key of another length
	Repeated                 // an id or a key that was there before
	Foreign                  // an answer to another question, or of another KME
	faults
)

var faultNames = [faults]string{
	"unreachable", "identity", "refused", "timed-out", "broken", "protocol",
	"oversized", "garbled", "count", "length", "repeated", "foreign",
}

// String is the fault in one word, as metrics name it.
func (f Fault) String() string {
	if f < faults {
		return faultNames[f]
	}
	return "unknown"
}

// Error is a request to a KME that failed. It holds no key, not even part of
// one.
type Error struct {
	KME     string // its KME ID
	Op      string // status, enc_keys or dec_keys
	Fault   Fault
	Spent   bool     // the keys are spent: errors.Is(err, ErrSpent)
	Status  int      // the HTTP status; 0: there was none, or it was 200
	Message string   // of the KME, as it refused (clause 6.5), cut and cleaned
	Details []Detail // likewise

	reason string // what we say
	cause  error  // the context's end, if that was it
}

// Detail is one of the name/value pairs that explain a refusal; a Value that
// is no string is JSON.
type Detail struct{ Name, Value string }

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "qkd: %s at KME %.60q: %v", e.Op, e.KME, e.Fault)
	if e.Status != 0 {
		fmt.Fprintf(&b, " (HTTP %d)", e.Status)
	}
	if e.reason != "" {
		b.WriteString(": " + e.reason)
	}
	if e.Message != "" {
		fmt.Fprintf(&b, ": %q", e.Message)
	}
	for _, d := range e.Details {
		fmt.Fprintf(&b, " %q: %q", d.Name, d.Value)
	}
	if e.Spent {
		b.WriteString("; " + ErrSpent.Error())
	}
	return b.String()
}

// Is makes a spent key ErrSpent.
func (e *Error) Is(target error) bool { return target == ErrSpent && e.Spent }

// Unwrap is the error of the context that ended.
func (e *Error) Unwrap() error { return e.cause }

// The texts that the standard mandates (clauses 6.2 and 6.4), all with 400.
const (
	MsgSize        = "size shall be a multiple of 8"
	MsgUnsupported = "not all extension_mandatory parameters are supported"
	MsgUnmet       = "not all extension_mandatory request options could be met"
	MsgOptional    = "not all extension_optional request options handled"
	MsgNotFound    = "one or more keys specified are not found on KME"
)

const (
	maxText    = 200 // bytes of a foreign text that are shown
	maxDetails = 16
)

// keyLike is what a key looks like in Base64 or hex.
var keyLike = regexp.MustCompile(`[0-9A-Za-z+/=_\\-]{40,}`)

// clean makes a text that came from outside fit to be shown: short, and
// without what could be a key. A KME that logs its keys may send them too.
func clean(text string) string {
	text = strings.ToValidUTF8(keyLike.ReplaceAllString(text, "[redacted]"), "?")
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "..."
	}
	return text
}
