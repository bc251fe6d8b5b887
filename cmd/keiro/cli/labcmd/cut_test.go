package labcmd

import (
	"testing"

	"github.com/keiro-net/keiro/lab"
)

func TestParsePercent(t *testing.T) {
	for text, want := range map[string]int64{
		"0%": 0, "1%": 10_000, "0.5%": 5_000, "0.0001%": 1, "33.3333%": 333_333, "100%": 1_000_000,
		"": -1, "%": -1, "1": -1, "-1%": -1, "100.0001%": -1, "0.00001%": -1, "NaN%": -1, "Inf%": -1, "1 %": -1, "1%%": -1,
	} {
		got, err := parsePercent(text)
		if (err != nil) != (want < 0) || err == nil && got != want {
			t.Errorf("%q: got %d, %v, want %d", text, got, err, want)
		}
	}
}

// What is shown is what is read.
func FuzzPercent(f *testing.F) {
	for _, ppm := range []int64{0, 1, 9_999, 10_000, 123_456, 1_000_000} {
		f.Add(ppm)
	}
	f.Fuzz(func(t *testing.T, ppm int64) {
		got, err := parsePercent(percent(ppm))
		if ppm < 0 || ppm > 1e6 {
			if err == nil {
				t.Errorf("%d: %q is taken as %d", ppm, percent(ppm), got)
			}
		} else if err != nil || got != ppm {
			t.Errorf("%d: %q: %d, %v", ppm, percent(ppm), got, err)
		}
	})
}

func TestImpairment(t *testing.T) {
	for i, want := range map[lab.Impairment]string{
		{}: "not impaired", {Loss: 5000}: "loses 0.5%", {Rate: 1e7}: "limited to 10Mbps", {Loss: 1, Rate: 1e3}: "loses 0.0001%, limited to 1kbps",
		{Loss: 1e6, From: "a"}: "loses 100% from a",
	} {
		if got := impairment(i); got != want {
			t.Errorf("%+v: got %q, want %q", i, got, want)
		}
	}
}
