package level

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var cfg = Config{
	PerKey: 12 * time.Second, Low: 10 * time.Minute, Enough: 20 * time.Minute,
	Hold: time.Minute, MaxAge: 30 * time.Second, Window: 5 * time.Minute,
}

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func gauge(t interface{ Fatal(...any) }) *Gauge {
	g, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestPlay reads lines `AT KEYS -> READING`: after so many seconds the KME
// says so many keys (`-`: it says nothing), and the store is taken to be so.
func TestPlay(t *testing.T) {
	play, err := os.ReadFile("testdata/play.txt")
	if err != nil {
		t.Fatal(err)
	}
	g := gauge(t)
	for i, line := range strings.Split(strings.TrimSpace(string(play)), "\n") {
		line, _, _ = strings.Cut(line, "#")
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if line == "anew" {
			g = gauge(t)
			continue
		}
		said, want, _ := strings.Cut(line, " -> ")
		words := strings.Fields(said)
		seconds, err := strconv.Atoi(words[0])
		if err != nil {
			t.Fatal(err)
		}
		now := start.Add(time.Duration(seconds) * time.Second)
		if words[1] != "-" {
			keys, err := strconv.Atoi(words[1])
			if err != nil {
				t.Fatal(err)
			}
			g.Observe(now, keys)
		}
		r := g.Read(now)
		got := fmt.Sprintf("%v age %v", r.State, r.Age)
		if r.Known {
			got = fmt.Sprintf("%v keys %d per %v lasts %v age %v", r.State, r.Keys, r.PerKey, r.Lasts, r.Age)
		}
		if got != strings.TrimSpace(want) {
			t.Errorf("line %d: %s\ngot  %s\nwant %s", i+1, said, got, want)
		}
	}
}

func TestConfig(t *testing.T) {
	for name, spoil := range map[string]func(*Config){
		"no demand":     func(c *Config) { c.PerKey = 0 },
		"no threshold":  func(c *Config) { c.Low = 0 },
		"no hysteresis": func(c *Config) { c.Enough = c.Low },
		"no age":        func(c *Config) { c.MaxAge = 0 },
		"no window":     func(c *Config) { c.Window = 0 },
		"hold":          func(c *Config) { c.Hold = -1 },
		"spread":        func(c *Config) { c.Spread = -1 },
	} {
		c := cfg
		spoil(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestLowBeforeDry: whatever the store does, as long as nobody takes more
// between two words than keys for Low, it is low before it is dry, and what is
// unknown is never more than none.
func TestLowBeforeDry(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := gauge(t)
		now, keys := start, rapid.IntRange(0, 400).Draw(t, "keys")
		was := Reading{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			gap := time.Duration(rapid.IntRange(1, 40).Draw(t, "gap")) * time.Second
			now = now.Add(gap)
			before := g.Read(now)
			if want := gap <= cfg.MaxAge && was.Known; before.Known != want {
				t.Fatalf("known %v after %v", before.Known, gap)
			}
			if !before.Known && before.State != None {
				t.Fatalf("unknown, and %v", before.State)
			}
			keys += rapid.IntRange(-min(keys, int(cfg.Low/cfg.PerKey)-1), 60).Draw(t, "change")
			g.Observe(now, keys)
			r := g.Read(now)
			switch {
			case !r.Known || r.Keys != keys || r.Age != 0:
				t.Fatalf("read %+v", r)
			case (r.State == None) != (keys == 0):
				t.Fatalf("%d keys are %v", keys, r.State)
			case r.State == None && before.State == Enough:
				t.Fatalf("dry without having been low: %+v", r)
			case r.State == Enough && r.Lasts < cfg.Low:
				t.Fatalf("enough, and lasts %v", r.Lasts)
			case r.State == Enough && before.State != Enough && was.Known && r.Lasts < cfg.Enough:
				t.Fatalf("up below the upper threshold: %+v", r)
			}
			was = r
		}
		if len(g.samples) > maxSamples {
			t.Fatal("unbounded")
		}
	})
}

// TestTwin: the gauge against one that keeps every word for ever and computes
// anew. They differ if a word falls out of the window too early or late.
func TestTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := gauge(t)
		var all []sample
		now := start
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(1, 30).Draw(t, "gap")) * time.Second)
			keys := rapid.IntRange(0, 1000).Draw(t, "keys")
			g.Observe(now, keys)
			all = append(all, sample{now, keys})
			falls, oldest := 0, now
			for i := len(all) - 1; i > 0 && now.Sub(all[i-1].at) <= cfg.Window; i-- {
				falls += max(0, all[i-1].keys-all[i].keys)
				oldest = all[i-1].at
			}
			want := cfg.PerKey
			if falls > 0 {
				want = min(want, now.Sub(oldest)/time.Duration(falls))
			}
			if r := g.Read(now); r.PerKey != want || r.Lasts != time.Duration(keys)*want {
				t.Fatalf("got %v and %v, want %v", r.PerKey, r.Lasts, want)
			}
		}
	})
}

func TestNoOverflow(t *testing.T) {
	g := gauge(t)
	g.Observe(start, 1<<40)
	if r := g.Read(start); r.State != Enough || r.Lasts <= 0 {
		t.Fatalf("%+v", r)
	}
	for i := range 3 * maxSamples {
		g.Observe(start.Add(time.Duration(i+1)*time.Nanosecond), 1<<40-i*1000)
	}
	if r := g.Read(start.Add(time.Second)); len(g.samples) != maxSamples || r.PerKey != 1 {
		t.Fatalf("%d samples, %+v", len(g.samples), r)
	}
}

// Lanes that take their keys in one moment, soon after the first word, are not
// taken for a store that runs out; what goes on for longer is seen.
func TestSpread(t *testing.T) {
	c := cfg
	c.Spread = 2 * time.Minute
	g, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	g.Observe(start, 130)
	g.Observe(start.Add(time.Second), 120)
	if r := g.Read(start.Add(time.Second)); r.State != Enough || r.PerKey != 12*time.Second {
		t.Errorf("ten keys at once: %+v", r)
	}
	for i := range 6 {
		g.Observe(start.Add(time.Duration(20*(i+1))*time.Second), 110-10*i)
	}
	if r := g.Read(start.Add(2 * time.Minute)); r.State != Low || r.PerKey != 2*time.Minute/70 {
		t.Errorf("ten keys again and again: %+v", r)
	}
}

// A pair with more lanes takes more keys, and its store lasts less.
func TestPace(t *testing.T) {
	g := gauge(t)
	g.Observe(start, 200)
	g.Pace(3 * time.Second)
	if r := g.Read(start); r.Lasts != 10*time.Minute {
		t.Errorf("%+v", r)
	}
	g.Observe(start.Add(time.Second), 199)
	if r := g.Read(start.Add(time.Second)); r.State != Low {
		t.Errorf("%+v", r)
	}
}
