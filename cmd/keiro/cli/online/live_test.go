package online

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keiro-net/keiro/controller/api/apitest"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/pathspec"
)

// paper is what a command prints on while a test reads along.
type paper struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func newPaper() *paper { return &paper{more: make(chan struct{}, 1)} }

func (p *paper) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case p.more <- struct{}{}:
	default:
	}
	return p.text.Write(b)
}

func (p *paper) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// wait waits until the text stands on the paper and returns what stands
// before it and it.
func (p *paper) wait(t *testing.T, text string) string {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		all := p.String()
		if before, _, found := strings.Cut(all, text); found {
			return before + text
		}
		select {
		case <-p.more:
		case <-deadline:
			t.Fatalf("no %q in\n%s", text, all)
		}
	}
}

// live is a command line that goes on.
type live struct {
	stdout, stderr *paper
	cancel         context.CancelFunc
	code           chan int
}

func (w *world) start(t *testing.T, args ...string) *live {
	ctx, cancel := context.WithCancel(t.Context())
	l := &live{newPaper(), newPaper(), cancel, make(chan int, 1)}
	env := *w.env
	env.Stdout, env.Stderr = l.stdout, l.stderr
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.code <- execute(ctx, &env, args...)
	}()
	t.Cleanup(func() { cancel(); <-done })
	return l
}

// end returns the exit code of a command that ends by itself.
func (l *live) end(t *testing.T) int {
	t.Helper()
	select {
	case code := <-l.code:
		return code
	case <-time.After(10 * time.Second):
		t.Fatalf("it goes on; stdout\n%s\nstderr\n%s", l.stdout, l.stderr)
		return 0
	}
}

func TestApplyWaits(t *testing.T) {
	set := func(w *world, f func(*resource.Intent)) {
		w.Update(func(s *resource.State) {
			i := *s.Intents[0]
			f(&i)
			s.Intents[0] = &i
		})
	}
	conditions := func(satisfied, installed resource.ConditionStatus) []resource.Condition {
		return intent("silver", "{}", satisfied, installed, resource.Unknown).Status.Conditions
	}
	infeasible := pathspec.Answer{Status: pathspec.Infeasible, Why: &pathspec.Why{Message: "no way", Cut: []string{}, Relaxations: []pathspec.Relaxation{}}}
	for _, c := range []struct {
		name   string
		args   []string
		become func(*resource.Intent)
		code   int
		stderr string
	}{
		{"in place", nil, func(i *resource.Intent) { i.Status.Conditions = conditions(resource.True, resource.True) }, 0, ""},
		{"infeasible", nil, func(i *resource.Intent) { i.Status.Answer = infeasible }, 3,
			"keiro: intent silver is infeasible: no way; it stays declared; `keiro describe intent NAME` says more\n"},
		{"infeasible, the reason to come", []string{"--timeout", "200ms"}, func(i *resource.Intent) {
			i.Status.Answer = infeasible
			i.Status.Answer.Pending = true
		}, 3, "keiro: intent silver is infeasible: no way; it stays declared; `keiro describe intent NAME` says more\n"},
		{"an old answer, the reason to come, does not count", []string{"--timeout", "200ms"}, func(i *resource.Intent) {
			i.Status.Answer, i.Status.ObservedGeneration = infeasible, 0
			i.Status.Answer.Pending = true
		}, 4, "keiro: waited 200ms\nkeiro: intent silver is not in place yet: no answer yet; it stays declared; `keiro describe intent NAME` says more\n"},
		{"undecided", nil, func(i *resource.Intent) { i.Status.Answer = pathspec.Answer{Status: pathspec.Undecided} }, 4,
			"keiro: intent silver is undecided: no reason is given; it stays declared; `keiro describe intent NAME` says more\n"},
		{"an old answer does not count", []string{"--timeout", "200ms"}, func(i *resource.Intent) {
			i.Status.Answer, i.Status.ObservedGeneration = infeasible, 0
		}, 4, "keiro: waited 200ms\nkeiro: intent silver is not in place yet: no answer yet; it stays declared; `keiro describe intent NAME` says more\n"},
		{"in vain", []string{"--timeout", "200ms"}, func(i *resource.Intent) { i.Status.Conditions = conditions(resource.True, resource.False) }, 4,
			"keiro: waited 200ms\nkeiro: intent silver is not in place yet: installed is False; it stays declared; `keiro describe intent NAME` says more\n"},
		{"taken back meanwhile", nil, nil, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			l := w.start(t, append([]string{"apply", "-f", "testdata/silver.yaml"}, c.args...)...)
			l.stdout.wait(t, "PathIntent/silver created\n")
			if c.become == nil {
				w.Update(func(s *resource.State) { s.Intents = nil })
			} else {
				set(w, c.become)
			}
			if code := l.end(t); code != c.code || l.stderr.String() != c.stderr {
				t.Errorf("exit code %d, want %d; stderr\n%s\nwant\n%s", code, c.code, l.stderr, c.stderr)
			}
			if told := strings.HasSuffix(l.stdout.String(), "created\n1 intent in place\n"); told != (c.name == "in place") {
				t.Errorf("stdout\n%s", l.stdout)
			}
		})
	}
}

func TestApplyShowsProgressOnATerminal(t *testing.T) {
	w := newWorld(t)
	w.env.ErrTerminal = true
	l := w.start(t, "apply", "-f", "testdata/silver.yaml")
	l.stderr.wait(t, "\r\x1b[K0 of 1 intent in place; silver: Installed is not known yet")
	l.cancel()
	if code := l.end(t); code != 1 || !strings.HasSuffix(l.stderr.String(), "\r\x1b[Kkeiro: interrupted; what was applied stays declared\n") {
		t.Errorf("exit code %d, stderr %q", code, l.stderr)
	}
}

// With a topology all intents are waited for.
func TestWaitFor(t *testing.T) {
	one := resource.ObjectChange{Kind: resource.KindIntent, Name: "a"}
	if got := waitFor(&resource.Applied{Objects: []resource.ObjectChange{one}}); len(got) != 1 || !got["a"] {
		t.Error(got)
	}
	if got := waitFor(&resource.Applied{Objects: []resource.ObjectChange{one, {Kind: resource.KindTopology, Name: "net"}}}); got != nil {
		t.Error(got)
	}
}

func TestWatchOffATerminal(t *testing.T) {
	w := newWorld(t)
	w.populate()
	l := w.start(t, "watch")
	l.stdout.wait(t, " synced\n")
	w.Update(func(s *resource.State) { s.Drains = nil }, resource.Event{Type: "Undrained", Object: "node:b", Message: "by alice"})
	l.stdout.wait(t, "synced\n09:10:00.000 drain:node:b removed\n09:00:00.000 event Undrained node:b: by alice\n")
	l.cancel()
	if code := l.end(t); code != 0 || l.stderr.String() != "" {
		t.Errorf("exit code %d, stderr %q", code, l.stderr)
	}
}

func TestWatchAsJSON(t *testing.T) {
	w := newWorld(t)
	w.populate()
	code, out, _ := w.run(t, "watch", "--once", "-o", "json")
	last := resource.Change{}
	for line := range strings.Lines(out) {
		last = resource.Change{}
		if err := json.Unmarshal([]byte(line), &last); err != nil {
			t.Errorf("%q: %v", line, err)
		}
	}
	if code != 0 || last.Kind != resource.Synced {
		t.Errorf("exit code %d, last %+v", code, last)
	}
	if _, out, _ := w.run(t, "watch", "--once", "-o", "yaml"); !strings.HasSuffix(out, "---\nkind: synced\ngeneration: 7\n") {
		t.Errorf("as YAML\n%s", out)
	}
}

func TestWatchOnATerminal(t *testing.T) {
	w := newWorld(t)
	w.env.Terminal = true
	w.vars["NO_COLOR"] = "1"
	w.populate()
	l := w.start(t, "watch")
	l.stdout.wait(t, "no carrier at b\x1b[K\n\x1b[J")
	w.Update(func(s *resource.State) { s.Intents = s.Intents[:1] }, resource.Event{Type: "LinkUp", Object: "link:b--d", Message: "carrier"})
	shown := l.stdout.wait(t, "carrier\x1b[K\n\x1b[J")
	want := "\x1b[H" + strings.ReplaceAll(`NAME   STATUS       PATHS   DELAY   ACTIVE   SATISFIED   INSTALLED   HEALTHY   COMPLIANCE   AGE
far    infeasible   0/1     -       -        False       False       Unknown   Violated     10m

2026-11-23 09:00:00.000  LinkDown                 link:b--d  no carrier at b
2026-11-23 09:00:00.000  LinkUp                   link:b--d  carrier
`, "\n", "\x1b[K\n") + "\x1b[J"
	if !strings.HasSuffix(shown, want) {
		t.Errorf("shown\n%q\nwant\n%q", shown, want)
	}
	l.cancel()
	if code := l.end(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	code, out, _ := w.run(t, "watch", "--once")
	if code != 0 || !strings.HasPrefix(out, "NAME ") || strings.Contains(out, "\x1b") {
		t.Errorf("once: %d %q", code, out)
	}
}

func TestScreenFitsTheTerminal(t *testing.T) {
	w := newWorld(t)
	w.populate()
	for n := range 50 {
		w.Update(func(*resource.State) {}, resource.Event{Type: "Test", Object: "x", Message: fmt.Sprint(n)})
	}
	w.env.Terminal, w.vars["NO_COLOR"] = true, "1"
	w.env.Size = func() (int, int) { return 30, 10 }
	l := w.start(t, "watch")
	shown := l.stdout.wait(t, "\x1b[J")
	if lines := strings.Count(shown, "\n"); lines > 9 {
		t.Errorf("%d lines on a screen of 10", lines)
	}
	for line := range strings.Lines(strings.NewReplacer("\x1b[2J", "", "\x1b[H", "", "\x1b[K", "", "\x1b[J", "", "\x1b[0m", "").Replace(shown)) {
		if len(strings.TrimRight(line, "\n")) > 30 {
			t.Errorf("%q is wider than the screen", line)
		}
	}
}

func TestEventsFollow(t *testing.T) {
	w := newWorld(t)
	w.populate()
	l := w.start(t, "events", "--follow")
	l.stdout.wait(t, "no carrier at b\n")
	for n := range 3 {
		w.Update(func(*resource.State) {}, resource.Event{Type: "Test", Object: "x", Message: fmt.Sprint(n)})
	}
	at := apitest.Now.Format("2006-01-02 15:04:05.000")
	want := at + "  LinkDown                 link:b--d  no carrier at b\n"
	for n := range 3 {
		want += fmt.Sprintf("%s  Test                     x  %d\n", at, n)
	}
	if got := l.stdout.wait(t, "x  2\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	l.cancel()
	if code := l.end(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
