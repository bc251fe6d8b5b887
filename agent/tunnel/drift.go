package tunnel

import "github.com/keiro-net/keiro/agent/nodecfg"

// Drifts are what others changed of the lanes, the oldest first, and how many
// there were since the agent began. All are put back, whatever the guard is:
// keys and peers are secrecy.
func (l *Lanes) Drifts() (latest []nodecfg.Drift, total uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.keyer == nil {
		return nil, 0
	}
	for _, d := range l.keyer.Drifts() {
		change := nodecfg.Changed
		if d.What == "peer" || d.What == "interface" {
			change = nodecfg.Deleted
		}
		latest = append(latest, nodecfg.Drift{Object: "wg " + d.Interface + " " + d.What, Change: change,
			Intent: d.Lane.Intent, At: d.At, Restored: d.Restored})
	}
	return latest, l.keyer.Counters().Drifts
}
