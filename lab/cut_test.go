package lab

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// carriers tells which of the links of the triangle both ends see up. An end
// that disagrees with the other shows as "half".
func carriers(t *testing.T, l *Lab) string {
	t.Helper()
	var out []string
	for _, link := range l.plan.Links {
		a := carrier(t, l, link.Ends[0].Node, link.Ends[0].Interface)
		b := carrier(t, l, link.Ends[1].Node, link.Ends[1].Interface)
		out = append(out, map[[2]bool]string{{true, true}: "up", {false, false}: "cut", {true, false}: "half", {false, true}: "half"}[[2]bool{a, b}])
	}
	return strings.Join(out, " ")
}

// The links of the triangle: a--b (duct), west (b to c), c--a (duct, quake),
// c--a#2.
func TestCutAndRestore(t *testing.T) {
	l := up(t, triangle(uniqueName()))
	before := settled(t, l)
	for _, step := range []struct {
		command, target string
		changed         string // link=causes
		want            string
	}{
		{"cut", "west", "west=link:west", "up cut up up"},
		{"cut", "west", "west=link:west", "up cut up up"},
		{"cut", "srlg:duct", "a--b=srlg:duct c--a=srlg:duct", "cut cut cut up"},
		{"cut", "c--a", "c--a=link:c--a,srlg:duct", "cut cut cut up"},
		{"restore", "duct", "a--b= c--a=link:c--a", "up cut cut up"},
		{"restore", "quake", "c--a=link:c--a", "up cut cut up"},
		{"cut", "c", "west=link:west,node:c c--a=link:c--a,node:c c--a#2=node:c", "up cut cut cut"},
		{"restore", "link:c--a", "c--a=node:c", "up cut cut cut"},
		{"restore", "node:c", "west=link:west c--a= c--a#2=", "up cut up up"},
		{"restore", "node:c", "west=link:west c--a= c--a#2=", "up cut up up"},
		{"restore", "", "a--b= west= c--a= c--a#2=", "up up up up"},
	} {
		var targets []Target
		if step.target != "" {
			target, err := l.Target(step.target)
			if err != nil {
				t.Fatal(err)
			}
			targets = append(targets, target)
		}
		do := l.Cut
		if step.command == "restore" {
			do = l.Restore
		}
		changes, err := do(t.Context(), targets...)
		if err != nil {
			t.Fatalf("%s %s: %v", step.command, step.target, err)
		}
		var changed []string
		for _, c := range changes {
			if c.Up != (len(c.Causes) == 0) {
				t.Errorf("%s %s: %+v", step.command, step.target, c)
			}
			changed = append(changed, c.Link+"="+strings.Join(c.Causes, ","))
		}
		if got := strings.Join(changed, " "); got != step.changed {
			t.Errorf("%s %s: changed %s, want %s", step.command, step.target, got, step.changed)
		}
		eventually(t, fmt.Sprintf("after %s %s the links are %s", step.command, step.target, step.want), func() bool {
			return carriers(t, l) == step.want
		})
		status, err := l.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i, word := range strings.Fields(step.want) {
			if s := status.Links[i]; s.Up != (word == "up") || s.Up != (len(s.Causes) == 0) {
				t.Errorf("status after %s %s: %+v, want %s", step.command, step.target, s, word)
			}
		}
	}
	awaitDump(t, l, before)
}

func TestTarget(t *testing.T) {
	l := &Lab{name: "x", plan: &plan{
		Nodes: []nodePlan{{Name: "a"}, {Name: "b"}, {Name: "lonely"}, {Name: "duct"}},
		Links: []linkPlan{{Name: "a--b", Ends: [2]endPlan{{Node: "a"}, {Node: "b"}}, SRLGs: []string{"duct", "link:odd"}}},
	}}
	for word, want := range map[string]any{
		"a": Target{Node, "a"}, "a--b": Target{Link, "a--b"}, "srlg:duct": Target{SRLG, "duct"}, "lonely": Target{Node, "lonely"},
		"node:duct": Target{Node, "duct"}, "link:odd": Target{SRLG, "link:odd"},
		"duct": "more than one", "nothing": "no link, node or SRLG", "link:a": "no link, node or SRLG", "": "no link, node or SRLG",
	} {
		got, err := l.Target(word)
		if text, bad := want.(string); bad {
			if err == nil || !strings.Contains(err.Error(), text) {
				t.Errorf("Target(%q): %v, %v; want an error with %q", word, got, err, text)
			}
		} else if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("Target(%q): %v, %v; want %v", word, got, err, want)
		}
	}
}

func TestCutRefusesUnknown(t *testing.T) {
	l := up(t, triangle(uniqueName()))
	if _, err := l.Cut(t.Context(), Target{Link, "nothing"}); err == nil {
		t.Error("cut of a link that is not there succeeded")
	}
	if err := l.Impair(t.Context(), "nothing", Impairment{}); err == nil {
		t.Error("impair of a link that is not there succeeded")
	}
	if err := l.Impair(t.Context(), "west", Impairment{Loss: 1e6 + 1}); err == nil {
		t.Error("a loss over 100 % was accepted")
	}
	for _, i := range []Impairment{{Loss: 1, From: "a"}, {From: "b"}} {
		if err := l.Impair(t.Context(), "west", i); err == nil {
			t.Errorf("%+v on the link of b and c was accepted", i)
		}
	}
}

func Test200CyclesLeaveTheKernelAsItWas(t *testing.T) {
	l := up(t, triangle(uniqueName()))
	before := settled(t, l)
	for i := range 200 {
		target := []Target{{SRLG, "duct"}, {Node, "c"}, {Link, "west"}, {Node, "a"}}[i%4]
		if _, err := l.Cut(t.Context(), target); err != nil {
			t.Fatal(err)
		}
		if err := l.Impair(t.Context(), "west", Impairment{Loss: 1000, Rate: 1e6}); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Restore(t.Context(), target); err != nil {
			t.Fatal(err)
		}
		if err := l.Impair(t.Context(), "west", Impairment{}); err != nil {
			t.Fatal(err)
		}
	}
	awaitDump(t, l, before)
}
