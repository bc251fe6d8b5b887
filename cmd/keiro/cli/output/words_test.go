package output

import (
	"testing"
	"time"
)

func TestAge(t *testing.T) {
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		-time.Hour: "0s", 0: "0s", 119 * time.Second: "119s", 2 * time.Minute: "2m", 119 * time.Minute: "119m",
		2 * time.Hour: "2h", 47 * time.Hour: "47h", 48 * time.Hour: "2d", 400 * 24 * time.Hour: "400d",
	} {
		if got := Age(now, now.Add(-d)); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
	if got := Age(now, time.Time{}); got != "-" {
		t.Errorf("unknown: %q", got)
	}
}

func TestClip(t *testing.T) {
	for _, c := range []struct {
		line  string
		width int
		want  string
	}{
		{"short", 5, "short"},
		{"longer", 5, "longe\x1b[0m"},
		{"大阪市", 2, "大阪\x1b[0m"},
		{"\x1b[32mup\x1b[0m", 2, "\x1b[32mup\x1b[0m"},
		{"\x1b[32msatisfied\x1b[0m", 3, "\x1b[32msat\x1b[0m"},
		{"", 0, ""},
	} {
		if got := Clip(c.line, c.width); got != c.want {
			t.Errorf("Clip(%q, %d) = %q, want %q", c.line, c.width, got, c.want)
		}
	}
}

func TestCountAndSome(t *testing.T) {
	for got, want := range map[string]string{
		Count(0, "link"): "0 links", Count(1, "link"): "1 link", Count(2, "link"): "2 links",
		Some([]string{"a", "b"}): "a, b", Some([]string{"1", "2", "3", "4", "5", "6"}): "1, 2, 3, 4, 5 and 1 more",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
