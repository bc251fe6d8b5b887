package apitest

import (
	"context"
	"slices"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/controller/api/resource"
)

// Rotate gives every lane of the intent its next epoch, at both ends, at once.
func (b *Backend) Rotate(_ context.Context, intent string) (*resource.Rotation, error) {
	if b.State().Intent(intent) == nil {
		return nil, resource.Errorf(resource.NotFound, "there is no intent %s", intent)
	}
	told := b.renew(func(l *resource.Lane) bool { return l.Intent == intent })
	if len(told) == 0 {
		return nil, resource.Errorf(resource.Conflict, "intent %s has no lanes", intent)
	}
	return &resource.Rotation{Intent: intent, Pairs: 1, Told: told[:1]}, nil
}

// Rekey does so with the lanes of a node. Nodes that are revoked cannot be told.
func (b *Backend) Rekey(_ context.Context, node string, _ time.Duration) (*resource.Rotation, error) {
	told := b.renew(func(l *resource.Lane) bool { return l.Ends[0].Node == node || l.Ends[1].Node == node })
	if len(told) == 0 {
		return nil, resource.Errorf(resource.Conflict, "node %s has no lanes", node)
	}
	out := &resource.Rotation{Node: node, Pairs: len(told) - 1, Told: []string{}}
	for _, name := range told {
		if slices.ContainsFunc(b.State().Nodes, func(n *resource.Node) bool { return n.Name == name && n.Revoked }) {
			out.Untold = append(out.Untold, resource.Untold{Node: name, Why: "its agent is not connected"})
		} else {
			out.Told = append(out.Told, name)
		}
	}
	return out, nil
}

// renew returns the nodes at the ends of the lanes.
func (b *Backend) renew(keep func(*resource.Lane) bool) []string {
	nodes := []string{}
	b.Update(func(s *resource.State) {
		for n, was := range s.Lanes {
			if !keep(was) {
				continue
			}
			l := *was
			l.Ends = slices.Clone(l.Ends)
			next := max(l.Ends[0].Epoch, l.Ends[1].Epoch) + 1
			for e := range l.Ends {
				end := &l.Ends[e]
				end.State, end.Reason, end.Proven, end.Keyed, end.Handshake = resource.LaneOpen, "", true, Now, Now
				end.Epoch, end.Level = next, l.Encryption
				nodes = append(nodes, end.Node)
			}
			s.Lanes[n] = &l
		}
	})
	slices.Sort(nodes)
	return slices.Compact(nodes)
}

// Revoke marks the node, and closes its lanes at their other ends.
func (b *Backend) Revoke(_ context.Context, node string) (*resource.Revocation, error) {
	out := &resource.Revocation{Node: node, Intents: []string{}}
	found := false
	b.Update(func(s *resource.State) {
		for n, was := range s.Nodes {
			if was.Name == node {
				found = true
				is := *was
				is.Connected, is.Revoked, is.Since = false, true, Now
				s.Nodes[n] = &is
			}
		}
		for _, l := range s.Lanes {
			if l.Ends[0].Node == node || l.Ends[1].Node == node {
				out.Intents = append(out.Intents, l.Intent)
			}
		}
	})
	if !found {
		return nil, resource.Errorf(resource.NotFound, "node %s has no enrolled agent, so there is nothing to revoke", node)
	}
	slices.Sort(out.Intents)
	out.Intents = slices.Compact(out.Intents)
	return out, nil
}

// laneAt is the lane of a path as the agent of one end would tell of it.
func laneAt(s *resource.State, name, node string) *nodecfg.LaneState {
	for _, l := range s.Lanes {
		for _, e := range l.Ends {
			if l.Name == name && e.Node == node {
				return &nodecfg.LaneState{
					Name: name, Interface: e.Interface, Reason: e.Reason, Level: e.Level, Epoch: e.Epoch, Keyed: e.Keyed,
					Open: e.State == resource.LaneOpen || e.State == resource.LaneDraining, Draining: e.State == resource.LaneDraining,
				}
			}
		}
	}
	return nil
}
