package rotate

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/internal/plays"
)

// TestPlays runs the plays in testdata: a `>` line is a command, and what
// follows it is what both ends do then, as text. A plays for the initiator, B
// for the responder. What a machine asks of disk, WireGuard and KME it gets at
// once, and what it sends arrives, unless the play has forbidden it.
func TestPlays(t *testing.T) {
	plays.Run(t, func(t *testing.T, text string) string { return (&theatre{t: t}).run(text) })
}

// theatre is a world whose actions a play chooses.
type theatre struct {
	t    *testing.T
	w    *world
	kept map[string][]byte // the last packet of each kind
	lost map[string]bool   // kinds of packets that get lost
	sick map[string]bool   // what fails, as in "disk A", "install B", "kme A"
	out  strings.Builder
}

func (s *theatre) run(play string) string {
	s.kept, s.lost, s.sick = map[string][]byte{}, map[string]bool{}, map[string]bool{}
	for _, line := range strings.Split(play, "\n") {
		switch {
		case strings.HasPrefix(line, "> "):
			s.out.WriteString(line + "\n")
			s.command(strings.Fields(line[2:]))
		case strings.HasPrefix(line, "#"), line == "":
			s.out.WriteString(line + "\n")
		}
	}
	return strings.TrimRight(s.out.String(), "\n") + "\n"
}

func (s *theatre) say(who byte, format string, args ...any) {
	fmt.Fprintf(&s.out, "%9s %c %s\n", s.w.now.Sub(midnight), who, fmt.Sprintf(format, args...))
}

func (s *theatre) command(args []string) {
	last := args[len(args)-1]
	i := max(strings.Index("AB", last), 0) // the end, where a command names one
	switch args[0] {
	case "pair": // pair LEVEL...: two new agents with lanes of these levels
		s.w = emptyWorld(modelParams(), s.specs(args[1:]))
		s.w.watch = s.watch
		s.w.restart(0)
		s.w.restart(1)
	case "lose", "pass": // lose KIND: its packets get lost; until pass KIND
		s.lost[last] = args[0] == "lose"
	case "fail", "cure": // fail disk A
		s.sick[args[1]+" "+last] = args[0] == "fail"
	case "wait": // wait DURATION: what becomes due is done
		d, err := time.ParseDuration(last)
		if err != nil {
			s.t.Fatal(err)
		}
		until := s.w.now.Add(d)
		for next := s.w.wake(); !next.IsZero() && !next.After(until); next = s.w.wake() {
			s.act(action{what: pass})
			s.settle()
		}
		s.w.now = until
	case "crash":
		s.act(action{what: crashBefore, side: uint8(i)})
	case "wipe": // the disk of an end that is down
		s.w.own(i).disk = State{}
	case "restart":
		s.act(action{what: restart, side: uint8(i)})
	case "replay", "reflect": // the last packet of a kind, to whom it was sent, or back
		data := s.kept[last]
		f, _ := parseFake(data)
		to := 0
		if (f.kind == Init || f.kind == Confirm) == (args[0] == "replay") {
			to = 1
		}
		s.w.step(to, Message{data})
	case "rotate":
		s.act(action{what: order, side: uint8(i)})
	case "rekey":
		s.act(action{what: compromise, side: uint8(i)})
	case "remake": // the device of the last lane
		s.act(action{what: remade, side: uint8(i)})
	case "configure": // configure LEVEL... END
		s.w.step(i, Configured{s.specs(args[1 : len(args)-1])})
	case "lanes":
		for _, v := range s.w.side[i].m.Views() {
			s.say(last[0], "%s is %s, floor %s, key %s of epoch %d, proven %v, due in %s %s", v.Lane, v.State, v.Floor, v.Level, v.Epoch, v.Proven, v.Due.Sub(s.w.now), v.Reason)
		}
	case "counts":
		s.say(last[0], "%+v", s.w.side[i].m.Counts())
	default:
		s.t.Fatalf("unknown command %q", args)
	}
	s.settle()
}

func (s *theatre) specs(names []string) []LaneSpec {
	var specs []LaneSpec
	for n, name := range names {
		spec := LaneSpec{Lane: testLane(n)}
		if err := spec.Level.UnmarshalText([]byte(name)); err != nil {
			s.t.Fatal(err)
		}
		specs = append(specs, spec)
	}
	return specs
}

func (s *theatre) act(a action) {
	if a.what == shake {
		s.say('-', "handshake on %s, epoch %d", s.w.specs[a.index].Lane, s.w.side[0].wg[a.index].psk.epoch)
	}
	s.w = s.w.do(a)
	if s.w.wrong != nil {
		s.t.Fatalf("%v\n%s", s.w.wrong, s.out.String())
	}
}

// settle does what is under way, in the order of the menu. What is sick fails,
// what is to be lost is lost.
func (s *theatre) settle() {
	for s.w.busy() {
		menu := slices.DeleteFunc(s.w.menu(nil, false, nil), func(a action) bool { return a.what == restart })
		if len(menu) == 0 {
			return // who is down is so until the play says otherwise
		}
		a := menu[0]
		name := " " + string("AB"[a.side])
		switch {
		case a.what == deliver:
			f, _ := parseFake(s.w.wire[a.index].data)
			s.kept[kinds[f.kind]] = s.w.wire[a.index].data
			if s.lost[kinds[f.kind]] {
				a.what = lose
			}
		case a.what == wrote && s.sick["disk"+name]:
			a.what = wroteNot
		case a.what == installed && s.sick["install"+name]:
			a.what = installNot
		case a.what == kmeGives && s.sick["kme"+name]:
			a.what = kmeDenies
		}
		s.act(a)
	}
}

func (s *theatre) watch(w *world, i int, e Effect) {
	if text := s.tell(e); text != "" {
		fmt.Fprintf(&s.out, "%9s %c %s\n", w.now.Sub(midnight), "AB"[i], text)
	}
}

func (s *theatre) tell(effect Effect) string {
	switch x := effect.(type) {
	case Send:
		f, _ := parseFake(x.Data)
		lost := ""
		if s.lost[kinds[f.kind]] {
			lost = ", which is lost"
		}
		lanes := ""
		for _, o := range f.lanes {
			lanes += " " + o.Lane.String()
			if o.QKD != "" {
				lanes += "+qkd"
			}
		}
		return fmt.Sprintf("send %s %d%s%s", kinds[f.kind], f.epoch, lanes, lost)
	case Persist:
		text := fmt.Sprintf("persist epoch %d", x.State.Epoch)
		if x.State.Distrusted > 0 {
			text += fmt.Sprintf(" distrusted %d", x.State.Distrusted)
		}
		for _, f := range x.State.Floors {
			text += fmt.Sprintf(", floor %s %s", f.Intent, f.Level)
		}
		for _, r := range x.State.Lanes {
			text += fmt.Sprintf(", %s has %d", r.Lane, r.Epoch)
		}
		return text
	case Install:
		return fmt.Sprintf("install %s epoch %d %s", x.Lane, x.Epoch, x.Key.(fakeKey).level())
	case AskHandshake:
		return "ask for a handshake on " + x.Lane.String()
	case NeedQKD:
		return "need a QKD key for " + x.Lane.String()
	case Erase:
		return fmt.Sprintf("erase %s epoch %d", x.Lane, x.Epoch)
	case Open:
		return "open " + x.Lane.String()
	case Drain:
		return fmt.Sprintf("drain %s: %s", x.Lane, x.Reason)
	case Close:
		return fmt.Sprintf("close %s: %s", x.Lane, x.Reason)
	case Raise:
		state := "raise"
		if !x.Alarm.Firing {
			state = "resolve"
		}
		return strings.TrimSpace(fmt.Sprintf("%s %s %s %s", state, x.Alarm.Name, strings.TrimPrefix(x.Alarm.Lane.String(), "/0"), x.Alarm.Message))
	}
	return ""
}
