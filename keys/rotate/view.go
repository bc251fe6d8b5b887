package rotate

import "time"

// LaneView is what an operator sees of a lane.
type LaneView struct {
	Lane   Lane      `json:"lane"`
	State  string    `json:"state"` // new, closed, open or draining
	Reason string    `json:"reason,omitempty"`
	Floor  Level     `json:"floor"`
	Level  Level     `json:"level"` // of the key
	Epoch  uint64    `json:"epoch"` // of the key; 0: none
	Since  time.Time `json:"since"` // when the key was agreed
	Proven bool      `json:"proven"`
	Due    time.Time `json:"due"` // for the next epoch; at the responder for asking after it
}

// View returns the lanes of the pair, in their order.
func (m *Machine) View() []LaneView {
	views := make([]LaneView, 0, len(m.lanes))
	for i := range m.lanes {
		l := &m.lanes[i]
		v := LaneView{
			Lane: l.id, State: l.phase.String(), Reason: l.reason, Floor: l.need, Level: Classic,
			Epoch: l.current.epoch, Since: l.current.since, Proven: l.current.proven, Due: l.due,
		}
		if l.current.epoch != 0 {
			v.Level = l.current.level
		}
		views = append(views, v)
	}
	return views
}
