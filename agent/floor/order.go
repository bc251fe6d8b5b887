package floor

import (
	"slices"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// Order is what the node's root asks of the agent: to lower the floor of an
// intent, or for its Report, or with neither to list what floors there are. The
// answer is sent once.
type Order struct {
	Lower  string
	Status bool
	Answer chan<- Answer // with room for one
}

// Answer states the floors there are after an Order.
type Answer struct {
	Node     string `json:"node"`
	Revision uint64 `json:"revision"` // of the Config obeyed; 0: none
	Floors   []View `json:"floors"`
	Error    string `json:"error,omitempty"`
	// Report is there where the Order asks for it.
	Report *nodecfg.Report `json:"report,omitempty"`
}

// View is all that is known of one floor.
type View struct {
	nodecfg.FloorState
	Traffic []Traffic `json:"traffic"`
	Lowered time.Time `json:"lowered,omitzero"`
}

// Views join the floors with what States said of them.
func (f Floors) Views(states []nodecfg.FloorState) []View {
	views := []View{}
	for _, own := range f.Intents {
		if len(own.Traffic) == 0 {
			continue
		}
		v := View{Traffic: own.Traffic, Lowered: own.Lowered,
			FloorState: nodecfg.FloorState{Intent: own.Intent, Level: nodecfg.Encryption(own.level())}}
		if i := slices.IndexFunc(states, func(s nodecfg.FloorState) bool { return s.Intent == own.Intent }); i >= 0 {
			v.FloorState = states[i]
		}
		views = append(views, v)
	}
	return views
}

// Stopped says for a Config whether the fences take all packets of a policy.
func Stopped(p *nodecfg.Policy, fences map[nodecfg.Rule]bool) bool {
	for _, s := range p.Traffic {
		if !fences[nodecfg.Rule{From: s.From, To: s.To, Pref: s.FencePref()}] {
			return false
		}
	}
	return len(p.Traffic) > 0
}
