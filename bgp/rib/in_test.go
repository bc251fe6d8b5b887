package rib

import (
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/bgp/message"
)

var families = []message.Family{message.IPv4Unicast, message.IPv6Unicast}

// nameOf makes one of a few names, of either family.
func nameOf(i int) Name {
	return Name{Family: families[i%2], Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i), 0}), 24)}
}

// word is what is known of an object: what was said last, and whether it was
// said in this session.
type word struct {
	at    int64 // stands for what was said
	fresh bool
}

// table is what a peer says, taken in without delay, or by way of Batches.
type table map[Name]word

func (t table) down(stale []message.Family) {
	for name, w := range t {
		if !slices.Contains(stale, name.Family) || !w.fresh {
			delete(t, name)
		} else {
			t[name] = word{w.at, false}
		}
	}
}

// take takes in a Batch. An Unreach of what a Down has taken already says
// nothing new.
func (t table) take(b Batch) {
	if b.Down != nil {
		for name, w := range t { // what was stale before has an Unreach
			if !slices.Contains(b.Down.Stale, name.Family) {
				delete(t, name)
			} else {
				t[name] = word{w.at, false}
			}
		}
	}
	for _, o := range b.Reach {
		t[o.Name] = word{o.At.Unix(), true}
	}
	for _, name := range b.Unreach {
		delete(t, name)
	}
}

// TestInTwin: whatever a peer says, and however seldom the consumer looks, in
// the end the consumer knows what it would know had it looked all the time.
func TestInTwin(t *testing.T) {
	const names = 12
	rapid.Check(t, func(t *rapid.T) {
		calls := 0
		r := NewIn("peer", func() { calls++ })
		truth, seen := table{}, table{}
		up, clock := false, int64(0)
		before := map[message.Family]map[Name]int64{} // what was there at the End-of-RIB
		told := false                                 // of the session
		look := func(most int) bool {
			b, more := r.Take(most)
			if b.Down != nil || b.Up != nil {
				told = b.Up != nil
			}
			if len(b.Reach) > 0 && !told {
				t.Fatalf("a Reach without a session: %+v", b)
			}
			if len(b.Reach)+len(b.Unreach) > most {
				t.Fatalf("%d objects, at most %d", len(b.Reach)+len(b.Unreach), most)
			}
			seen.take(b)
			for _, f := range b.EndOfRIB { // all that was said before it has been told
				if slices.ContainsFunc(r.marks, func(m mark) bool { return m.down != nil || m.up != nil }) {
					continue // it is of an earlier session
				}
				for name, at := range before[f] {
					if w, there := truth[name]; there && w.at == at && seen[name].at != at {
						t.Fatalf("End-of-RIB, but %v was not told", name)
					}
				}
			}
			return more
		}
		subset := func(label string) (out []message.Family) {
			for _, f := range families {
				if rapid.Bool().Draw(t, label) {
					out = append(out, f)
				}
			}
			return out
		}
		r.room = names // compact often
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			clock++
			switch what := rapid.IntRange(0, 12).Draw(t, "what"); {
			case what <= 4 && up:
				var said []Object
				for range rapid.IntRange(1, 4).Draw(t, "objects") {
					name := nameOf(rapid.IntRange(0, names-1).Draw(t, "name"))
					said = append(said, Object{Name: name, At: time.Unix(clock, 0)})
					truth[name] = word{clock, true}
				}
				if have, _ := r.Reach(said); have != len(truth) {
					t.Fatalf("%d objects, want %d", have, len(truth))
				}
			case what <= 6 && up:
				name := nameOf(rapid.IntRange(0, names-1).Draw(t, "name"))
				r.Unreach([]Name{name})
				delete(truth, name)
			case what == 7 && !up:
				r.Up(Up{})
				up = true
			case what == 8 && up:
				stale, kept := subset("stale"), families
				for _, m := range r.marks { // with an end that the consumer has not seen it is one
					if m.down != nil {
						kept = m.down.Stale
					}
				}
				r.Down(Down{Stale: stale})
				clear(before)
				truth.down(slices.DeleteFunc(stale, func(f message.Family) bool { return !slices.Contains(kept, f) }))
				up = false
			case what == 9:
				gone := subset("flushed")
				r.Flush(gone)
				maps.DeleteFunc(truth, func(n Name, w word) bool { return !w.fresh && slices.Contains(gone, n.Family) })
			case what == 10 && up:
				f := families[clock%2]
				r.EndOfRIB(f)
				before[f] = map[Name]int64{}
				for name, w := range truth {
					if name.Family == f {
						before[f][name] = w.at
					}
				}
			case what == 11:
				look(rapid.IntRange(1, 5).Draw(t, "most"))
			}
			live, stale := r.Counts()
			old := 0
			for _, w := range truth {
				if !w.fresh {
					old++
				}
			}
			if live != len(truth) || stale != old {
				t.Fatalf("%d objects, %d stale, want %d, %d", live, stale, len(truth), old)
			}
			if r.room = min(r.room, 3*names); len(r.queue) > 3*names || len(r.objects) > names || len(r.marks) > 8 {
				t.Fatalf("queue %d, objects %d, marks %d: more than it may keep", len(r.queue), len(r.objects), len(r.marks))
			}
		}
		for look(3) {
		}
		if !maps.Equal(truth, seen) {
			t.Fatalf("the consumer knows %v, the truth is %v", seen, truth)
		}
		if b, more := r.Take(1); more || !b.Empty() {
			t.Fatalf("news after all news: %+v", b)
		}
		if calls == 0 && len(truth) > 0 {
			t.Fatal("nobody was told that there is news")
		}
	})
}

func TestInOrder(t *testing.T) {
	r := NewIn("peer", func() {})
	object := func(i int) []Object { return []Object{{Name: nameOf(i)}} }
	r.Up(Up{Families: families})
	r.Reach(object(0))
	r.EndOfRIB(message.IPv4Unicast)
	r.Reach(object(2))
	r.Fault(time.Time{}, "a fault")
	b, more := r.Take(10)
	if b.Up == nil || len(b.Reach) != 1 || len(b.EndOfRIB) != 1 || len(b.Faults) != 1 || !more {
		t.Errorf("first %+v, more %v", b, more)
	}
	if b, more = r.Take(10); len(b.Reach) != 1 || b.Reach[0].Name != nameOf(2) || more {
		t.Errorf("then %+v", b)
	}
	// Two losses that nobody saw are one; a change before them is told before.
	r.Reach(object(0))
	r.Down(Down{Reason: "first", Stale: families})
	r.Up(Up{})
	r.Down(Down{Reason: "second", Stale: families})
	r.Up(Up{})
	if b, _ = r.Take(10); b.Down != nil || len(b.Reach) != 0 || len(b.Unreach) != 2 {
		t.Errorf("before the loss %+v", b)
	}
	if b, more = r.Take(10); b.Down == nil || b.Down.Reason != "second" || b.Up == nil || more {
		t.Errorf("the loss %+v", b)
	}
	r.Down(Down{Reason: "third"})
	r.Remove()
	if b, more = r.Take(10); b.Down == nil || !b.Removed || more {
		t.Errorf("the end %+v", b)
	}
}

// TestInFlapping: objects that come and go while nobody looks take no room,
// whether they are always the same or always others.
func TestInFlapping(t *testing.T) {
	r := NewIn("peer", func() {})
	r.Up(Up{})
	for i := range 100_000 {
		for _, name := range []Name{nameOf(0), {Family: message.IPv4Unicast, Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{11, byte(i >> 16), byte(i >> 8), byte(i)}), 32)}} {
			r.Reach([]Object{{Name: name}})
			r.Unreach([]Name{name})
		}
	}
	if len(r.queue) > 2*leastRoom || len(r.objects) > 2*leastRoom {
		t.Errorf("queue %d, objects %d", len(r.queue), len(r.objects))
	}
	if b, more := r.Take(10); len(b.Reach)+len(b.Unreach) > 0 || more || len(r.objects) != 0 {
		t.Errorf("%+v, more %v, %d objects", b, more, len(r.objects))
	}
}

func TestInKeepsFewFaults(t *testing.T) {
	r := NewIn("peer", func() {})
	for range 3 * MaxFaults {
		r.Fault(time.Time{}, "a fault")
	}
	if b, _ := r.Take(1); len(b.Faults) != MaxFaults || b.MoreFaults != 2*MaxFaults {
		t.Errorf("%d and %d more", len(b.Faults), b.MoreFaults)
	}
}
