package feed

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/controller/api/resource"
)

func intent(name string, generation uint64) *resource.Intent {
	return &resource.Intent{Metadata: resource.Metadata{Name: name, Generation: generation}}
}

// say renders a change as one word per part.
func say(c resource.Change) string {
	name := ""
	switch {
	case c.Intent != nil:
		name = fmt.Sprintf("%s@%d", c.Intent.Metadata.Name, c.Intent.Metadata.Generation)
	case c.Link != nil:
		name = c.Link.Name + "=" + string(c.Link.State)
	case c.Event != nil:
		name = c.Event.Type
	case c.Drain != nil:
		name = c.Drain.Name
	case c.Generation != 0:
		name = fmt.Sprint(c.Generation)
	}
	return strings.Join(strings.Fields(fmt.Sprint(c.Kind, " ", c.Op, " ", name)), " ")
}

// read returns what is there to read now.
func read(t *testing.T, w *Watcher) (said []string, last string) {
	t.Helper()
	done, cancel := context.WithCancel(t.Context())
	cancel()
	for {
		c, err := w.Next(done)
		if err != nil {
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			return said, last
		}
		said = append(said, say(c))
		if c.ID != "" {
			last = c.ID
		}
	}
}

func want(t *testing.T, got []string, lines ...string) {
	t.Helper()
	if g, w := strings.Join(got, "\n"), strings.Join(lines, "\n"); g != w {
		t.Errorf("got:\n%s\nwant:\n%s", g, w)
	}
}

func TestSnapshotThenChanges(t *testing.T) {
	f := New()
	w := f.Watch("")
	said, _ := read(t, w)
	want(t, said) // nothing yet
	gold := intent("gold", 1)
	f.Publish(&resource.State{Generation: 1, Topology: []byte("{}"), TopologyGeneration: 1,
		Intents: []*resource.Intent{gold, intent("iron", 1)},
		Links:   []*resource.Link{{Name: "a--b", State: resource.LinkUp}}})
	said, _ = read(t, w)
	want(t, said, "topology added 1", "link added a--b=up", "intent added gold@1", "intent added iron@1", "synced 1")

	f.Publish(&resource.State{Generation: 2, Topology: []byte("{}"), TopologyGeneration: 1,
		Intents: []*resource.Intent{gold, intent("tin", 2)},
		Drains:  []*resource.Drain{{Kind: "node", Name: "a"}},
		Links:   []*resource.Link{{Name: "a--b", State: resource.LinkDown}}}, resource.Event{Type: "LinkDown"})
	said, _ = read(t, w)
	want(t, said, "link changed a--b=down", "drain added a", "intent added tin@2", "intent removed iron@1", "event added LinkDown")

	// Equal by value is unchanged.
	f.Publish(&resource.State{Generation: 2, Topology: []byte("{}"), TopologyGeneration: 1,
		Intents: []*resource.Intent{intent("gold", 1), intent("tin", 2)},
		Drains:  []*resource.Drain{{Kind: "node", Name: "a"}},
		Links:   []*resource.Link{{Name: "a--b", State: resource.LinkDown}}})
	said, _ = read(t, w)
	want(t, said)
}

func TestResume(t *testing.T) {
	f := New()
	f.Publish(&resource.State{Generation: 1, Intents: []*resource.Intent{intent("gold", 1)}})
	said, last := read(t, f.Watch(""))
	want(t, said, "intent added gold@1", "synced 1")

	f.Publish(&resource.State{Generation: 2, Intents: []*resource.Intent{intent("gold", 2)}})
	said, last = read(t, f.Watch(last))
	want(t, said, "intent changed gold@2")
	said, _ = read(t, f.Watch(last))
	want(t, said)

	for _, id := range []string{"x", "-", "-1", "other-1", f.epoch + "-99", f.epoch + "-", f.epoch + "-18446744073709551615"} {
		said, _ = read(t, f.Watch(id))
		want(t, said, "resync", "intent added gold@2", "synced 2")
	}
}

// A watcher that does not read does not hold up Publish; when it reads again
// it is given a snapshot.
func TestSlowWatcher(t *testing.T) {
	f := New()
	slow := f.Watch("")
	for g := uint64(1); g <= 3; g++ {
		f.Publish(&resource.State{Generation: g, Intents: []*resource.Intent{intent("gold", g)}})
	}
	said, _ := read(t, slow)
	want(t, said, "intent added gold@3", "synced 3")
	for g := uint64(4); g <= ringSize+3; g++ {
		f.Publish(&resource.State{Generation: g, Intents: []*resource.Intent{intent("gold", g)}})
	}
	said, _ = read(t, slow)
	if len(said) != ringSize || said[0] != "intent changed gold@4" {
		t.Fatalf("a lag of exactly one ring gave %d changes, first %q", len(said), said[0])
	}
	for g := uint64(ringSize + 4); g <= 2*ringSize+4; g++ {
		f.Publish(&resource.State{Generation: g, Intents: []*resource.Intent{intent("gold", g)}})
	}
	said, _ = read(t, slow)
	want(t, said, "resync", fmt.Sprintf("intent added gold@%d", 2*ringSize+4), fmt.Sprintf("synced %d", 2*ringSize+4))
}

func TestNextWaits(t *testing.T) {
	f := New()
	w := f.Watch("")
	go f.Publish(&resource.State{Generation: 7})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if c, err := w.Next(ctx); err != nil || c.Kind != resource.Synced || c.Generation != 7 {
		t.Fatalf("Next = %v, %v", say(c), err)
	}
}

func BenchmarkPublish(b *testing.B) {
	for _, shared := range []bool{true, false} {
		b.Run(fmt.Sprintf("1000 intents, pointers kept %v", shared), func(b *testing.B) {
			f := New()
			s := &resource.State{}
			for i := range 1000 {
				s.Intents = append(s.Intents, intent(fmt.Sprint("intent", i), 1))
			}
			for b.Loop() {
				next := &resource.State{Intents: append([]*resource.Intent(nil), s.Intents...)}
				for i := range next.Intents {
					if !shared || i == 0 {
						copied := *next.Intents[i]
						next.Intents[i] = &copied
					}
				}
				f.Publish(next)
			}
		})
	}
}
