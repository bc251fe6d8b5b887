package rotate

import (
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestRandomWalk lets anything go wrong, often, in long lives of two ends
// whose clocks drift apart. The invariants hold after every action, and
// whenever no more goes wrong both ends agree.
func TestRandomWalk(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := wild(rapid.Float64Range(-0.05, 0.05).Draw(rt, "drift"), rapid.Bool().Draw(rt, "idle"))
		rate := rapid.Float64Range(0, 0.6).Draw(rt, "faults")
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		for range rapid.IntRange(1, 6).Draw(rt, "spells") {
			w = walk(rt, w, random, rate, 100)
			w = agree(rt, w)
		}
	})
}

// TestLongLife is one long walk.
func TestLongLife(t *testing.T) {
	w, random := wild(0.01, false), rand.New(rand.NewPCG(1, 2))
	for range 200 {
		w = walk(t, w, random, 0.2, 200)
		w = agree(t, w)
	}
	t.Logf("%s of life, epoch %d; initiator %+v", w.now.Sub(midnight).Round(time.Hour), w.side[0].disk.Epoch, w.side[0].m.Counts())
}

func wild(drift float64, idle bool) *world {
	p := Every(DefaultInterval)
	p.Seed = 7
	w := newWorld(p, both, idle)
	w.drift = [2]float64{drift, -drift / 2}
	return w
}

type failer interface{ Fatalf(string, ...any) }

func walk(t failer, w *world, random *rand.Rand, rate float64, steps int) *world {
	var menu []action
	for range steps {
		a := w.next()
		if random.Float64() < rate {
			menu = w.menu(menu[:0], true, []what{remade, order, compromise, lower})
			a = menu[random.IntN(len(menu))]
		}
		if w = w.do(a); w.wrong != nil {
			t.Fatalf("%v, after %s", w.wrong, actions[a.what])
		}
	}
	return w
}

func agree(t failer, w *world) *world {
	began := w.now
	for !w.settled() {
		if w = w.do(w.next()); w.wrong != nil {
			t.Fatalf("%v", w.wrong)
		}
		if w.now.Sub(began) > tolerated {
			t.Fatalf("both ends do not agree after %s", w.now.Sub(began))
		}
	}
	return w
}

// FuzzMessage hands both ends what nobody of the pair has sent. Whatever it
// is, it moves no epoch, and both ends agree in the end.
func FuzzMessage(f *testing.F) {
	for kind := Init; kind <= Nudge; kind++ {
		f.Add(uint8(3), fakeMsg{kind: kind, epoch: 2, x: 1 << 30, r: 1 << 29, lanes: []Offer{{Lane: testLane(0)}}}.bytes())
		f.Add(uint8(6), fakeMsg{kind: kind, epoch: 1<<48 - 1, x: 1}.bytes())
	}
	f.Add(uint8(0), []byte{})
	f.Fuzz(func(t *testing.T, when uint8, data []byte) {
		w := newWorld(modelParams(), both, false)
		for range when % 64 {
			w = w.do(w.next())
		}
		for i := range w.side {
			if m, err := parseFake(data); err == nil && m.kind == Nudge && m.x == 0 && m.r == 0 {
				return // this the fake cannot tell from the peer's
			}
			before := w.side[i].m.disk.want.Epoch
			w.step(i, Message{data})
			if after := w.side[i].m.disk.want.Epoch; after != before {
				t.Fatalf("epoch %d becomes %d", before, after)
			}
		}
		if w.wrong != nil {
			t.Fatal(w.wrong)
		}
		agree(t, w)
	})
}
