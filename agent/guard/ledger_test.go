package guard

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

func deleted(name string) Found {
	o := nodecfg.Sysctl{Name: name, Value: "1"}
	return Found{Key: o.Key(), Object: o, How: nodecfg.Changed}
}

// A fight is damped ever more, and over when nobody goes on with it.
func TestFight(t *testing.T) {
	var l Ledger
	now, f := time.Unix(1000, 0), deleted("a")
	pauses := []string{"", "", "", "", "1s", "2s", "4s"}
	for i, want := range pauses {
		l.Note(now, f, "ip, pid 7", "", now)
		why := l.Fight(now, f.Key)
		if (why == "") != (want == "") || !strings.HasSuffix(why, want) {
			t.Errorf("change %d: %q, want a pause of %q", i, why, want)
		}
		l.Close(now, func(nodecfg.Object) bool { return true })
		now = now.Add(100 * time.Millisecond)
	}
	now = now.Add(time.Minute)
	l.Close(now, func(nodecfg.Object) bool { return true })
	l.Note(now, f, "", "", now)
	if why := l.Fight(now, f.Key); why != "" || len(l.fights) != 1 {
		t.Errorf("after peace: %q", why)
	}
}

// What is told of a storm is bounded, and its size is right.
func TestStorm(t *testing.T) {
	var l Ledger
	now := time.Unix(1000, 0)
	for i := range 10000 {
		l.Note(now, deleted(fmt.Sprint(i)), "", "", now)
	}
	all := l.Drifts()
	if last := all[len(all)-1]; len(all) != storm+1 || last.Object != "and 9980 more changes of objects" || !last.Restored.IsZero() || l.Total() != 10000 {
		t.Errorf("%d drifts, %+v", len(all), last)
	}
	l.Close(now, func(nodecfg.Object) bool { return true })
	if d := l.Drifts(); d[len(d)-1].Restored.IsZero() || len(l.open) > 0 {
		t.Errorf("%+v", d[len(d)-1])
	}
}

// Who is so quick that the object is never seen as it should be fights too. One that
// waits to be put back does not.
func TestQuickFight(t *testing.T) {
	wrong := nodecfg.Sysctl{Name: "a", Value: "0"}
	f := deleted("a")
	before, have, want := nodecfg.State{}, nodecfg.State{}, nodecfg.State{}
	have.Add(wrong)
	want.Add(f.Object)
	told := func(nodecfg.Object) bool { return true }
	for _, touches := range []bool{false, true} {
		var l Ledger
		now := time.Unix(1000, 0)
		before.Add(f.Object)
		for range rounds {
			for _, found := range Find(before, have, want, map[nodecfg.Object]bool{f.Key: touches}, told) {
				l.Note(now, found, "", "", now)
			}
			l.Close(now, func(nodecfg.Object) bool { return false })
			now = now.Add(10 * time.Millisecond)
		}
		if why := l.Fight(now, f.Key); (why != "") != touches {
			t.Errorf("put back %v: %q", touches, why)
		}
		if len(l.Drifts()) != 1 {
			t.Errorf("%d drifts", len(l.Drifts()))
		}
	}
}
