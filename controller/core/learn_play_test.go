package core

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/bgp/lsdb"
	"github.com/keiro-net/keiro/bgp/lsdb/lsdbtest"
)

// doBGP are the lines of a play about what is heard by BGP:
//
//	peers PEER...   the peers that are configured, when the next controller starts
//	bgp PEER ...    what lsdbtest.Stage.Do takes: a session, or an object
//	feed FILE PEER  the objects of a file
//	learn           the Core hears of it all
//	links, alarms   prints how links are, and what fires
//	segments        prints the SIDs that headends send by, there and back
func (s *stage) doBGP(args []string) (out []string, known bool) {
	switch args[0] {
	case "peers":
		s.configure(args[1:]...)
	case "bgp":
		s.radio.Now = s.now
		if p := s.peer(args[1]); p != nil {
			switch args[2] {
			case "up":
				p.Up, p.Since, p.Reason = true, s.now, ""
			case "lost":
				p.Up, p.Since, p.Reason = false, s.now, "hold timer expired"
			case "end":
				p.Told = true
			case "remove":
				s.bgp = slices.DeleteFunc(s.bgp, func(p PeerState) bool { return p.Name == args[1] })
			}
		}
		printed, known := s.radio.Do(args[1:])
		if !known || printed != "" {
			s.t.Fatalf("%v: %s", args, printed)
		}
	case "feed":
		text, err := os.ReadFile(filepath.Join("testdata", args[1]))
		if err != nil {
			s.t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			s.doBGP(append([]string{"bgp", args[2]}, strings.Fields(line)...))
		}
	case "learn":
		out = s.step(Learned{View: s.radio.DB.View()})
		out = append(out, s.step(PeersChanged{slices.Clone(s.bgp)})...)
	case "alarms":
		for _, a := range s.core.View(s.now).Alarms {
			out = append(out, fmt.Sprintf("%s %s %v: %s", a.Severity, a.Name, a.Intents, a.Message))
		}
	case "segments":
		for _, name := range sortedKeys(s.agents) {
			if cfg := s.agents[name].cfg; cfg != nil {
				out = append(out, segments(cfg)...)
			}
		}
	case "links":
		for _, l := range s.core.View(s.now).Links {
			out = append(out, fmt.Sprintf("%s %s", l.Name, l.State))
		}
	default:
		return nil, false
	}
	return out, true
}

// configure makes the peers those of a controller that is about to start.
func (s *stage) configure(names ...string) {
	s.radio = &lsdbtest.Stage{DB: lsdb.New(), Now: s.now}
	s.bgp = nil
	for _, name := range names {
		s.bgp = append(s.bgp, PeerState{Name: name})
		s.radio.DB.Expect(name)
	}
}

func (s *stage) peer(name string) *PeerState {
	for n := range s.bgp {
		if s.bgp[n].Name == name {
			return &s.bgp[n]
		}
	}
	return nil
}

// segments are the SIDs of all paths of a node.
func segments(cfg *nodecfg.Config) (out []string) {
	for _, p := range cfg.Policies {
		for _, path := range p.Paths {
			out = append(out, fmt.Sprintf("%s %s over %s: %v, back %v%s", cfg.Node, path.Name, path.Link, path.Segments, path.Return, path.Unprobed))
		}
	}
	return out
}
