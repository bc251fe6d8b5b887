package floor

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/internal/plays"
)

// Plays are what controller and root do, and what comes of it: fences in the
// words of iproute2, then the floors as a report has them.
//
//	> config INTENT LEVEL[:LEVEL OF EACH PATH,...] FROM>TO@PREF,... ; ...
//	> lower INTENT
//	> restart                from what is on disk
//	> restart damaged        from what cannot be read
func TestPlays(t *testing.T) {
	plays.Run(t, func(t *testing.T, text string) string {
		s := &stage{t: t, cfg: new(nodecfg.Config), now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
		for line := range strings.Lines(text) {
			switch {
			case strings.HasPrefix(line, ">"):
				s.out.WriteString(line)
				s.play(strings.TrimSpace(line[1:]))
			case strings.HasPrefix(line, "#") || line == "\n":
				s.out.WriteString(line)
			}
		}
		return s.out.String()
	})
}

type stage struct {
	t      *testing.T
	floors Floors
	cfg    *nodecfg.Config // as the controller sent it
	now    time.Time
	out    strings.Builder
}

func (s *stage) play(line string) {
	verb, rest, _ := strings.Cut(line, " ")
	var err error
	switch verb {
	case "config":
		s.cfg = s.config(rest)
	case "lower":
		s.now = s.now.Add(time.Hour)
		s.floors, err = s.floors.Lower(rest, s.now)
	case "restart":
		b := s.floors.Encode("n1")
		if rest == "damaged" {
			b[len(b)/2]++
		}
		if s.floors, err = Decode("n1", b); err != nil {
			s.floors.Blind = true
		}
	default:
		s.t.Fatalf("unknown command %q", line)
	}
	if err != nil {
		fmt.Fprintf(&s.out, "  error: %v\n", err)
	}
	cfg := s.floors.Obey(s.cfg)
	if s.floors, err = s.floors.Raise(cfg); err != nil {
		s.t.Fatal(err)
	}
	fences, err := s.floors.Fences(cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, r := range fences {
		fmt.Fprintf(&s.out, "  %s\n", r)
	}
	for _, f := range s.floors.States(s.cfg) {
		fmt.Fprintf(&s.out, "  %s %s", f.Intent, f.Level)
		if f.Fenced {
			s.out.WriteString(" FENCED")
		}
		if f.Reason != "" {
			s.out.WriteString(" " + f.Reason)
		}
		s.out.WriteString("\n")
	}
}

func (s *stage) config(text string) *nodecfg.Config {
	c := &nodecfg.Config{Node: "n1"}
	for i, policy := range strings.Split(text, ";") {
		words := strings.Fields(policy)
		if len(words) == 0 {
			continue
		}
		levels, paths, own := strings.Cut(words[1], ":")
		if !own {
			paths = levels
		}
		p := nodecfg.Policy{Intent: words[0], ID: uint16(i + 1), Encryption: strings.TrimPrefix(levels, "none")}
		for j, level := range strings.FieldsFunc(paths, func(r rune) bool { return r == ',' }) {
			path := nodecfg.Path{Name: fmt.Sprint(p.Intent, "/", j)}
			if level != "none" {
				path.Lane = &nodecfg.Lane{ID: uint16(10*i + j + 1), Index: j, Encryption: level}
			}
			p.Paths = append(p.Paths, path)
		}
		for _, word := range strings.Split(words[2], ",") {
			from, to, _ := strings.Cut(word, ">")
			to, pref, _ := strings.Cut(to, "@")
			n, err := strconv.Atoi(pref)
			if err != nil {
				s.t.Fatal(err)
			}
			p.Traffic = append(p.Traffic, nodecfg.Selector{From: netip.MustParsePrefix(from), To: netip.MustParsePrefix(to), Pref: uint16(n)})
		}
		c.Policies = append(c.Policies, p)
	}
	return c
}
