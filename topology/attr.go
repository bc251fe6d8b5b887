package topology

import "time"

// Source says how a value is known.
type Source uint8

// A value is unknown, written down by somebody, computed from other values,
// or measured.
const (
	Unknown Source = iota
	Declared
	Derived
	Measured
)

func (s Source) String() string {
	return [...]string{"unknown", "declared", "derived", "measured"}[s]
}

// Attr is a value that may be unknown. The zero Attr is unknown, and unknown
// satisfies no requirement.
type Attr[T any] struct {
	value  T
	source Source
	at     time.Time
}

// Declare returns a value that somebody wrote down.
func Declare[T any](v T) Attr[T] { return Attr[T]{value: v, source: Declared} }

// Derive returns a value computed from others, such as a delay from a length.
func Derive[T any](v T) Attr[T] { return Attr[T]{value: v, source: Derived} }

// Measure returns a value that was measured at the given time.
func Measure[T any](v T, at time.Time) Attr[T] { return Attr[T]{value: v, source: Measured, at: at} }

// Get returns the value and whether it is known.
func (a Attr[T]) Get() (T, bool) { return a.value, a.source != Unknown }

// Known reports whether there is a value.
func (a Attr[T]) Known() bool { return a.source != Unknown }

// Source says how the value is known.
func (a Attr[T]) Source() Source { return a.source }

// At is the time of a measurement; zero otherwise.
func (a Attr[T]) At() time.Time { return a.at }
