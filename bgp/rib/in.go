package rib

import (
	"slices"
	"sync"
	"time"

	"github.com/keiro-net/keiro/bgp/message"
)

// MaxFaults is how many faults a Batch has at most.
const MaxFaults = 32

// In is the Adj-RIB-In of a peer, and what of it the consumer has not seen.
// Whatever a peer does, and however slow the consumer is, it has room for no
// more than the peer may have objects, twice. The peer's goroutine writes, the
// consumer takes; nobody else ever waits for its lock.
type In struct {
	peer string
	news func() // says that take has something to return

	mu      sync.Mutex
	objects map[Name]*object
	live    int // of objects, without those that only wait to be told as gone
	fresh   int // of live, said in this session
	octets  int // of the attributes of live
	session uint64

	queue      []entry // of objects in the order of their news
	room       int     // in the queue
	head       uint64  // position of queue[0]
	boundary   uint64  // of the last Down or Up: no news from before it is overwritten
	marks      []mark
	faults     []Fault
	moreFaults int
	removed    bool
}

type object struct {
	Object
	gone    bool
	known   bool   // to the consumer
	session uint64 // in which it was last said
	at      uint64 // position in the queue, 0 for none
}

type entry struct {
	*object
	at uint64
}

// mark is what has its place between the news of objects.
type mark struct {
	at       uint64
	down     *Down
	up       *Up
	endOfRIB message.Family
}

// NewIn returns an empty one. It calls news when Take has something to return.
func NewIn(peer string, news func()) *In {
	return &In{peer: peer, news: news, objects: map[Name]*object{}, head: 1, room: leastRoom}
}

func (r *In) tail() uint64 { return r.head + uint64(len(r.queue)) }

// enqueue makes news of an object. News that the consumer has not seen is
// overwritten in its place.
func (r *In) enqueue(o *object) {
	if o.at >= max(r.boundary, r.head) {
		return
	}
	if len(r.queue) >= r.room {
		r.compact()
		r.room = max(leastRoom, 2*len(r.queue))
	}
	o.at = r.tail()
	r.queue = append(r.queue, entry{o, o.at})
}

// leastRoom in the queue, before it is looked for what is no news any more.
const leastRoom = 1024

// Reach takes in what the peer says, and returns how many objects it has, and of
// how many octets their Attributes are. Those that several share count for each.
func (r *In) Reach(objects []Object) (live, octets int) {
	r.mu.Lock()
	for _, said := range objects {
		o := r.objects[said.Name]
		if o == nil {
			o = &object{gone: true}
			r.objects[said.Name] = o
		}
		if o.gone {
			r.live++
		}
		if o.gone || o.session != r.session {
			r.fresh++
		}
		r.octets -= o.octets()
		o.Object, o.gone, o.session = said, false, r.session
		r.octets += o.octets()
		r.enqueue(o)
	}
	live, octets = r.live, r.octets
	r.mu.Unlock()
	r.news()
	return live, octets
}

func (o *object) octets() (n int) {
	for _, a := range o.Attributes {
		n += len(a.Value)
	}
	return n
}

// Unreach takes in what the peer does not say any more.
func (r *In) Unreach(names []Name) {
	r.mu.Lock()
	for _, name := range names {
		if o := r.objects[name]; o != nil {
			r.withdraw(o)
		}
	}
	r.mu.Unlock()
	r.news()
}

func (r *In) withdraw(o *object) {
	if o.gone {
		return
	}
	r.live--
	if o.session == r.session {
		r.fresh--
	}
	r.octets -= o.octets()
	o.gone, o.Attribute, o.Attributes = true, nil, nil
	r.enqueue(o)
}

// Up begins a session.
func (r *In) Up(u Up) {
	r.mu.Lock()
	r.session++
	r.fresh = 0
	r.boundary = r.tail()
	r.marks = append(r.marks, mark{at: r.boundary, up: &u})
	r.mu.Unlock()
	r.news()
}

// Down ends a session. Of the families that are not stale nothing is kept.
func (r *In) Down(d Down) {
	r.mu.Lock()
	// Of several ends that the consumer has not seen, the last says it all: what
	// any of them took is gone.
	if i := slices.IndexFunc(r.marks, func(m mark) bool { return m.down != nil }); i >= 0 {
		before := r.marks[i].down.Stale
		d.Stale = slices.DeleteFunc(slices.Clone(d.Stale), func(f message.Family) bool { return !slices.Contains(before, f) })
		r.marks = r.marks[:i]
	}
	for _, o := range r.objects {
		switch {
		case o.gone:
		case slices.Contains(d.Stale, o.Name.Family):
			if o.session != r.session { // stale once before (RFC 4724 section 4.2)
				r.withdraw(o)
			}
		default:
			r.forget(o)
		}
	}
	r.fresh = 0
	r.session++ // whatever is left is of an earlier one
	r.compact()
	r.boundary = r.tail()
	r.marks = append(r.marks, mark{at: r.boundary, down: &d})
	r.mu.Unlock()
	r.news()
}

// forget drops an object without an Unreach: a Down says it. What the consumer
// has not seen of it by then it does not get to see.
func (r *In) forget(o *object) {
	r.live--
	r.octets -= o.octets()
	o.gone, o.Attribute, o.Attributes = true, nil, nil
	if o.at < r.head || !o.known {
		delete(r.objects, o.Name)
	}
}

// compact takes news out of the queue that is none any more.
func (r *In) compact() {
	// Marks lie between two entries; the boundary is one more.
	at := make([]*uint64, 0, len(r.marks)+1)
	for i := range r.marks {
		at = append(at, &r.marks[i].at)
	}
	at = append(at, &r.boundary)
	moved := make([]uint64, len(at))
	kept := r.queue[:0]
	for _, e := range r.queue {
		if !e.stillNews() {
			r.settle(e)
			continue
		}
		for i := range at {
			if e.at < *at[i] {
				moved[i]++ // entries before it
			}
		}
		e.at = r.head + uint64(len(kept))
		e.object.at = e.at
		kept = append(kept, e)
	}
	for i := range at {
		*at[i] = r.head + moved[i]
	}
	clear(r.queue[len(kept):])
	r.queue = kept
}

// settle removes what is gone, once nobody is to be told any more.
func (r *In) settle(e entry) {
	if e.gone && e.at == e.object.at && r.objects[e.Name] == e.object {
		delete(r.objects, e.Name)
	}
}

func (e entry) stillNews() bool { return e.at == e.object.at && (!e.gone || e.known) }

// Flush withdraws what of some families was not said in this session.
func (r *In) Flush(families []message.Family) {
	r.mu.Lock()
	for _, o := range r.objects {
		if o.session != r.session && slices.Contains(families, o.Name.Family) {
			r.withdraw(o)
		}
	}
	r.mu.Unlock()
	r.news()
}

// Disable withdraws all of a family (AFI/SAFI disable, RFC 7606 section 2).
func (r *In) Disable(f message.Family) {
	r.mu.Lock()
	for _, o := range r.objects {
		if o.Name.Family == f {
			r.withdraw(o)
		}
	}
	r.mu.Unlock()
	r.news()
}

// EndOfRIB takes in the marker.
func (r *In) EndOfRIB(f message.Family) {
	r.mu.Lock()
	r.marks = slices.DeleteFunc(r.marks, func(m mark) bool { return m.endOfRIB == f && m.at >= r.boundary })
	r.marks = append(r.marks, mark{at: r.tail(), endOfRIB: f})
	r.mu.Unlock()
	r.news()
}

// Fault takes in what was wrong with something that came.
func (r *In) Fault(at time.Time, text string) {
	r.mu.Lock()
	if len(r.faults) < MaxFaults {
		r.faults = append(r.faults, Fault{at, text})
	} else {
		r.moreFaults++
	}
	r.mu.Unlock()
	r.news()
}

// Remove forgets the peer.
func (r *In) Remove() {
	r.mu.Lock()
	r.removed = true
	r.objects, r.queue, r.live, r.fresh, r.octets = map[Name]*object{}, nil, 0, 0, 0
	r.marks = slices.DeleteFunc(r.marks, func(m mark) bool { return m.down == nil })
	for i := range r.marks {
		r.marks[i].at = r.head
	}
	r.mu.Unlock()
	r.news()
}

// Counts returns how many objects there are, and how many of them are stale.
func (r *In) Counts() (objects, stale int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.live, r.live - r.fresh
}

// Take returns the next news, with at most so many objects, and whether there
// is more.
func (r *In) Take(most int) (b Batch, more bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b = Batch{Peer: r.peer, Faults: r.faults, MoreFaults: r.moreFaults}
	r.faults, r.moreFaults = nil, 0
	words := 0
	for {
		if len(r.marks) > 0 && r.marks[0].at <= r.head {
			m := r.marks[0]
			if (m.down != nil || m.up != nil) && (words > 0 || len(b.EndOfRIB) > 0) || m.down != nil && b.Up != nil {
				break // it comes before what is to be taken in after
			}
			if m.endOfRIB != (message.Family{}) {
				b.EndOfRIB = append(b.EndOfRIB, m.endOfRIB)
			} else if m.down != nil {
				b.Down = m.down
			} else {
				b.Up = m.up
			}
			r.marks = slices.Delete(r.marks, 0, 1)
			continue
		}
		if len(r.queue) == 0 || words >= most || len(b.EndOfRIB) > 0 {
			break
		}
		e := r.queue[0]
		r.queue[0] = entry{}
		r.queue = r.queue[1:]
		r.head++
		if !e.stillNews() {
			r.settle(e)
			continue
		}
		words++
		if e.gone {
			b.Unreach = append(b.Unreach, e.Name)
			r.settle(e)
		} else {
			b.Reach = append(b.Reach, e.Object)
			e.known = true
		}
	}
	if len(r.queue) == 0 {
		r.queue = nil // and with it the memory of what was a lot
	}
	more = len(r.queue) > 0 || len(r.marks) > 0
	b.Removed = r.removed && !more
	return b, more
}
