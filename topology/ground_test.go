package topology

import "testing"

func TestGreatCircle(t *testing.T) {
	tokyo, osaka := Point{35.68, 139.76}, Point{34.69, 135.50}
	for _, c := range []struct {
		a, b Point
		want Distance
	}{
		{tokyo, tokyo, 0},
		{tokyo, osaka, 403_000},
		{osaka, tokyo, 403_000},
		{Point{0, 0}, Point{0, 180}, 20_015_000}, // half round
		{Point{0, 179}, Point{0, -179}, 222_000}, // over the date line
	} {
		if got := GreatCircle(c.a, c.b); got < c.want-1000 || got > c.want+1000 {
			t.Errorf("%v to %v: %v, want about %v", c.a, c.b, got, c.want)
		}
	}
}

// The factors join without a step, and part of a microsecond counts as one.
func TestCableDelay(t *testing.T) {
	for d, want := range map[Distance]Delay{
		0: 0, 1: 1, 400_000: 3000, 999_999: 7500, 1_000_000: 7500, 1_100_000: 7500, 1_200_000: 7500, 1_200_001: 7501, 2_000_000: 12500,
	} {
		if got := CableDelay(d); got != want {
			t.Errorf("%v takes %v, want %v", d, got, want)
		}
	}
}
