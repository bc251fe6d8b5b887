package show

import (
	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/core"
)

func laneOf(l core.LaneView) *resource.Lane {
	out := &resource.Lane{
		Name: l.Name, Intent: l.Intent, Index: l.Index, Encryption: l.Encryption,
		Nodes: l.Path.Nodes, Links: l.Path.Links, Serving: l.Serving, Ends: make([]resource.LaneEnd, 0, 2),
	}
	for _, e := range l.Ends {
		end := resource.LaneEnd{Node: e.Node, State: resource.LaneUnknown}
		if s := e.State; s != nil {
			end = resource.LaneEnd{
				Node: e.Node, Interface: s.Interface, State: resource.LaneClosed, Reason: s.Reason, Level: s.Level, Epoch: s.Epoch,
				Keyed: s.Keyed, Proven: s.Proven, Handshake: s.Handshake, Sent: s.Sent, Received: s.Received, Dropped: s.Dropped,
			}
			switch {
			case s.Open && s.Draining:
				end.State = resource.LaneDraining
			case s.Open:
				end.State = resource.LaneOpen
			}
		}
		out.Ends = append(out.Ends, end)
	}
	return out
}

func keyingOf(k core.KeyingView) *resource.Keying {
	return &resource.Keying{
		Node: k.Node, Counts: k.Keying.Counts, Alarms: append([]nodecfg.KeyAlarm{}, k.Keying.Alarms...),
		Stores: append([]nodecfg.KeyStore{}, k.Keying.Stores...), Floors: append([]nodecfg.FloorState{}, k.Floors...),
	}
}
