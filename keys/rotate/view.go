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

// Views returns the lanes of the pair, in their order.
func (m *Machine) Views() []LaneView {
	views := make([]LaneView, len(m.lanes))
	for i := range m.lanes {
		views[i] = m.lanes[i].view()
	}
	return views
}

// View of a lane; zero for one that the machine does not have.
func (m *Machine) View(id Lane) LaneView {
	if l := m.lane(id); l != nil {
		return l.view()
	}
	return LaneView{}
}

func (l *lane) view() LaneView {
	v := LaneView{
		Lane: l.id, State: l.phase.String(), Reason: l.reason, Floor: l.need, Level: Classic,
		Epoch: l.current.epoch, Since: l.current.since, Proven: l.current.proven, Due: l.due,
	}
	if l.current.epoch != 0 {
		v.Level = l.current.level
	}
	return v
}
