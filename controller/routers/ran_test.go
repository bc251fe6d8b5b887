package routers

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestRan: whether it ran lately is counted by the machine, and over a reboot by
// the clock; what cannot be read is a cold start.
func TestRan(t *testing.T) {
	name := filepath.Join(t.TempDir(), "ran.json")
	at := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
	machine := func(id string, up time.Duration) *ran {
		return &ran{name: name, log: logTo(testWriter{t}), boot: func() (string, time.Duration) { return id, up }}
	}
	if machine("x", time.Hour).within(at, time.Minute) {
		t.Error("it never ran")
	}
	machine("x", time.Hour).note(at)
	for _, tt := range []struct {
		what  string
		id    string
		up    time.Duration
		clock time.Duration
		want  bool
	}{
		{"soon", "x", time.Hour + 50*time.Second, 50 * time.Second, true},
		{"killed just before it would have noted it again", "x", time.Hour + 64*time.Second, 64 * time.Second, true},
		{"late", "x", time.Hour + 2*time.Minute, 2 * time.Minute, false},
		{"the clock was set forward", "x", time.Hour + 10*time.Second, 24 * time.Hour, true},
		{"the clock was set back", "x", time.Hour + 2*time.Minute, -24 * time.Hour, false},
		{"after a reboot", "y", 10 * time.Second, 50 * time.Second, true},
		{"late, after a reboot", "y", 10 * time.Second, 10 * time.Minute, false},
		{"after a reboot, and the clock was set back", "y", 10 * time.Second, -time.Hour, true},
		{"on a machine that does not say when it booted", "", 0, 50 * time.Second, true},
	} {
		if got := machine(tt.id, tt.up).within(at.Add(tt.clock), time.Minute); got != tt.want {
			t.Errorf("%s: %v", tt.what, got)
		}
	}
	if err := os.WriteFile(name, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if machine("x", time.Hour).within(at, time.Minute) {
		t.Error("nobody knows")
	}
	if (&ran{}).within(at, time.Minute) {
		t.Error("it keeps nothing")
	}
	var log strings.Builder
	(&ran{name: filepath.Join(name, "x"), log: logTo(&log)}).note(at)
	if !strings.Contains(log.String(), "cannot be noted") {
		t.Error(log.String())
	}
	// The machine itself: it does not run backwards.
	id, up := (&ran{}).machine()
	again, later := (&ran{}).machine()
	if id == "" || id != again || up <= 0 || later < up {
		t.Errorf("boot %q %s, then %q %s", id, up, again, later)
	}
}

// TestComesBack: one that has run just now says so to its peers, and one that
// starts cold does not.
func TestComesBack(t *testing.T) {
	name := filepath.Join(t.TempDir(), "ran.json")
	for _, want := range []bool{false, true} {
		b, peer := newRobot(t, "rr", "127.0.0.2", policyFamilies...)
		t.Run("", func(t *testing.T) {
			start(t, Config{Ran: name}, peer)
			b.greet()
			eventually(t, "OPEN", func() string { b.mu.Lock(); defer b.mu.Unlock(); return missing(b.open != nil) })
			if g := b.open.GracefulRestart; g == nil || g.Restarting != want {
				t.Errorf("%+v, want restarting %v", g, want)
			}
		})
	}
}
