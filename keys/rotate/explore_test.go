package rotate

import (
	"encoding/binary"
	"flag"
	"fmt"
	"hash/maphash"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

var deep = flag.Bool("deep", false, "explore with one fault more")

// scene is a world to be explored and how much may go wrong in it.
type scene struct {
	name   string
	specs  []LaneSpec
	rare   []what // faults that are not of every scene
	faults int
	idle   bool
	lax    bool
}

func (s scene) world() *world {
	w := newWorld(modelParams(), s.specs, s.idle)
	w.lax = s.lax
	return w
}

var (
	onePQ  = []LaneSpec{{Lane: testLane(0), Level: PQ}}
	oneQKD = []LaneSpec{{Lane: testLane(1), Level: QKD}}
	both   = []LaneSpec{{Lane: testLane(0), Level: PQ}, {Lane: testLane(1), Level: QKD}}
)

// TestModel explores every interleaving that at most so many faults allow, of
// the real machines over a fake crypto: to the end, for worlds that differ only
// in how late it is or how epochs and nonces are numbered are one. After every
// action the invariants of world_test.go hold, and from every world, if
// nothing more goes wrong, both ends agree within the bound.
func TestModel(t *testing.T) {
	orders := []what{remade, order, compromise, lower}
	scenes := []scene{
		{name: "orders", specs: onePQ, faults: 1, rare: orders},
		{name: "idle", specs: onePQ, faults: 1, rare: orders, idle: true},
		{name: "qkd", specs: oneQKD, faults: 1, rare: orders},
		{name: "pq and qkd", specs: both, faults: 1},
		{name: "pq", specs: onePQ, faults: 2},
	}
	for _, s := range scenes {
		t.Run(s.name, func(t *testing.T) {
			if *deep {
				s.faults++
				s.lax = true
			}
			e := explore(s)
			if e.bad != nil {
				t.Fatalf("%d worlds, %s: %v\n%s", len(e.seen), e.took, e.bad, e.trace())
			}
			if e.slowest > tolerated {
				t.Fatalf("%s until both ends agree\n%s", e.slowest, e.trace())
			}
			t.Logf("%d worlds, %d actions, up to %d faults; both ends agree after %s at most (%s)", len(e.seen), e.steps, s.faults, e.slowest, e.took.Round(time.Millisecond))
		})
	}
}

// tolerated is how long WireGuard carries on with differing keys: a handshake
// is due 120 s after the last, and the session ends at 180 s.
const tolerated = 60 * time.Second

// modelParams: jitter would tell epochs apart that are alike.
func modelParams() Params {
	p := Every(DefaultInterval)
	p.Jitter, p.HalfOpen = 0, 2
	return p
}

type mark [2]uint64

// node is a world that was found, and how.
type node struct {
	from  int32
	by    action
	id    mark
	world *world // until it has been expanded
}

type explorer struct {
	scene   scene
	seen    map[mark]uint8 // the most faults that it was queued with, and one
	nodes   []node
	queue   [][]int32 // of nodes, by faults left: each world is expanded with the most that it can have
	heal    map[mark]time.Duration
	steps   int
	bad     error
	worst   int32
	slowest time.Duration
	took    time.Duration
	buf     []byte
}

func explore(s scene) *explorer {
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	began := time.Now()
	e := &explorer{scene: s, seen: map[mark]uint8{}, heal: map[mark]time.Duration{}}
	e.queue = make([][]int32, s.faults+1)
	e.add(s.world(), -1, action{}, s.faults)
	var menu []action
	for left := s.faults; left >= 0; left-- {
		for i := 0; i < len(e.queue[left]) && e.bad == nil; i++ {
			menu = e.expand(e.queue[left][i], left, menu)
			for last := len(e.queue[0]) - 1; left > 0 && last >= 0 && e.bad == nil; last = len(e.queue[0]) - 1 {
				next := e.queue[0][last] // those without a fault left are most: none is kept
				e.queue[0] = e.queue[0][:last]
				menu = e.expand(next, 0, menu)
			}
		}
	}
	e.took = time.Since(began)
	return e
}

// expand does with a world all that can happen in it.
func (e *explorer) expand(i int32, left int, menu []action) []action {
	w, id := e.nodes[i].world, e.nodes[i].id
	e.nodes[i].world = nil
	if e.seen[id] > uint8(left+1) {
		return menu
	}
	if e.healing(w, id, i); e.bad != nil {
		return menu
	}
	menu = w.menu(menu[:0], left > 0, e.scene.rare)
	for _, a := range menu {
		e.steps++
		after := left
		if a.fault {
			after--
		}
		if e.add(w.do(a), i, a, after); e.bad != nil {
			break
		}
	}
	return menu
}

// add queues a world that is new, or new with so many faults left.
func (e *explorer) add(w *world, from int32, by action, left int) {
	if w.wrong != nil {
		e.nodes = append(e.nodes, node{from: from, by: by})
		e.bad, e.worst = w.wrong, int32(len(e.nodes)-1)
		return
	}
	id := e.fingerprint(w)
	if e.seen[id] > uint8(left) {
		return
	}
	e.seen[id] = uint8(left + 1)
	e.queue[left] = append(e.queue[left], int32(len(e.nodes)))
	e.nodes = append(e.nodes, node{from: from, by: by, id: id, world: w})
}

// healing finds how long a world takes until both ends agree, if from now on
// nothing goes wrong.
func (e *explorer) healing(w *world, id mark, from int32) {
	type stop struct {
		id mark
		at time.Time
	}
	var way []stop
	var rest time.Duration
	for {
		known, found := e.heal[id]
		if found {
			rest = known
			break
		}
		if w.settled() {
			e.heal[id] = 0
			break
		}
		way = append(way, stop{id, w.now})
		if len(way) > 5000 {
			e.bad, e.worst = fmt.Errorf("both ends never agree"), from
			return
		}
		w = w.do(w.next())
		if w.wrong != nil {
			e.bad, e.worst = w.wrong, from
			return
		}
		id = e.fingerprint(w)
	}
	end := w.now
	for _, s := range way {
		d := end.Sub(s.at) + rest
		e.heal[s.id] = d
		if d > e.slowest {
			e.slowest, e.worst = d, from
		}
	}
}

// trace tells how the worst world came about.
func (e *explorer) trace() string {
	var way []action
	for i := e.worst; i > 0; i = e.nodes[i].from {
		way = append(way, e.nodes[i].by)
	}
	w := e.scene.world()
	var out strings.Builder
	for i := len(way) - 1; i >= 0; i-- {
		fmt.Fprintf(&out, "%8s  %s\n", w.now.Sub(midnight), w.describe(way[i]))
		w = w.do(way[i])
	}
	for n := 0; n < 60 && w.wrong == nil && !w.settled(); n++ {
		a := w.next()
		fmt.Fprintf(&out, "%8s  then %s\n", w.now.Sub(midnight), w.describe(a))
		w = w.do(a)
	}
	return out.String()
}

var seeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}

// fingerprint names a world by all that can matter from now on: times as
// distances from now, epochs as distances from the last that both have, and
// nonces in the order in which they are met.
func (e *explorer) fingerprint(w *world) mark {
	p := printer{w: w, buf: e.buf[:0]}
	p.world()
	e.buf = p.buf
	return mark{maphash.Bytes(seeds[0], p.buf), maphash.Bytes(seeds[1], p.buf)}
}

type printer struct {
	w     *world
	buf   []byte
	base  uint64
	names []uint32
}

func (p *printer) num(n uint64) { p.buf = binary.AppendUvarint(p.buf, n) }

func (p *printer) flag(b bool) {
	if b {
		p.buf = append(p.buf, 1)
	} else {
		p.buf = append(p.buf, 0)
	}
}

// age is of something that lies behind.
func (p *printer) age(t time.Time) {
	if t.IsZero() {
		p.num(0)
		return
	}
	p.num(uint64(p.w.now.Sub(t)/time.Millisecond) + 1)
}

// wait is until something that is to come; what is due is due.
func (p *printer) wait(t time.Time) {
	switch {
	case t.IsZero():
		p.num(0)
	case !t.After(p.w.now):
		p.num(1)
	default:
		p.num(uint64(t.Sub(p.w.now)/time.Millisecond) + 2)
	}
}

func (p *printer) epoch(n uint64) {
	switch {
	case n == 0:
		p.num(0)
	case n+3 < p.base:
		p.num(1)
	default:
		p.num(n + 5 - p.base)
	}
}

func (p *printer) name(n uint32) {
	if n == 0 {
		p.num(0)
		return
	}
	for i, known := range p.names {
		if known == n {
			p.num(uint64(i) + 1)
			return
		}
	}
	p.names = append(p.names, n)
	p.num(uint64(len(p.names)))
}

func (p *printer) secret(s Secret) {
	k, _ := s.(fakeKey)
	p.key(k)
}

func (p *printer) key(k fakeKey) {
	p.epoch(k.epoch)
	p.name(k.x)
	p.name(k.r)
	p.name(k.qkd)
}

func (p *printer) exchange(x Exchange) { p.name(binary.BigEndian.Uint32(x[:])) }

func (p *printer) msg(b []byte) {
	f, _ := parseFake(b)
	p.num(uint64(f.kind))
	if f.kind == 0 {
		return
	}
	p.epoch(f.epoch)
	p.name(f.x)
	p.name(f.r)
	p.offers(f.lanes)
}

func (p *printer) offers(offers []Offer) {
	p.num(uint64(len(offers)))
	for _, o := range offers {
		p.num(uint64(o.Lane.Index))
		p.name(qkdNumber(o.QKD))
	}
}

func (p *printer) lanes(lanes []Lane) {
	p.num(uint64(len(lanes)))
	for _, l := range lanes {
		p.num(uint64(l.Index))
	}
}
