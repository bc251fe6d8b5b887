package rotate

import "time"

// View is what is known of the key that a lane's WireGuard was given last.
// Epoch 0: none.
type View struct {
	Epoch  uint64
	Level  Level
	Since  time.Time // when it was agreed
	Proven bool      // a handshake has used it
}

// View of a lane; zero for one that the machine does not have.
func (m *Machine) View(id Lane) View {
	l := m.lane(id)
	if l == nil {
		return View{}
	}
	k := &l.current
	return View{Epoch: k.epoch, Level: k.level, Since: k.since, Proven: k.proven}
}
