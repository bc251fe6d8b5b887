package ls

import (
	"fmt"
	"math"
)

// BitsPerSecond is a bandwidth. On the wire it is an IEEE 754 single precision
// number of octets per second (RFC 9552 section 5.3.2, RFC 8571 section 2).
type BitsPerSecond uint64

// maxBandwidth keeps a bandwidth within an int64 as well, as others count in it.
const maxBandwidth = math.MaxInt64

// bandwidth converts from octets per second. A fraction of a bit is dropped:
// what is said to be there must be there.
func bandwidth(octets float32) (BitsPerSecond, reason) {
	bits := float64(octets) * 8 // exact: 8 is a power of two
	switch {
	case math.IsNaN(bits):
		return 0, "is not a number"
	case bits < 0:
		return 0, "is a negative bandwidth"
	case bits >= maxBandwidth: // the float64 next to it is 2^63
		return 0, "is a bandwidth of 2^63 bits per second or more"
	}
	return BitsPerSecond(bits), ""
}

// octets converts to octets per second, to the next single precision number
// that is not above. What bandwidth returned it gives back exactly.
func (r BitsPerSecond) octets() float32 {
	r = min(r, maxBandwidth)
	exact := float64(r) / 8
	f := float32(exact)
	if BitsPerSecond(float64(f)*8) > r {
		f = math.Nextafter32(f, 0)
	}
	return f
}

// Agrees reports whether two may be one bandwidth, of which one was rounded to
// single precision: 100 Gbit/s arrive as 99,999,997,952 bit/s.
func (r BitsPerSecond) Agrees(other BitsPerSecond) bool {
	low, high := min(r, other), max(r, other)
	return high-low <= high>>23
}

// Microseconds is a delay of 24 bits (RFC 8571 sections 2.1 to 2.3).
type Microseconds uint32

// MaxDelay is the greatest delay there is a number for, 16.777215 s. It stands
// for all that is longer as well (RFC 8570 section 4.1).
const MaxDelay Microseconds = 1<<24 - 1

// Exact reports whether the delay is the number itself: MaxDelay is only a
// lower bound, and no promise can rest on it.
func (d Microseconds) Exact() bool { return d < MaxDelay }

// Loss is a share of packets in units of 0.000003 % (RFC 8571 section 2.4), 24 bits.
type Loss uint32

// MaxLoss is the greatest loss there is a number for, about 50.33 %. It stands
// for all that is more as well (RFC 8570 section 4.4).
const MaxLoss Loss = 1<<24 - 1

// PartsPerBillion converts exactly: a unit is 30 of them.
func (l Loss) PartsPerBillion() uint64 { return uint64(l) * 30 }

// Exact reports whether the loss is the number itself, as with a delay.
func (l Loss) Exact() bool { return l < MaxLoss }

func (l Loss) String() string {
	ppb := l.PartsPerBillion()
	return fmt.Sprintf("%d.%07d%%", ppb/1e7, ppb%1e7)
}
