package output

import (
	"fmt"
	"strings"
	"time"
)

// Count is a number and what is counted.
func Count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Some names a few of many.
func Some(names []string) string {
	const most = 5
	if more := len(names) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), more)
	}
	return strings.Join(names, ", ")
}

// Age says in one unit how long ago something was.
func Age(now, since time.Time) string {
	if since.IsZero() {
		return "-"
	}
	switch d := max(now.Sub(since), 0); {
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < 2*time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", d/time.Hour)
	default:
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	}
}

// Or is s, or a dash where there is none.
func Or(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// Clip shortens a line to a width in columns. Colours take none of it, and
// are off at its end.
func Clip(line string, width int) string {
	var b strings.Builder
	columns, escape := 0, false
	for _, r := range line {
		switch {
		case r == '\x1b':
			escape = true
		case escape:
			escape = r != 'm'
		case columns == width:
			return b.String() + "\x1b[0m"
		default:
			columns++
		}
		b.WriteRune(r)
	}
	return b.String()
}
