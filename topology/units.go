package topology

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Bandwidth in bits per second.
type Bandwidth int64

// Delay in microseconds, one way.
type Delay int64

// Distance in metres.
type Distance int64

type unit struct {
	name  string
	scale float64
}

// The largest unit first: String uses the first that divides the value.
var (
	bandwidthUnits = []unit{{"Tbps", 1e12}, {"Gbps", 1e9}, {"Mbps", 1e6}, {"kbps", 1e3}, {"bps", 1}}
	delayUnits     = []unit{{"s", 1e6}, {"ms", 1e3}, {"us", 1}}
	distanceUnits  = []unit{{"km", 1e3}, {"m", 1}}
)

// ParseBandwidth reads `10Gbps`, `250Mbps`, `1.5Gbps`. Units: bps, kbps,
// Mbps, Gbps, Tbps.
func ParseBandwidth(s string) (Bandwidth, error) {
	v, err := parseQuantity("bandwidth", "10Gbps", s, bandwidthUnits)
	return Bandwidth(v), err
}

// ParseDelay reads `4ms`, `800us`, `2.6ms`. Units: us, ms, s.
func ParseDelay(s string) (Delay, error) {
	v, err := parseQuantity("delay", "4ms", s, delayUnits)
	return Delay(v), err
}

// ParseDistance reads `35km`, `200m`. Units: m, km.
func ParseDistance(s string) (Distance, error) {
	v, err := parseQuantity("distance", "35km", s, distanceUnits)
	return Distance(v), err
}

func (b Bandwidth) String() string { return formatQuantity(int64(b), bandwidthUnits) }
func (d Delay) String() string     { return formatQuantity(int64(d), delayUnits) }
func (d Distance) String() string  { return formatQuantity(int64(d), distanceUnits) }

// MarshalText and UnmarshalText let the quantities stand in files and JSON
// with their unit.
func (b Bandwidth) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// UnmarshalText is ParseBandwidth.
func (b *Bandwidth) UnmarshalText(text []byte) (err error) {
	*b, err = ParseBandwidth(string(text))
	return err
}

// MarshalText is String.
func (d Delay) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText is ParseDelay.
func (d *Delay) UnmarshalText(text []byte) (err error) {
	*d, err = ParseDelay(string(text))
	return err
}

// MarshalText is String.
func (d Distance) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText is ParseDistance.
func (d *Distance) UnmarshalText(text []byte) (err error) {
	*d, err = ParseDistance(string(text))
	return err
}

// parseQuantity reads a non-negative decimal number followed by a unit. The
// result is a whole number of base units; what is not whole is refused.
func parseQuantity(what, example, s string, units []unit) (int64, error) {
	digits := len(s) - len(strings.TrimLeft(s, "0123456789."))
	number, name := s[:digits], s[digits:]
	if number == "" {
		return 0, fmt.Errorf("bad %s %q: want a number and a unit, such as %s", what, s, example)
	}
	var scale float64
	for _, u := range units {
		if u.name == name {
			scale = u.scale
		}
	}
	if scale == 0 {
		names := make([]string, len(units))
		for i, u := range units {
			names[len(units)-1-i] = u.name
		}
		return 0, fmt.Errorf("bad %s %q: want a unit of %s, such as %s", what, s, strings.Join(names, ", "), example)
	}
	v, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return 0, fmt.Errorf("bad %s %q: %q is not a number", what, s, number)
	}
	v *= scale
	if v >= math.MaxInt64 {
		return 0, fmt.Errorf("bad %s %q: too large", what, s)
	}
	whole := math.Round(v)
	if math.Abs(v-whole) > 1e-6*math.Max(1, v) {
		return 0, fmt.Errorf("bad %s %q: finer than one %s", what, s, units[len(units)-1].name)
	}
	return int64(whole), nil
}

func formatQuantity(v int64, units []unit) string {
	for _, u := range units {
		if scale := int64(u.scale); v != 0 && v%scale == 0 {
			return strconv.FormatInt(v/scale, 10) + u.name
		}
	}
	return strconv.FormatInt(v, 10) + units[len(units)-1].name
}
