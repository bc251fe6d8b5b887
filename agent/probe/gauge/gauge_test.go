package gauge

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

const ms = time.Millisecond

// run feeds packets every interval from a time, until the verdict is another
// one or the time is over, and says when that was.
func run(d *Delay, from, most, interval time.Duration, side func(i int) Side) time.Duration {
	before, at := d.Verdict(), from
	for i := 0; at-from < most && d.Verdict() == before; i++ {
		at += interval
		d.Add(side(i), at)
	}
	return at - from
}

func always(s Side) func(int) Side { return func(int) Side { return s } }

// TestDelayFoundInTime: a longer way is found in the time that the package
// comment says, and so is that it has ended.
func TestDelayFoundInTime(t *testing.T) {
	for interval, most := range map[time.Duration]time.Duration{
		3 * ms: 510 * ms, 10 * ms: 510 * ms, 25 * ms: 525 * ms, 100 * ms: 2000 * ms, time.Second: 20 * time.Second,
	} {
		for begin := range 30 { // anywhere in a slot
			var d Delay
			run(&d, 0, 5*most, interval, always(Under))
			if d.Verdict() != nodecfg.Within {
				t.Fatalf("every %v: %q", interval, d.Verdict())
			}
			at := time.Duration(10_000) * interval
			for range begin {
				at += interval
				d.Add(Under, at)
			}
			if took := run(&d, at, 2*most, interval, always(Over)); d.Verdict() != nodecfg.Beyond || took > most {
				t.Errorf("every %v: %q after %v, promised %v", interval, d.Verdict(), took, most)
			}
			if took := run(&d, at+2*most, 3*most, interval, always(Under)); d.Verdict() != nodecfg.Within || took > 2*most {
				t.Errorf("every %v: %q again after %v", interval, d.Verdict(), took)
			}
		}
	}
}

// TestDelayForgives: what delays some packets is no alarm, be it nine of ten
// for three seconds; most of them for long is one.
func TestDelayForgives(t *testing.T) {
	var d Delay
	run(&d, 0, 5*time.Second, 10*ms, always(Under))
	busy := func(i int) Side {
		if i%10 == 0 {
			return Under
		}
		return Over
	}
	if run(&d, 5*time.Second, 3*time.Second, 10*ms, busy); d.Verdict() != nodecfg.Within {
		t.Errorf("after 3 s: %q", d.Verdict())
	}
	if run(&d, 8*time.Second, 3*time.Second, 10*ms, busy); d.Verdict() != nodecfg.Beyond {
		t.Errorf("after 6 s: %q", d.Verdict())
	}
	if run(&d, 20*time.Second, 3*time.Second, 10*ms, always(Unsure)); d.Verdict() != "" {
		t.Errorf("nobody can tell: %q", d.Verdict())
	}
}

// TestOf has the bounds themselves on the good side.
func TestOf(t *testing.T) {
	for _, c := range []struct {
		least, most time.Duration
		want        Side
	}{{0, 5 * ms, Under}, {0, 5*ms + 1, Unsure}, {5 * ms, 9 * ms, Unsure}, {5*ms + 1, 9 * ms, Over}} {
		if got := Of(c.least, c.most, 5*ms); got != c.want {
			t.Errorf("%v to %v: %v, want %v", c.least, c.most, got, c.want)
		}
	}
}

// TestLoss: with a bound of 0.2 % 1 % is found soon, 0.05 % never, nothing at all
// is within soon, and what ended is within again.
func TestLoss(t *testing.T) {
	draw := rand.New(rand.NewPCG(1, 2))
	total := 0
	for range 200 {
		l := NewLoss(2000)
		n := 0
		for ; l.Verdict() != nodecfg.Within; n++ {
			l.Add(false)
		}
		if n < 700 || n > 800 {
			t.Fatalf("within after %d packets", n)
		}
		for range 50_000 {
			if l.Add(draw.Float64() < 0.0005); l.Verdict() != nodecfg.Within {
				t.Fatal("alarm at a quarter of the bound")
			}
		}
		for ; l.Verdict() != nodecfg.Beyond; total++ {
			l.Add(draw.Float64() < 0.01)
		}
		for n = 0; l.Verdict() != nodecfg.Within; n++ {
			l.Add(false)
		}
		if n > 1000 {
			t.Fatalf("within again after %d packets", n)
		}
	}
	if mean := total / 200; mean > 900 {
		t.Errorf("1 %% is found after %d packets in the mean", mean)
	} else {
		t.Logf("1 %% is found after %d packets in the mean", mean)
	}
}

// TestLossBoundless: a bound of most packets says nothing is wrong, no bound
// says nothing.
func TestLossBoundless(t *testing.T) {
	wide, none := NewLoss(400_000), Loss{}
	for range 1000 {
		wide.Add(true)
		none.Add(true)
	}
	if wide.Verdict() != nodecfg.Within || none.Verdict() != "" {
		t.Errorf("%q, %q", wide.Verdict(), none.Verdict())
	}
}

func TestJoin(t *testing.T) {
	for want, pairs := range map[string][][2]string{
		nodecfg.Beyond: {{nodecfg.Beyond, nodecfg.Within}, {"", nodecfg.Beyond}},
		nodecfg.Within: {{nodecfg.Within, ""}, {nodecfg.Within, nodecfg.Within}},
		"":             {{"", ""}},
	} {
		for _, p := range pairs {
			if Join(p[0], p[1]) != want || Join(p[1], p[0]) != want {
				t.Errorf("%q is not %q", p, want)
			}
		}
	}
}
