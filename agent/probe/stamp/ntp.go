package stamp

import "time"

// NTP is a timestamp of RFC 5905 section 6, 2^-32 s since 1900 modulo 2^32 s.
type NTP uint64

// NTPOf is the timestamp of a wall clock time.
func NTPOf(t time.Time) NTP {
	const from1900 = 2208988800
	seconds := uint64(t.Unix() + from1900)
	return NTP(seconds<<32 | uint64(t.Nanosecond())<<32/uint64(time.Second))
}

// Sub is t-u, right across the end of an era.
func (t NTP) Sub(u NTP) time.Duration {
	d := int64(t - u)
	return time.Duration(d>>32)*time.Second + time.Duration((d&(1<<32-1))*int64(time.Second)>>32)
}

// Estimate is the Error Estimate of RFC 4656 section 4.1.2: the S bit (the
// clock is synchronized), the Z bit (0: timestamps of NTP), and the error as
// multiplier * 2^scale * 2^-32 s.
type Estimate uint16

// Unsynced says nothing of the clock. The multiplier may not be 0.
const Unsynced Estimate = 1

// Synced is the Estimate of a clock that is at most e off, rounded up. Nothing
// is said of one that may be a second off or more.
func Synced(e time.Duration) Estimate {
	if e < 0 || e >= time.Second {
		return Unsynced
	}
	units := uint64(e)<<32/uint64(time.Second) + 1
	scale := 0
	for ; units > 0xff; scale++ {
		units = (units + 1) / 2
	}
	return Estimate(1<<15 | scale<<8 | int(units))
}

// Bound is how far the clock is off at most; ok is false where it does not say
// that it is synchronized, or what it says is none of RFC 4656.
func (e Estimate) Bound() (most time.Duration, ok bool) {
	scale, multiplier := uint(e>>8&0x3f), uint64(e&0xff)
	if e>>15 == 0 || e>>14&1 != 0 || multiplier == 0 || scale > 25 { // 2 s
		return 0, false
	}
	return time.Duration(multiplier << scale * uint64(time.Second) >> 32), true
}
