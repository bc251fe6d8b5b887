package session

import (
	"sync"
	"time"
)

// overlong is how long the controller may be away before the log says so as a
// thing of its own. An upgrade takes less.
const overlong = 10 * time.Minute

// Standing is how an agent stands with its controller, for the node's root: the
// controller has an alert for its end of it (AgentLost), which nobody sees on the
// node, and none where it is gone itself.
type Standing struct {
	Controller string `json:"controller"` // where it is dialled
	Connected  bool   `json:"connected"`  // there is a session
	// Since is when that became so; where Never is set, when the agent began.
	Since time.Time `json:"since"`
	// SinceS is the same in seconds until now, whatever was done to the clock.
	SinceS int64 `json:"since_s"`
	// Never: this run of the agent has had no session yet.
	Never bool `json:"never,omitempty"`
	// Reason is why the last attempt to get a session failed.
	Reason string `json:"reason,omitempty"`
	// Expires is when the certificate does, with which the agent gets in; not
	// there: the node is not enrolled. Expired is whether it has, by this node's clock.
	Expires time.Time `json:"certificate_expires,omitzero"`
	Expired bool      `json:"certificate_expired,omitempty"`
}

// stand is what Standing is made of.
type stand struct {
	mu sync.Mutex
	Standing
	told bool // that the controller is away for overlong
}

// Standing may be called at any time.
func (c *Client) Standing() Standing {
	c.stand.mu.Lock()
	defer c.stand.mu.Unlock()
	s := c.stand.Standing
	s.SinceS = int64(time.Since(s.Since) / time.Second)
	s.Since = s.Since.UTC()
	s.Expired = !s.Expires.IsZero() && time.Now().After(s.Expires)
	return s
}

// came notes that a session began, and returns for how long there was none.
func (s *stand) came() (away time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.Connected {
		away = time.Since(s.Since)
		s.Since = time.Now()
	}
	s.Connected, s.Never, s.Reason, s.told = true, false, "", false
	return away
}

// failed notes why there is no session. It reports for how long, and once whether
// that is as long as patience.
func (s *stand) failed(reason string, patience time.Duration) (away time.Duration, tell bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Connected {
		s.Connected, s.Since = false, time.Now()
	}
	s.Reason = reason
	away = time.Since(s.Since)
	tell = !s.told && away >= patience
	s.told = s.told || tell
	return away, tell
}
