package core

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Random walks of fleets with routers in them begin and go on alike.

// startLearned starts a fleet of which peer rr says what is in a feed, and in which all
// agents are there and obey.
func startLearned(t *testing.T, rt *rapid.T, topology, feed string, intents []string) *stage {
	s := newStage(t)
	s.fail, s.feed = rt.Fatalf, feed
	s.configure("rr")
	s.do([]string{"start", topology, rapid.SampledFrom(intents).Draw(rt, "intents")})
	s.do([]string{"enrol", "one", "all"})
	s.do([]string{"bgp", "rr", "up"})
	s.do([]string{"feed", feed, "rr"})
	s.learn("end")
	s.do([]string{"connect", "all"})
	s.do([]string{"solve"})
	s.do([]string{"obey", "all"})
	s.do([]string{"obey", "all"})
	return s
}

// learn has peer rr say lines of a feed, and the Core hear of them.
func (s *stage) learn(lines ...string) {
	for _, line := range lines {
		s.do(append([]string{"bgp", "rr"}, strings.Fields(line)...))
	}
	s.do([]string{"learn"})
}

// agentDoes is one of the things from 0 to 5 that the agent of a node can do, or that it
// sees a link do.
func (s *stage) agentDoes(rt *rapid.T, what int, node, link string) {
	connected := s.agents[node] != nil && s.agents[node].connected
	switch what {
	case 0:
		s.do([]string{"connect", node})
	case 1:
		if connected {
			s.do([]string{"disconnect", node})
		}
	case 2, 3:
		if connected {
			s.do([]string{"obey", node})
		}
	case 4, 5:
		if connected && at(link, node) {
			s.do([]string{rapid.SampledFrom([]string{"down", "up"}).Draw(rt, "way"), link, node})
		}
	}
}
