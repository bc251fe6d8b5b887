package lsdbtest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/lsdb"
	"github.com/keiro-net/keiro/internal/plays"
)

// Start is when every play begins.
var Start = time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)

// Stage is a database that a play tells what to do.
type Stage struct {
	DB  *lsdb.DB
	Now time.Time
}

// Play runs the plays in testdata: a `>` line is a command, and what follows it
// is what it printed. Commands that Do does not know go to others, which starts
// anew for each play.
func Play(t *testing.T, others func(*testing.T, *Stage) func(args []string) (string, bool)) {
	plays.Run(t, func(t *testing.T, text string) string {
		s := &Stage{DB: lsdb.New(), Now: Start}
		more := others(t, s)
		var out strings.Builder
		for line := range strings.SplitSeq(text, "\n") {
			args, command := strings.CutPrefix(line, "> ")
			if !command {
				if strings.HasPrefix(line, "#") || line == "" {
					out.WriteString(line + "\n")
				}
				continue
			}
			printed, known := s.Do(strings.Fields(args))
			if !known {
				printed, known = more(strings.Fields(args))
			}
			if !known {
				t.Fatalf("no such command: %s", line)
			}
			out.WriteString(line + "\n" + printed)
		}
		return strings.TrimRight(out.String(), "\n") + "\n"
	})
}

// Do does what one line of a play says:
//
//	PEER node|link|prefix|sid ...   the peer says so; `PEER no ...`: its attribute was discarded
//	PEER gone node|link|...         the peer withdraws it
//	PEER up|lost|end|expect|remove  its session, and what ends its RIB
//	wait DURATION
//	view                            prints what there is
//	show ORIGIN ID [ID]             prints every attribute of a node or of links
func (s *Stage) Do(args []string) (printed string, known bool) {
	plain := ls.Family{}
	switch {
	case args[0] == "wait":
		d, err := time.ParseDuration(args[1])
		s.Now = s.Now.Add(d)
		return problem(err), true
	case args[0] == "view":
		return Dump(s.DB.View()), true
	case args[0] == "show":
		return s.show(args[1:]), true
	case len(args) < 2:
		return "", false
	}
	peer := args[0]
	switch args[1] {
	case "up":
		s.DB.Up(peer, s.Now, plain)
	case "lost":
		s.DB.Lost(peer, s.Now)
	case "end":
		s.DB.EndOfRIB(peer, plain, s.Now)
	case "expect":
		s.DB.Expect(peer)
	case "remove":
		s.DB.Remove(peer)
	case "node", "link", "prefix", "sid":
		n, a, err := Parse(args[1:])
		if err == nil {
			err = s.DB.Reach(peer, n, a, s.Now)
		}
		return problem(err), true
	case "gone", "no":
		n, _, err := Parse(args[2:])
		if err == nil && args[1] == "gone" {
			err = s.DB.Unreach(peer, n, s.Now)
		} else if err == nil {
			err = s.DB.Reach(peer, n, nil, s.Now)
		}
		return problem(err), true
	default:
		return "", false
	}
	return "", true
}

func problem(err error) string {
	if err != nil {
		return fmt.Sprintf("error: %v\n", err)
	}
	return ""
}
