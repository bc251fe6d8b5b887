package main

import (
	"fmt"
	"io"
	"time"

	"github.com/keiro-net/keiro/agent/local"
	"github.com/keiro-net/keiro/agent/nodecfg"
)

// printUplink says how the agent stands with its controller and, where there is no
// session, what goes on all the same and what does not.
func printUplink(out io.Writer, s *local.State) {
	u := s.Uplink
	if u == nil {
		return
	}
	since := u.Since.Format(time.RFC3339)
	switch {
	case u.Connected:
		fmt.Fprintf(out, "controller %s: session since %s\n", u.Controller, since)
	case u.Never:
		fmt.Fprintf(out, "controller %s: no session since the agent began at %s (%s)\n", u.Controller, since, lasting(u.SinceS))
	default:
		fmt.Fprintf(out, "controller %s: no session since %s (%s)\n", u.Controller, since, lasting(u.SinceS))
	}
	if !u.Connected {
		if u.Reason != "" {
			fmt.Fprintf(out, "  why: %s\n", u.Reason)
		}
		fmt.Fprintf(out, "  goes on without it: %s\n", goesOn(&s.Report))
		fmt.Fprintln(out, "  waits for it: new paths, changes of topology and intents, alerts of what this node sees")
	}
	switch {
	case u.Expires.IsZero():
		fmt.Fprintf(out, "certificate: none, the node is not enrolled: `keiro token create %s`\n", s.Node)
	case u.Expired:
		fmt.Fprintf(out, "certificate expired at %s: `keiro token create %s`, and start the agent with that token; forwarding does not depend on it\n",
			u.Expires.Format(time.RFC3339), s.Node)
	default:
		fmt.Fprintf(out, "certificate until %s\n", u.Expires.Format(time.RFC3339))
	}
}

func lasting(seconds int64) time.Duration { return time.Duration(seconds) * time.Second }

// goesOn says what the node does by itself. A path of which nothing is known counts
// as none that works.
func goesOn(r *nodecfg.Report) string {
	if r.Revision == 0 {
		return "nothing, as no config was obeyed yet"
	}
	text := fmt.Sprintf("forwarding by revision %d", r.Revision)
	works := 0
	for _, p := range r.Paths {
		if p.State == nodecfg.Up {
			works++
		}
	}
	if len(r.Paths) > 0 {
		text += fmt.Sprintf(", repair between paths (%d of %d answer probes)", works, len(r.Paths))
	}
	if len(r.Lanes) > 0 {
		text += fmt.Sprintf(", new keys of %d lanes", len(r.Lanes))
	}
	return text
}
