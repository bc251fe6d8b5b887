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
	if got := CableDelay(400_000); got != 3000 {
		t.Errorf("400km takes %v", got)
	}
	if got := CableDelay(1); got != 1 {
		t.Errorf("a metre takes %v", got)
	}
}
